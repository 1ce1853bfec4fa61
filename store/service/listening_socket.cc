// SPDX-License-Identifier: Apache-2.0
#include "service/listening_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <array>
#include <cstring>

#include "base/supervisor.h"

namespace coffer {
namespace {

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    const std::string& text = path.native();
    if (text.empty() || text.size() >= sizeof address.sun_path)
        return fail(Code::invalid, "the path of a socket has 1 to ", sizeof address.sun_path - 1,
                    " bytes, found ", text.size());
    std::memcpy(address.sun_path, text.data(), text.size());
    return address;
}

Result<gid_t> group_number(const std::string& name) {
    std::array<char, 16384> buffer{};
    group entry{};
    group* found = nullptr;
    if (getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found) != 0 || !found)
        return fail(Code::not_found, "there is no group \"", name, "\"; make it with: groupadd --system ",
                    name);
    return found->gr_gid;
}

bool has_option(int socket, int option, int wanted) {
    int value = 0;
    socklen_t size = sizeof value;
    return ::getsockopt(socket, SOL_SOCKET, option, &value, &size) == 0 && value == wanted;
}

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

Result<std::optional<ListeningSocket>> ListeningSocket::passed() {
    auto descriptors = take_passed_descriptors();
    if (descriptors.empty()) return std::nullopt;
    if (descriptors.size() != 1)
        return fail(Code::invalid, "expected one socket from the service manager, found ",
                    descriptors.size());
    Descriptor socket = std::move(descriptors[0].descriptor);
    if (!has_option(socket.get(), SO_DOMAIN, AF_UNIX) || !has_option(socket.get(), SO_TYPE, SOCK_STREAM) ||
        !has_option(socket.get(), SO_ACCEPTCONN, 1))
        return fail(Code::invalid,
                    "expected a listening AF_UNIX stream socket from the service manager (ListenStream=, "
                    "Accept=no), found another");
    if (::fcntl(socket.get(), F_SETFL, O_NONBLOCK) != 0)
        return fail(Code::failed, "the passed socket: ", errno_text());
    return ListeningSocket(std::move(socket));
}

Result<ListeningSocket> ListeningSocket::make(const std::filesystem::path& path,
                                              const std::optional<std::string>& group) {
    COFFER_TRY(auto address, address_of(path));
    std::optional<gid_t> owner;
    if (group) {
        COFFER_TRY(owner, group_number(*group));
    }
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
    if (owner && ::chown(path.c_str(), static_cast<uid_t>(-1), *owner) != 0)
        return fail(Code::not_allowed, "giving the socket ", path.string(), " to the group ", *group, ": ",
                    errno_text(), "; let this user be in that group");
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
