// SPDX-License-Identifier: Apache-2.0
//
// cofferd: the daemon. Exit status: 0 stopped as asked, 1 could not start or serve, 2 usage.
#include <signal.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "base/supervisor.h"
#include "hold/dead_mount.h"
#include "names/name.h"
#include "serve/daemon.h"

namespace {

// Blocked before any thread is made, so that the main thread alone takes them.
void block_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    for (int signal : {SIGTERM, SIGINT, SIGHUP}) sigaddset(&signals, signal);
    pthread_sigmask(SIG_BLOCK, &signals, nullptr);
}

// What the service manager passes, by FileDescriptorName=. A socket that nobody serves would leave its
// clients waiting.
coffer::Result<void> take_passed(coffer::DaemonOptions& options) {
    for (coffer::PassedDescriptor& one : coffer::take_passed_descriptors()) {
        if (one.name != "credentials")
            return coffer::fail(coffer::Code::invalid, "a descriptor with the name \"",
                                coffer::printable(one.name),
                                "\" was passed; cofferd takes FileDescriptorName=credentials");
        options.credentials = std::move(one.descriptor);
    }
    return {};
}

int serve(coffer::DaemonOptions options) {
    if (!coffer::initialise_crypto()) {
        spdlog::error("the system's random generator is not usable");
        return 1;
    }
    auto daemon = coffer::Daemon::prepare(std::move(options));
    if (!daemon) {
        spdlog::error("{}", daemon.error().message);
        return 1;
    }
    auto result = (*daemon)->run();
    if (!result) {
        spdlog::error("{}", result.error().message);
        return 1;
    }
    return 0;
}

// For ExecStopPost= of the user's unit, which knows no other way to the configured place.
int take_off_mount(const coffer::DaemonOptions& options) {
    auto mount = coffer::Daemon::mount_of(options);
    auto taken = mount ? coffer::take_off_dead_mount(*mount) : tl::make_unexpected(mount.error());
    if (taken) return 0;
    spdlog::error("{}", taken.error().message);
    return 1;
}

}  // namespace

int main(int argc, char** argv) try {
    using coffer::AttestMethod;
    CLI::App app{"Serves the secrets of a coffer store as files, to the processes that the policy names."};
    app.set_version_flag("--version", COFFER_VERSION);
    coffer::DaemonOptions options;
    options.version = COFFER_VERSION;
    bool foreground = false, unmount = false;
    std::optional<std::filesystem::path> config;
    auto* ways = app.add_option_group("ways", "one of:");
    ways->add_flag("--foreground", foreground, "mount, serve and stay in the foreground");
    ways->add_option("--mounted-by", options.holder, "the socket of a coffer-mount, whose mount is served");
    ways->add_flag("--unmount", unmount, "take off what a daemon that was killed has left mounted, and end");
    ways->require_option(1);
    app.add_option("--mount", options.mount, "an empty directory (else `mount` of the configuration)")
        ->excludes("--mounted-by");
    app.add_option("--config", config, "coffer.toml (else $COFFER_CONFIG, else the usual places)");
    app.add_option("--attest", options.attest, "how callers are attested: automatic, pidfd or procfs")
        ->transform(CLI::CheckedTransformer(
            std::map<std::string, AttestMethod>{{"automatic", AttestMethod::automatic},
                                                {"pidfd", AttestMethod::pidfd},
                                                {"procfs", AttestMethod::procfs}}));
    try {
        app.parse(argc, argv);
    } catch (const CLI::ParseError& error) {
        return app.exit(error) == 0 ? 0 : 2;
    }
    spdlog::set_default_logger(spdlog::stderr_logger_mt("cofferd"));
    spdlog::set_pattern("cofferd: %l: %v");
    spdlog::flush_on(spdlog::level::info);
    umask(077);
    block_signals();
    options.config_file = coffer::find_config(config);
    if (unmount) return take_off_mount(options);
    if (auto taken = take_passed(options); !taken) {
        spdlog::error("{}", taken.error().message);
        return 1;
    }
    return serve(std::move(options));
} catch (const std::exception& error) {
    std::fprintf(stderr, "cofferd: %s\n", error.what());
    return 1;
}
