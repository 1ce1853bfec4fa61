// SPDX-License-Identifier: Apache-2.0
//
// Served: a store whose daemon has the socket of credentials, and a unit that loads from it. SilentPeer: one
// that connects and leaves it at that.
#pragma once

#include "support/attack.h"
#include "support/loader.h"
#include "support/puppet.h"

namespace coffer::test {

inline constexpr std::string_view kScope = "acme/checkout/production/";

inline std::string rule(std::string_view unit, std::string_view secrets, std::string_view more = "") {
    return concat("[[rule]]\nname = \"", unit, ' ', secrets, "\"\nsecrets = \"", secrets, "\"\nunit = \"",
                  unit, "\"\nuser = \"nobody\"\ncredential = true\n", more, '\n');
}

struct Setting {
    bool narrow = false;  // the daemon's socket buffers have the usual size
    std::function<void(Config&)> change = {};
    std::string_view host = "acme/*/*";
};

// A served store with the socket, and the unit checkout.service.
struct Served {
    explicit Served(std::string_view policy, const Setting& setting = {})
        : mounted(policy, setting.change, setting.host), socket(mounted) {
        REQUIRE(unit.made());
        mounted.in_daemon = [this, narrow = setting.narrow] {
            if (narrow) forbid_wide_buffers();
            socket.pass();
        };
        mounted.set(kKey, kValue);
        mounted.set(concat(kScope, "OTHER"), "not granted");
    }
    [[nodiscard]] Outcome ask(std::string_view id, std::string_view claimed = "checkout.service") const {
        return load(unit, kRoot, socket.path(), claim_for(claimed, id));
    }
    // Refused as systemd understands it, and on record with this reason.
    void check_refused(const Outcome& seen, std::string_view reason) const {
        INFO(reason << "\n" << mounted.audit() << mounted.log());
        CHECK(seen.error == E2BIG);
        CHECK(mounted.audit_lines({"\"deny\"", "\"credential\"", reason}) > 0);
    }

    MountedStore mounted;
    CredentialSocket socket;
    TestUnit unit{"checkout.service"};
};

inline std::string big_value() {
    std::string out(kLargestCredential, '\0');
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<char>('a' + i % 23);
    return out;
}

// A peer that has connected and does nothing more, until it is killed. What became of it is looked at by
// poll(2): 0, or the events.
class SilentPeer {
  public:
    SilentPeer(const Served& served, const Who& who, std::string_view name)
        : puppet_({[&served, who, name = std::string(name), this] {
                       if (!served.unit.add(getpid()) || !become(who)) return -1;
                       socket_ = knock(served.socket.path(), name);
                       return socket_ < 0 ? -1 : 0;
                   },
                   [this] {
                       pollfd one{socket_, 0, 0};
                       return poll(&one, 1, 0) < 0 ? -1 : one.revents;
                   },
                   [this] { return take_credential(socket_).error; }}) {
        connected = puppet_.act(0) == 0;
    }
    int events() { return puppet_.act(1); }
    int take() { return puppet_.act(2); }
    void leave() { puppet_.kill(); }

    bool connected = false;

  private:
    int socket_ = -1;
    Puppet puppet_;
};

}  // namespace coffer::test
