// SPDX-License-Identifier: Apache-2.0
//
// No core file of cofferd, and nobody but root who looks into it.
#include <sys/resource.h>
#include <sys/stat.h>

#include "memory/watched.h"
#include "support/open_fuse_device.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

// How a process has ended that was sent `signal`: CLD_KILLED, or CLD_DUMPED with a core file.
int end_by(pid_t pid, int signal) {
    kill(pid, signal);
    siginfo_t info{};
    REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    CHECK(info.si_status == signal);
    return info.si_code;
}

std::vector<std::string> cores_in(const std::filesystem::path& folder) {
    std::vector<std::string> out;
    for (const auto& entry : std::filesystem::directory_iterator(folder))
        if (entry.path().filename().string().starts_with("core")) out.push_back(entry.path());
    return out;
}

void allow_core_files(const std::filesystem::path& folder) {
    const rlimit all{RLIM_INFINITY, RLIM_INFINITY};
    setrlimit(RLIMIT_CORE, &all);
    for (int one : {SIGABRT, SIGSEGV}) signal(one, SIG_DFL);  // Catch2 has handlers of its own
    if (chdir(folder.c_str()) != 0) _exit(123);
}

}  // namespace

TEST_CASE("a daemon that crashes leaves no core file, where any other process would") {
    int crashes = 0;
    std::size_t cores = 0;
    for (int signal : {SIGABRT, SIGSEGV}) {
        MountedStore mounted(allow(kAlice, "acme/**"));
        const TempFolder folder;
        mounted.in_daemon = [&] { allow_core_files(folder.path()); };
        mounted.set(kKey, canary_bytes(100));
        mounted.start();
        CHECK(read_as(kAlice, mounted.path(kKey)).good());
        const std::string limits = file_text(concat("/proc/", mounted.daemon(), "/limits"));
        const std::size_t line = limits.find("Max core file size");
        REQUIRE(line != limits.npos);
        std::istringstream words(limits.substr(line + 18));
        std::string soft, hard;
        words >> soft >> hard;
        CHECK(soft == "0");
        CHECK(hard == "0");
        CHECK(end_by(mounted.daemon(), signal) == CLD_KILLED);
        const std::size_t found = cores_in(folder.path()).size();
        CHECK(found == 0);
        ++crashes;
        cores += found;
        mounted.kill_daemon();
    }
    // The same for a process that does not see to it.
    const TempFolder folder;
    Puppet ordinary({[&] {
        allow_core_files(folder.path());
        return 0;
    }});
    CHECK(ordinary.act(0) == 0);
    const bool dumped = end_by(ordinary.pid(), SIGABRT) == CLD_DUMPED;
    std::printf("FIGURE: memory: cofferd, core files: %d crashes, %zu core files; an ordinary process: %d\n",
                crashes, cores, dumped ? 1 : 0);
    if (!dumped)
        std::printf("SKIPPED: this system writes no core files, so none of cofferd proves nothing\n");
}

TEST_CASE("a daemon's own user may not look into it") {
    OpenFuseDevice device;
    MountedStore mounted(allow(kNobody, "acme/**"));
    mounted.set(kKey, canary_bytes(100));
    mounted.give_to(kNobody);
    mounted.start();
    CHECK(read_as(kNobody, mounted.path(kKey)).good());
    const auto file = [&](std::string_view name) { return concat("/proc/", mounted.daemon(), '/', name); };
    for (std::string_view name : {"mem", "environ", "maps", "pagemap", "fd", "exe", "root"})
        CHECK(as(kNobody, [&] {
                  char byte = 0;
                  const int fd = open(file(name).c_str(), O_RDONLY);
                  return fd < 0 ? failed() : errno_of([&] { return pread(fd, &byte, 1, 0); });
              }).error == EACCES);
    // Of a process that lets itself be dumped they are its user's; of others root's.
    struct stat status {};
    REQUIRE(stat(file("mem").c_str(), &status) == 0);
    CHECK(status.st_uid == 0);
    mounted.stop();
}
