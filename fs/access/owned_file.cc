// SPDX-License-Identifier: Apache-2.0
#include "access/owned_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/file.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

}  // namespace

Result<std::string> read_owned_file(const std::filesystem::path& file) {
    const std::string& what = file.native();
    // O_NONBLOCK: a FIFO put there must not stop a start.
    Descriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));
    if (!fd) {
        Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::failed;
        return fail(code, "cannot open ", what, ": ", errno_text());
    }
    struct stat status {};
    if (::fstat(fd.get(), &status) != 0) return fail(Code::failed, "fstat of ", what, ": ", errno_text());
    if (!S_ISREG(status.st_mode)) return fail(Code::invalid, what, " is not a regular file");
    COFFER_CHECK(check_owner(status, what));
    return read_to_end(fd.get(), kMaxFile, what);
}

}  // namespace coffer
