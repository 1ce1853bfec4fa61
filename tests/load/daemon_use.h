// SPDX-License-Identifier: Apache-2.0
//
// What the daemon uses of the machine at one moment, and the forms in which tests compare two of them: always
// two plateaus, never a plateau and a start, for an allocator keeps what it once had.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <nlohmann/json.hpp>

#include "support/long_form.h"
#include "support/mounted_store.h"

namespace coffer::test {

struct DaemonUse {
    long resident = 0, locked = 0;  // KiB
    long descriptors = 0, threads = 0;

    static DaemonUse of(pid_t daemon) {
        DaemonUse out;
        std::ifstream status(concat("/proc/", daemon, "/status"));
        for (std::string line; std::getline(status, line);) {
            for (auto [key, field] :
                 {std::pair{"VmRSS:", &out.resident}, {"VmLck:", &out.locked}, {"Threads:", &out.threads}})
                if (line.starts_with(key)) *field = std::atol(line.c_str() + std::strlen(key));
        }
        const std::filesystem::directory_iterator open(concat("/proc/", daemon, "/fd")), end;
        out.descriptors = std::distance(open, end);
        return out;
    }
};

inline nlohmann::json status_of(const MountedStore& mounted) {
    const Outcome seen = read_as(kRoot, mounted.path(".coffer/status.json"));
    INFO("status.json: errno " << seen.error);
    REQUIRE(seen.good());
    return nlohmann::json::parse(seen.text);
}

// The daemon keeps what it knows of a caller with up to three descriptors, and forgets two that are dead for
// each newcomer: so newcomers come until no more than `most` are left.
inline bool descriptors_settle(const MountedStore& mounted, const Who& who, const std::filesystem::path& path,
                               long most) {
    for (int newcomers = 0; newcomers < 4000; ++newcomers) {
        if (newcomers % 50 == 0 && DaemonUse::of(mounted.daemon()).descriptors <= most) return true;
        (void)read_as(who, path);
    }
    return false;
}

// What the daemon has said of errors; an alarm is one.
inline std::string complaints(const MountedStore& mounted) {
    std::istringstream lines(mounted.log());
    std::string out;
    for (std::string line; std::getline(lines, line);)
        for (std::string_view word : {"error", "critical", "alarm", "ERROR", "WARNING: ThreadSanitizer"})
            if (line.find(word) != std::string::npos) {
                out += line + '\n';
                break;
            }
    return out;
}

// The end of each of these tests: it answers, is healthy, has said nothing bad, and leaves no mount.
inline void end_well(MountedStore& mounted) {
    const auto status = status_of(mounted);
    INFO(status.dump(1));
    CHECK(status["healthy"] == true);
    CHECK(soon([&] { return status_of(mounted)["open_files"] <= 1; }));  // the one that is asked through
    CHECK(complaints(mounted).empty());
    mounted.stop();
}

}  // namespace coffer::test
