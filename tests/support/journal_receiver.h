// SPDX-License-Identifier: Apache-2.0
//
// JournalReceiver: stands where systemd-journald listens, a datagram socket, and reads the journal's native
// protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL) as strictly as it is written down.
#pragma once

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace coffer::test {

using JournalFields = std::map<std::string, std::string>;

inline JournalFields parse_journal(std::string_view datagram) {
    JournalFields fields;
    while (!datagram.empty()) {
        std::size_t feed = datagram.find('\n');
        if (feed == datagram.npos) throw std::runtime_error("a field does not end");
        std::size_t equals = datagram.find('=');
        std::string name, value;
        if (equals < feed) {
            name = datagram.substr(0, equals);
            value = datagram.substr(equals + 1, feed - equals - 1);
            datagram.remove_prefix(feed + 1);
        } else {
            name = datagram.substr(0, feed);
            datagram.remove_prefix(feed + 1);
            std::uint64_t size = 0;
            if (datagram.size() < sizeof size) throw std::runtime_error("a size is cut short");
            for (unsigned i = 0; i < sizeof size; ++i)
                size |= std::uint64_t{static_cast<unsigned char>(datagram[i])} << (8 * i);
            datagram.remove_prefix(sizeof size);
            if (size >= datagram.size() || datagram[size] != '\n')
                throw std::runtime_error("a size is wrong");
            value = datagram.substr(0, size);
            datagram.remove_prefix(size + 1);
        }
        if (name.empty() || name.find_first_not_of("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != name.npos)
            throw std::runtime_error("\"" + name + "\" is no field's name");
        if (!fields.emplace(name, value).second) throw std::runtime_error(name + " is there twice");
    }
    return fields;
}

class JournalReceiver {
  public:
    explicit JournalReceiver(const std::filesystem::path& path) {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        if (path.native().size() >= sizeof address.sun_path) throw std::runtime_error("too long a path");
        std::memcpy(address.sun_path, path.c_str(), path.native().size());
        socket_ = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        if (::bind(socket_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
            throw std::runtime_error("cannot bind " + path.native() + ": " + std::strerror(errno));
    }
    ~JournalReceiver() { ::close(socket_); }
    JournalReceiver(const JournalReceiver&) = delete;
    JournalReceiver& operator=(const JournalReceiver&) = delete;

    // Everything that waits to be read.
    std::vector<JournalFields> take() {
        std::vector<JournalFields> out;
        std::string buffer(1u << 20, '\0');
        for (ssize_t size; (size = ::recv(socket_, buffer.data(), buffer.size(), 0)) > 0;)
            out.push_back(parse_journal(std::string_view(buffer).substr(0, static_cast<std::size_t>(size))));
        return out;
    }

  private:
    int socket_ = -1;
};

}  // namespace coffer::test
