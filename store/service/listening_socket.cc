// SPDX-License-Identifier: Apache-2.0
#include "service/listening_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <array>

#include "base/socket_address.h"
#include "base/supervisor.h"
#include "base/trusted_path.h"

namespace coffer {
namespace {

// A socket that a crash left behind is replaced, one that is in use and any other file never.
Result<void> clear_place(const std::filesystem::path& path, const sockaddr_un& address) {
    struct stat status {};
    if (::lstat(path.c_str(), &status) != 0) return {};
    if (!S_ISSOCK(status.st_mode))
        return fail(Code::conflict, path.string(), " is there and is no socket; nothing was changed");
    Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
        errno != ECONNREFUSED)
        return fail(Code::conflict, "somebody listens at ", path.string(), " already");
    if (::unlink(path.c_str()) != 0)
        return fail(Code::failed, "removing the old socket ", path.string(), ": ", errno_text());
    return {};
}

}  // namespace

Result<gid_t> ListeningSocket::group_number(const std::string& name) {
    std::array<char, 16384> buffer{};
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
        return fail(Code::not_found, "there is no group \"", name, "\"; make it with: groupadd --system ",
                    name);
    return found->gr_gid;
}

Result<std::optional<ListeningSocket>> ListeningSocket::passed() {
    auto descriptors = take_passed_descriptors();
    if (descriptors.empty()) return std::nullopt;
    if (descriptors.size() != 1)
        return fail(Code::invalid, "expected one socket from the service manager, found ",
                    descriptors.size());
    PassedDescriptor& one = descriptors.front();
    COFFER_CHECK(prepare_listener(one.descriptor, one.name));
    return ListeningSocket(std::move(one.descriptor));
}

Result<ListeningSocket> ListeningSocket::make(const std::filesystem::path& path, std::optional<gid_t> group) {
    COFFER_TRY(auto address, socket_address(path));
    COFFER_CHECK(check_folders_above(path));
    COFFER_CHECK(clear_place(path, address));
    ListeningSocket made(Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)));
    // Nobody's until it is its group's: the mode it is made with is 0600 here, for a moment.
    const mode_t mask = ::umask(0177);
    const int bound = ::bind(made.descriptor(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    ::umask(mask);
    if (bound != 0)
        return fail(Code::unavailable, "making the socket ", path.string(), ": ", errno_text(error));
    made.made_ = path;
    if (group && ::chown(path.c_str(), static_cast<uid_t>(-1), *group) != 0)
        return fail(Code::not_allowed, "giving the socket ", path.string(), " to the group with the number ",
                    *group, ": ", errno_text(), "; let this user be in that group");
    if (::chmod(path.c_str(), 0660) != 0 || ::listen(made.descriptor(), SOMAXCONN) != 0)
        return fail(Code::failed, "listening at ", path.string(), ": ", errno_text());
    return made;
}

ListeningSocket::~ListeningSocket() {
    if (socket_ && !made_.empty()) ::unlink(made_.c_str());
}

Result<std::optional<std::pair<Descriptor, Peer>>> ListeningSocket::accept() const {
    Descriptor socket(::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!socket && (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS))
        return fail(Code::limit, "accepting a connection: ", errno_text());
    if (!socket) return std::nullopt;  // none, or one that is gone again
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(socket.get(), SOL_SOCKET, SO_PEERCRED, &credentials, &size) != 0) return std::nullopt;
    return std::pair{std::move(socket), Peer{credentials.uid, credentials.pid}};
}

}  // namespace coffer
