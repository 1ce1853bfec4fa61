// SPDX-License-Identifier: Apache-2.0
#include "keys/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/descriptor.h"
#include "base/file.h"

namespace coffer {
namespace {

Failure system_failure(std::string_view doing, const std::filesystem::path& path, int error) {
    Code code = error == ENOENT                     ? Code::not_found
                : error == EACCES || error == EPERM ? Code::not_allowed
                : error == EEXIST                   ? Code::conflict
                                                    : Code::failed;
    return fail(code, "cannot ", doing, " \"", path.native(), "\": ", errno_text(error));
}

// With an access list the group bits of the mode are the list's mask, not the group's rights: then the list
// itself must grant nothing to the group, to others, or to a user but this one and root. The layout is that
// of the kernel's posix_acl_xattr.h: u32 version, then entries of u16 tag, u16 permissions, u32 id.
bool access_list_is_private(int fd) {
    constexpr std::uint16_t kUserOwner = 0x01, kUser = 0x02, kMask = 0x10;
    std::array<std::uint8_t, 4 + 8 * 16> list;  // a longer one is not what systemd writes
    ssize_t size = fgetxattr(fd, "system.posix_acl_access", list.data(), list.size());
    if (size < 4) return false;
    ByteReader in(ByteView(list).first(static_cast<std::size_t>(size)));
    if (in.u32() != 2) return false;
    while (in.left() >= 8) {
        std::uint16_t tag = in.u16(), permissions = in.u16();
        std::uint32_t id = in.u32();
        bool harmless = permissions == 0 || tag == kUserOwner || tag == kMask ||
                        (tag == kUser && (id == geteuid() || id == 0));
        if (!harmless) return false;
    }
    return in.at_end();
}

Result<void> check_private(int fd, const std::filesystem::path& path) {
    struct stat status;
    if (fstat(fd, &status) != 0) return system_failure("examine", path, errno);
    if (!S_ISREG(status.st_mode)) return fail(Code::invalid, '"', path.native(), "\" is not a regular file");
    if (status.st_uid != 0 && status.st_uid != geteuid())
        return fail(Code::not_allowed, '"', path.native(), "\" belongs to user ", status.st_uid,
                    ", who could change it; a private key must belong to root or to user ", geteuid());
    if ((status.st_mode & 077) != 0 && ((status.st_mode & 07) != 0 || !access_list_is_private(fd)))
        return fail(Code::not_allowed, '"', path.native(),
                    "\" can be read or written by others than its owner; run `chmod 0400 ", path.native(),
                    '`');
    return {};
}

}  // namespace

Result<SecretBuffer> read_private_file(const std::filesystem::path& path, std::size_t limit) {
    // O_NONBLOCK: a FIFO put in the file's place must not make us wait for ever.
    Descriptor fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) return system_failure("open", path, errno);
    COFFER_CHECK(check_private(fd.get(), path));
    COFFER_TRY(auto content, SecretBuffer::allocate(limit + 1));
    std::size_t size = 0;
    while (size < content.size()) {
        auto room = content.writable().subspan(size);
        ssize_t count = read(fd.get(), room.data(), room.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return system_failure("read", path, errno);
        if (count == 0) break;
        size += static_cast<std::size_t>(count);
    }
    if (size > limit)
        return fail(Code::invalid, '"', path.native(), "\" has more than ", limit,
                    " bytes; it is another kind of file");
    content.shrink(size);
    return content;
}

Result<void> create_private_file(const std::filesystem::path& path, ByteView content) {
    // O_EXCL follows no symbolic link and replaces nothing.
    Descriptor fd(open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0400));
    if (!fd) return system_failure("create", path, errno);
    Result<void> written;
    // Not the umask decides.
    if (!write_all(fd.get(), content) || fchmod(fd.get(), 0400) != 0 || fsync(fd.get()) != 0)
        written = system_failure("write", path, errno);
    if (written) written = sync_name(path);
    if (!written) unlink(path.c_str());
    return written;
}

}  // namespace coffer
