// SPDX-License-Identifier: Apache-2.0
//
// Watched: scans of one process, each of which must find nothing outside of locked memory, and the figures of
// all of them.
#pragma once

#include <signal.h>

#include <cstdio>
#include <set>

#include "support/long_form.h"
#include "support/memory_scan.h"
#include "support/mounted_store.h"

namespace coffer::test {

inline std::string told(const std::vector<Find>& finds) {
    std::ostringstream out;
    for (const Find& one : finds) out << one << '\n';
    return out.str();
}

class Watched {
  public:
    // `what`: of which process, and in which situation; for the figures.
    explicit Watched(std::string what) : what_(std::move(what)) {}
    ~Watched() {
        std::printf(
            "FIGURE: memory: %s: %zu scans of %llu MiB in all for %zu needles, %zu finds in locked "
            "memory, %zu elsewhere\n",
            what_.c_str(), scans_, static_cast<unsigned long long>(bytes_ >> 20), count_, locked_,
            elsewhere_);
        std::fflush(stdout);
    }
    Watched(const Watched&) = delete;
    Watched& operator=(const Watched&) = delete;

    void add(const std::string& name, std::string_view bytes) {
        needles_.add(name, bytes);
        ++count_;
    }
    void add(const std::string& name, ByteView bytes) { add(name, as_text(bytes)); }
    [[nodiscard]] const Needles& needles() const { return needles_; }

    // All that is in the process by now, which has to be in locked memory.
    Scan look(pid_t pid) {
        Scan seen = scan(pid, needles_);
        const auto wrong = seen.outside_locked_memory();
        if (is_new(wrong)) FAIL_CHECK(what_ << ", outside of locked memory:\n" << told(wrong));
        for (const std::string& name : seen.unreadable) FAIL_CHECK(what_ << ": not readable: " << name);
        if (seen.bytes < (128u << 10)) FAIL_CHECK(what_ << ": only " << seen.bytes << " bytes of memory");
        note(seen, wrong.size());
        return seen;
    }
    // The same while it does nothing: what a moment of work has in memory.
    Scan look_stopped(pid_t pid) {
        kill(pid, SIGSTOP);
        REQUIRE(soon(
            [&] { return file_text(concat("/proc/", pid, "/stat")).find(") T ") != std::string::npos; }));
        Scan seen = look(pid);
        kill(pid, SIGCONT);
        return seen;
    }
    // Soon nothing is left: who has closed a file does not wait until it is released.
    void expect_nothing(pid_t pid) {
        Scan seen;
        const bool gone = soon([&] {
            seen = look(pid);
            return seen.finds.empty();
        });
        INFO(what_ << ": still there\n" << told(seen.finds));
        CHECK(gone);
    }

  private:
    // The same place of memory is told once.
    bool is_new(const std::vector<Find>& finds) {
        const std::size_t before = told_.size();
        for (const Find& one : finds) told_.insert(concat(one.needle, one.form, one.mapping.name));
        return told_.size() > before;
    }
    void note(const Scan& seen, std::size_t wrong) {
        ++scans_;
        bytes_ += seen.bytes;
        locked_ += seen.finds.size() - wrong;
        elsewhere_ += wrong;
    }

    std::string what_;
    Needles needles_;
    std::set<std::string> told_;
    std::size_t scans_ = 0, count_ = 0, locked_ = 0, elsewhere_ = 0;
    std::uint64_t bytes_ = 0;
};

}  // namespace coffer::test
