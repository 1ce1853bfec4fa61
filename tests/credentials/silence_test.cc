// SPDX-License-Identifier: Apache-2.0
//
// Peers that do not read, the daemon's end, and sockets that are none: nobody is kept from a credential by
// another, and no connection ends early.
#include <deque>

#include "credentials/served.h"

using namespace coffer;
using namespace coffer::test;

namespace {

std::string claim(std::string_view id) {
    return claim_for("checkout.service", id);
}

// A name of its own for each of many, since two sockets cannot have one.
std::string numbered_claim(int number) {
    return concat("@", number, "/unit/checkout.service/NONE");
}

}  // namespace

TEST_CASE("peers that do not read keep nobody from a credential, and none of uid 0 sees an end") {
    Served served(rule("checkout.service", concat(kScope, "KEY")), {.narrow = true});
    served.mounted.start();
    std::deque<SilentPeer> silent;
    for (int i = 0; i < 40; ++i) silent.emplace_back(served, kRoot, numbered_claim(i));
    CHECK(served.ask("KEY").text == kValue);
    // Users who should not reach the socket at all put each other out, and nobody else.
    for (int i = 40; i < 140; ++i) silent.emplace_back(served, kBob, numbered_claim(i));
    CHECK(served.ask("KEY").text == kValue);
    for (std::size_t i = 0; i < silent.size(); ++i) {
        INFO(i);
        CHECK(silent[i].connected);
        if (i < 40) CHECK(silent[i].events() == 0);
    }
    for (std::size_t i = 0; i < 40; i += 13) CHECK(silent[i].take() == E2BIG);
    served.mounted.stop();
}

TEST_CASE("when peers of uid 0 take all the room, the next waits until one of them goes") {
    Served served(rule("checkout.service", concat(kScope, "KEY")), {.narrow = true});
    served.mounted.start();
    std::deque<SilentPeer> silent;
    for (int i = 0; i < 64; ++i) silent.emplace_back(served, kRoot, numbered_claim(i));
    CHECK(soon([&] { return served.mounted.audit_lines({"\"deny\"", "KEY NONE"}) == 64; }));
    SilentPeer waiting(served, kRoot, claim("KEY"));
    CHECK(waiting.connected);
    silent.front().leave();
    CHECK(waiting.take() == 0);
    CHECK(served.ask("KEY").text == kValue);
    served.mounted.stop();
}

TEST_CASE("a value that lies unread is given up, and zeros take the place of its rest") {
    Served served(rule("checkout.service", concat(kScope, "*")), {.narrow = true});
    served.mounted.set(concat(kScope, "BIG"), big_value());
    served.mounted.start();
    SilentPeer peer(served, kRoot, claim("BIG"));
    REQUIRE(peer.connected);
    CHECK(soon([&] { return served.mounted.log().find("is given up") != std::string::npos; }));
    CHECK(peer.events() == 0);
    CHECK(peer.take() == EBADMSG);  // past the largest, and begun with what was sent of the value
    served.mounted.stop();
}

TEST_CASE("the daemon stops while peers hang, and the next one answers who came between") {
    Served served(rule("checkout.service", concat(kScope, "KEY")), {.narrow = true});
    served.mounted.start();
    SilentPeer hanging(served, kRoot, numbered_claim(1));
    REQUIRE(hanging.connected);
    served.mounted.stop();
    SilentPeer between(served, kRoot, claim("KEY"));
    CHECK(between.connected);
    CHECK(between.events() == 0);
    served.mounted.start();
    CHECK(between.take() == 0);
    CHECK(served.mounted.audit_lines({"\"allow\"", "\"credential\""}) == 1);
    served.mounted.stop();
}

TEST_CASE("what is passed has to be the listening socket of credentials") {
    Served served(rule("checkout.service", concat(kScope, "KEY")));
    auto refused_with = [&](const std::function<void()>& pass, std::string_view words) {
        served.mounted.in_daemon = pass;
        const bool refused = served.mounted.start_refused() == 1;
        INFO(served.mounted.log());
        return refused && served.mounted.log().find(words) != std::string::npos;
    };
    CHECK(refused_with([&] { served.socket.pass("secrets"); }, "with the name \"secrets\" was passed"));
    CHECK(refused_with(
        [] { CredentialSocket::pass_descriptor(socket(AF_UNIX, SOCK_STREAM, 0), "credentials"); },
        "has to be a listening unix stream socket"));
    CHECK(refused_with(
        [] { CredentialSocket::pass_descriptor(socket(AF_INET, SOCK_STREAM, 0), "credentials"); },
        "has to be a listening unix stream socket"));
    CHECK(refused_with([] { CredentialSocket::pass_descriptor(open("/dev/null", O_RDONLY), "credentials"); },
                       "has to be a listening unix stream socket"));
    served.mounted.in_daemon = {};
    served.mounted.start();  // without a socket it serves the mount
    served.mounted.stop();
}
