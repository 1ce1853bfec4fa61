// SPDX-License-Identifier: Apache-2.0
//
// coffer-mount: mounts the file system and holds /dev/fuse for the daemons that serve it. It needs
// CAP_SYS_ADMIN, holds no key, and reads nothing but its arguments, the kernel's INIT and one word of its
// client. Exit status: 0 stopped as asked, 1 could not mount or was unmounted, 2 usage.
#include <getopt.h>
#include <pwd.h>
#include <signal.h>
#include <sys/signalfd.h>

#include <charconv>
#include <cstdio>
#include <cstring>

#include "base/supervisor.h"
#include "confinement/system_call_filter.h"
#include "hold/holder.h"

namespace {

using namespace coffer;

constexpr const char* kUsage =
    "usage: coffer-mount --mount DIRECTORY [--user NAME] [--grace SECONDS] [--without-resend]\n"
    "Mounts, and hands /dev/fuse to the cofferd that connects to the socket passed by the service manager.\n"
    "  --mount DIRECTORY   an empty one, made where there is none\n"
    "  --user NAME         whose daemon may serve, besides root's (default: root's alone)\n"
    "  --grace SECONDS     without a daemon for so long, requests are refused (default 10)\n"
    "  --without-resend    as on a kernel before 6.9, for tests\n";

int refuse(const char* what, const char* found) {
    std::fprintf(stderr, "coffer-mount: %s: %s\n%s", what, found, kUsage);
    return 2;
}

int hold(const Holder::Settings& settings, int listener) {
    sigset_t wanted;
    sigemptyset(&wanted);
    for (int signal : {SIGTERM, SIGINT}) sigaddset(&wanted, signal);
    sigprocmask(SIG_BLOCK, &wanted, nullptr);  // NOLINT(concurrency-mt-unsafe): one thread
    Descriptor signals(signalfd(-1, &wanted, SFD_CLOEXEC));
    if (auto confined = install_system_call_filter({{"mkdir", "mount", "umount2"}}); !confined) {
        std::fprintf(stderr, "coffer-mount: %s\n", confined.error().message.c_str());
        return 1;
    }
    auto holder = Holder::mount(settings);
    Result<void> result = holder ? Result<void>() : tl::make_unexpected(holder.error());
    if (result) result = notify_supervisor("READY=1");
    if (result) result = holder->run(listener, signals.get());
    if (result) return 0;
    std::fprintf(stderr, "coffer-mount: %s\n", result.error().message.c_str());
    return 1;
}

}  // namespace

int main(int argc, char** argv) {
    const option options[] = {{"mount", required_argument, nullptr, 'm'},
                              {"user", required_argument, nullptr, 'u'},
                              {"grace", required_argument, nullptr, 'g'},
                              {"without-resend", no_argument, nullptr, 'w'},
                              {"version", no_argument, nullptr, 'v'},
                              {"help", no_argument, nullptr, 'h'},
                              {}};
    Holder::Settings settings;
    // NOLINTNEXTLINE(concurrency-mt-unsafe): one thread
    for (int choice = 0; (choice = getopt_long(argc, argv, "", options, nullptr)) != -1;) {
        if (choice == 'm') {
            settings.mount = optarg;
        } else if (choice == 'u') {
            const passwd* user = getpwnam(optarg);  // NOLINT(concurrency-mt-unsafe): one thread
            if (!user) return refuse("there is no such user", optarg);
            settings.user = user->pw_uid;
        } else if (choice == 'g') {
            unsigned seconds = 0;
            auto [end, error] = std::from_chars(optarg, optarg + std::strlen(optarg), seconds);
            if (error != std::errc() || *end || seconds > 3600)
                return refuse("--grace takes 0 to 3600 seconds", optarg);
            settings.grace = std::chrono::seconds(seconds);
        } else if (choice == 'w') {
            settings.without_resend = true;
        } else if (choice == 'v') {
            return std::puts(COFFER_VERSION) < 0;
        } else {
            std::fputs(kUsage, choice == 'h' ? stdout : stderr);
            return choice == 'h' ? 0 : 2;
        }
    }
    if (settings.mount.empty() || optind != argc) return refuse("needed is", "--mount DIRECTORY");
    auto passed = take_passed_descriptors();
    if (passed.size() != 1)
        return refuse("needed is one listening socket of the service manager",
                      passed.empty() ? "none" : "several");
    return hold(settings, passed.front().descriptor.get());
}
