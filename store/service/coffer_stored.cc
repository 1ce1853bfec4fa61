// SPDX-License-Identifier: Apache-2.0
//
// coffer-stored: the keyless process that alone writes the store of a shared host. Exit status: 0 stopped as
// asked, or idle, 1 could not start or serve, 2 usage.
#include <signal.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>

#include "base/supervisor.h"
#include "confinement/landlock_domain.h"
#include "confinement/system_call_filter.h"
#include "keys/secret_buffer.h"
#include "service/stored_server.h"

namespace {

constexpr std::chrono::seconds kIdleExit{60};

struct Options {
    std::filesystem::path store = "/var/lib/coffer-store/store.db";
    std::optional<std::filesystem::path> state, socket;
    std::optional<std::string> group;
    std::optional<std::uint32_t> idle_exit;
    std::uint32_t timeout = 30;
    coffer::PeerLimitSettings limits;
};

int fail(std::string_view message) {
    std::fprintf(stderr, "coffer-stored: %.*s\n", static_cast<int>(message.size()), message.data());
    return 1;
}

// Taken by the loop, as events.
void arrange_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGTERM, SIGINT}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
    signal(SIGPIPE, SIG_IGN);
}

// Where everything is that it needs from here on.
struct Places {
    std::filesystem::path store, state;
    std::optional<std::filesystem::path> socket;
    std::optional<gid_t> group;
};

coffer::Result<Places> find_places(const Options& options) {
    const auto absolute = [](const std::filesystem::path& path) {
        return std::filesystem::absolute(path).lexically_normal();
    };
    Places out{absolute(options.store), {}, {}, {}};
    out.state = options.state ? absolute(*options.state) : out.store.parent_path() / "state";
    out.socket = options.socket;
    if (options.group) {
        COFFER_TRY(out.group, coffer::ListeningSocket::group_number(*options.group));
    }
    return out;
}

// Before it reads anything that others have written. False: this kernel has no Landlock. No file but the
// store's, its own view and the socket it makes, no network, and the system calls of a server with a
// database.
coffer::Result<bool> confine(const Places& places) {
    COFFER_CHECK(coffer::StoreWriter::make_folders(places.store, places.state));
    const std::array folders{places.store.parent_path(), places.state};
    coffer::LandlockRules rules;
    rules.writable = folders;
    if (places.socket) rules.socket_folder = std::filesystem::absolute(*places.socket).parent_path();
    rules.abstract_sockets = coffer::supervisor_is_abstract();
    COFFER_TRY(const int version, coffer::enter_landlock_domain(rules));
    // The files' modes, and the name that a new store gets when it is whole.
    coffer::SystemCallRules calls = coffer::database_rules(std::array{"chmod", "link", "linkat"});
    if (places.socket) calls.allowed.insert(calls.allowed.end(), {"bind", "chown", "listen"});
    COFFER_CHECK(coffer::install_system_call_filter(calls));
    return version > 0;
}

coffer::Result<coffer::ListeningSocket> open_socket(const Places& places, bool& passed_one) {
    using coffer::Code;
    COFFER_TRY(auto passed, coffer::ListeningSocket::passed());
    passed_one = passed.has_value();
    if (passed && places.socket)
        return coffer::fail(Code::invalid, "--socket and a socket of the service manager: give one of them");
    if (passed) return *std::move(passed);
    if (!places.socket)
        return coffer::fail(Code::invalid,
                            "no socket: start it by coffer-stored.socket, or give --socket PATH");
    return coffer::ListeningSocket::make(*places.socket, places.group);
}

coffer::Result<void> serve(const Options& options) {
    if (!coffer::initialise_crypto())
        return coffer::fail(coffer::Code::failed, "the system's random generator cannot be used");
    COFFER_TRY(const auto places, find_places(options));
    COFFER_TRY(const bool landlocked, confine(places));
    COFFER_TRY(auto writer, coffer::StoreWriter::open(places.store, places.state));
    // The socket last: whoever finds it is served.
    bool activated = false;
    COFFER_TRY(auto socket, open_socket(places, activated));
    coffer::StoredServerSettings settings;
    settings.idle_exit = options.idle_exit ? std::chrono::seconds(*options.idle_exit)
                         : activated       ? kIdleExit
                                           : std::chrono::seconds(0);
    settings.timeout = std::chrono::seconds(options.timeout);
    settings.limits = options.limits;
    COFFER_TRY(auto head, writer->head());
    std::fprintf(stderr, "coffer-stored: serving %s at revision %llu%s\n", places.store.c_str(),
                 static_cast<unsigned long long>(head.revision), landlocked ? "" : ", without Landlock");
    coffer::StoredServer server(*writer, socket, settings);
    return server.run();
}

}  // namespace

int main(int argc, char** argv) try {
    CLI::App app{"Writes a coffer store for those who may connect: the only writer on a shared host."};
    app.set_version_flag("--version", "coffer-stored " COFFER_VERSION);
    Options options;
    app.add_option("--store", options.store, "the store's file, made where there is none")
        ->type_name("FILE")
        ->capture_default_str();
    app.add_option("--state", options.state, "the folder of the verified view (else state/ beside the file)")
        ->type_name("DIR");
    app.add_option("--socket", options.socket, "make this socket; else it comes from the service manager")
        ->type_name("PATH");
    app.add_option("--group", options.group, "with --socket: the group that may connect")->type_name("NAME");
    app.add_option("--idle-exit", options.idle_exit,
                   "end when nobody was there for so long; 0: never (else 60 where the service manager passed"
                   " the socket)")
        ->type_name("SECONDS");
    app.add_option("--timeout", options.timeout, "for one request or reply to be through")
        ->type_name("SECONDS")
        ->check(CLI::Range(1u, 3600u))
        ->capture_default_str();
    app.add_option("--appends-per-minute", options.limits.appends_per_minute,
                   "of one user; root has no limit")
        ->check(CLI::PositiveNumber)
        ->type_name("NUMBER")
        ->capture_default_str();
    app.add_option("--bytes-per-minute", options.limits.append_bytes_per_minute, "appended by one user")
        ->check(CLI::PositiveNumber)
        ->type_name("BYTES")
        ->capture_default_str();
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    umask(027);
    arrange_signals();
    auto served = serve(options);
    return served ? 0 : fail(served.error().message);
} catch (const std::exception& error) {
    return fail(error.what());
}
