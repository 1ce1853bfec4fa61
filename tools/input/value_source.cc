// SPDX-License-Identifier: Apache-2.0
#include "input/value_source.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "base/descriptor.h"
#include "input/prompt.h"
#include "keys/seal.h"

namespace coffer {
namespace {

constexpr std::size_t kFirstRoom = 4096;

// Room grows as bytes come: locked memory is scarce, and most values are short.
Result<SecretBuffer> grown(const SecretBuffer& full, std::size_t room) {
    COFFER_TRY(auto larger, SecretBuffer::allocate(room));
    std::memcpy(larger.writable().data(), full.view().data(), full.size());
    return larger;
}

enum class End { nothing, short_page };  // what of the file's tells its end

Result<SecretBuffer> read_all(int fd, std::string_view what, std::size_t limit,
                              std::size_t first_room = kFirstRoom, End end = End::nothing) {
    COFFER_TRY(auto value, SecretBuffer::allocate(std::min(first_room, limit + 1)));
    std::size_t size = 0;
    while (true) {
        if (size == value.size()) {
            COFFER_TRY(value, grown(value, std::min(4 * size, limit + 1)));
        }
        auto room = value.writable().subspan(size);
        ssize_t count = ::read(fd, room.data(), room.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(Code::failed, "reading ", what, ": ", errno_text());
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
        if (size > limit)
            return fail(Code::invalid, what, " has more than ", limit, " bytes, which is the limit");
        if (end == End::short_page && size < kFirstRoom) break;
    }
    value.shrink(size);
    return value;
}

Result<Descriptor> open_file(const std::string& path) {
    Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
    if (file) return file;
    const Code code = errno == ENOENT        ? Code::not_found
                      : errno == EACCES      ? Code::not_allowed
                      : errno == EKEYEXPIRED ? Code::expired  // of a secret in the mount
                                             : Code::failed;
    return fail(code, "opening ", path, ": ", errno_text());
}

}  // namespace

Result<SecretBuffer> read_value_file(const std::string& path, std::size_t limit, FileTrust trust) {
    COFFER_TRY(auto file, open_file(path));
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return fail(Code::failed, path, ": ", errno_text());
    if (S_ISDIR(status.st_mode)) return fail(Code::invalid, path, " is a folder; expected a file");
    if (trust == FileTrust::owner_only && S_ISREG(status.st_mode) && (status.st_mode & 077) != 0)
        return fail(Code::not_allowed, path, " can be read by others; run `chmod 600 ", path, '`');
    // One byte more than it has: the end is then seen without growing.
    const std::size_t size = S_ISREG(status.st_mode) ? static_cast<std::size_t>(status.st_size) : 0;
    return read_all(file.get(), path, limit, std::max(size + 1, kFirstRoom));
}

// Each call is a request to the daemon. So the size is not asked for, and what comes short of a page, which
// one request reads, is the end; a longer read is of several, of which a later one may have failed.
Result<SecretBuffer> read_mounted_file(const std::string& path) {
    COFFER_TRY(auto file, open_file(path));
    return read_all(file.get(), path, kMaxValue, kFirstRoom, End::short_page);
}

Result<SecretBuffer> read_stdin(std::size_t limit) {
    return read_all(STDIN_FILENO, "stdin", limit);
}

Result<SecretBuffer> read_value(ValueOptions& options, std::string_view name) {
    if (options.value) {
        auto& text = *options.value;
        if (text.size() > kMaxValue)
            return fail(Code::invalid, "the value has more than ", kMaxValue, " bytes, which is the limit");
        auto value = SecretBuffer::take({reinterpret_cast<std::uint8_t*>(text.data()), text.size()});
        options.value.reset();
        return value;
    }
    if (options.from_file) return read_value_file(*options.from_file, kMaxValue, FileTrust::any);
    if (isatty(STDIN_FILENO)) return prompt_secret(concat("the value of ", name), "pipe it in instead");
    return read_all(STDIN_FILENO, "the value on stdin", kMaxValue);
}

}  // namespace coffer
