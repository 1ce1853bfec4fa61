// SPDX-License-Identifier: Apache-2.0
#include "access/config/owned_file.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/descriptor.h"
#include "base/file.h"
#include "base/trusted_path.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxFile = 1u << 20;

// Open, and known to be a regular file.
struct Opened {
    Descriptor fd;
    struct stat status {};
};

Result<Opened> open_regular(const std::filesystem::path& file) {
    const std::string& what = file.native();
    // O_NONBLOCK: a FIFO put there must not stop a start.
    Opened out{Descriptor(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK))};
    if (!out.fd) {
        Code code = errno == ENOENT || errno == ENOTDIR ? Code::not_found : Code::failed;
        return fail(code, "cannot open ", what, ": ", errno_text());
    }
    if (::fstat(out.fd.get(), &out.status) != 0)
        return fail(Code::failed, "fstat of ", what, ": ", errno_text());
    if (!S_ISREG(out.status.st_mode)) return fail(Code::invalid, what, " is not a regular file");
    return out;
}

}  // namespace

Result<std::string> read_owned_file(const std::filesystem::path& file) {
    COFFER_TRY(auto opened, open_regular(file));
    COFFER_CHECK(check_folders_above(file));
    COFFER_CHECK(check_owner(opened.status, file.native()));
    return read_to_end(opened.fd.get(), kMaxFile, file.native());
}

Result<std::string> read_text_file(const std::filesystem::path& file, std::size_t limit) {
    COFFER_TRY(auto opened, open_regular(file));
    return read_to_end(opened.fd.get(), limit, file.native());
}

}  // namespace coffer
