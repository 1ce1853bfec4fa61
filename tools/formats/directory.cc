// SPDX-License-Identifier: Apache-2.0
#include "formats/directory.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/descriptor.h"
#include "keys/seal.h"

namespace coffer {
namespace {

namespace files = std::filesystem;

// Exactly the bytes that the file has: it may not change while it is read.
Result<void> read_whole(int fd, std::span<std::uint8_t> room, std::string_view path) {
    std::size_t size = 0;
    std::uint8_t behind = 0;
    while (true) {
        const auto rest = size < room.size() ? room.subspan(size) : std::span(&behind, 1);
        const ssize_t count = ::read(fd, rest.data(), rest.size());
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) return fail(Code::failed, "reading ", path, ": ", errno_text());
        if (count == 0 && size == room.size()) return {};
        if (count == 0 || size == room.size()) {
            wipe({&behind, 1});
            return fail(Code::failed, path, " was changed while it was read; try again");
        }
        size += static_cast<std::size_t>(count);
    }
}

// Links are followed within the folder alone, whoever changes it meanwhile: root may import a tree that
// another user has made, and a link to /etc/shadow must not become a secret of that user's.
Descriptor open_below(int folder, const files::path& name) {
    open_how how{};
    // Without O_NONBLOCK a FIFO would be waited for before it can be refused.
    how.flags = O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
    return Descriptor(static_cast<int>(::syscall(SYS_openat2, folder, name.c_str(), &how, sizeof how)));
}

// `name`: below the folder; `path`: the whole, for messages.
Result<ByteView> read_file(int folder, const files::path& name, const std::string& path,
                           SecretChunks& memory) {
    Descriptor file = open_below(folder, name);
    if (!file && errno == EXDEV)
        return fail(Code::invalid, path,
                    " is a link that leads out of the folder; put the file itself in its place");
    if (!file)
        return fail(errno == EACCES ? Code::not_allowed : Code::failed, "opening ", path, ": ", errno_text());
    struct stat status {};
    if (fstat(file.get(), &status) != 0) return fail(Code::failed, path, ": ", errno_text());
    if (!S_ISREG(status.st_mode))
        return fail(Code::invalid, path, " is neither a file nor a folder; remove it from the tree");
    const auto size = static_cast<std::size_t>(status.st_size);
    if (size > kMaxValue)
        return fail(Code::invalid, path, " has ", size, " bytes; a value has at most ", kMaxValue);
    COFFER_TRY(auto room, memory.room(size));
    COFFER_CHECK(read_whole(file.get(), room, path));
    return ByteView(room);
}

// The paths of the files below `folder`.
Result<std::vector<files::path>> list_files(const files::path& folder, HiddenFiles hidden, Entries& entries) {
    std::vector<files::path> out;
    std::error_code error;
    files::recursive_directory_iterator at(folder, error);
    for (; !error && at != files::recursive_directory_iterator(); at.increment(error)) {
        const std::string name = at->path().filename();
        std::error_code ignored;  // what cannot be looked at is told when it is opened
        const bool link = at->is_symlink(ignored), is_folder = at->is_directory(ignored);
        if (name.starts_with(hidden == HiddenFiles::skip ? "." : "..")) {
            at.disable_recursion_pending();
        } else if (is_folder && link) {
            entries.warnings.push_back(
                concat(at->path().native(), " is a link to a folder and was left out"));
        } else if (!is_folder) {
            out.push_back(at->path());
        }
    }
    if (error) return fail(Code::failed, "reading the folder ", folder.native(), ": ", error.message());
    std::sort(out.begin(), out.end());
    return out;
}

}  // namespace

Result<Entries> read_directory(const files::path& folder, HiddenFiles hidden, SecretChunks& memory) {
    Entries entries;
    COFFER_TRY(auto paths, list_files(folder, hidden, entries));
    Descriptor root(::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    if (!root) return fail(Code::failed, "opening ", folder.native(), ": ", errno_text());
    for (const files::path& path : paths) {
        const files::path name = path.lexically_relative(folder);
        COFFER_TRY(auto value, read_file(root.get(), name, path.native(), memory));
        entries.list.push_back({name, value, 0});
    }
    return entries;
}

}  // namespace coffer
