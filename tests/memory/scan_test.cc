// SPDX-License-Identifier: Apache-2.0
//
// That the scan bites: it finds what is planted in a process, wherever and however spelled, and nothing else.
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include <functional>
#include <thread>

#include "keys/locked_pool.h"
#include "support/memory_scan.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::size_t kSize = 64;

// A process that makes a canary of its own, since this one's would be in both, and keeps it as `keep` says.
class Keeper {
  public:
    explicit Keeper(const std::function<void(std::string& canary, const std::function<void()>& wait)>& keep) {
        int up[2], down[2];
        REQUIRE(pipe2(up, O_CLOEXEC) == 0);
        REQUIRE(pipe2(down, O_CLOEXEC) == 0);
        child_ = fork();
        if (child_ == 0) {
            std::string own = canary_bytes(kSize);
            if (write(up[1], own.data(), own.size()) != static_cast<ssize_t>(kSize)) _exit(1);
            keep(own, [&] {
                char byte = 'k';
                if (write(up[1], &byte, 1) != 1 || read(down[0], &byte, 1) != 1) _exit(1);
            });
            _exit(0);
        }
        close(up[1]);
        close(down[0]);
        go_ = Descriptor(down[1]);
        const Descriptor from(up[0]);
        canary.resize(kSize);
        char byte = 0;
        REQUIRE(read(from.get(), canary.data(), kSize) == static_cast<ssize_t>(kSize));
        REQUIRE(read(from.get(), &byte, 1) == 1);
    }
    ~Keeper() {
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    Keeper(const Keeper&) = delete;
    Keeper& operator=(const Keeper&) = delete;
    [[nodiscard]] Scan look() const { return scan(child_, Needles().add("the canary", canary)); }

    std::string canary;

  private:
    pid_t child_ = -1;
    Descriptor go_;
};

using Wait = std::function<void()>;

bool finds(const Scan& seen, std::string_view form, std::size_t least) {
    return std::any_of(seen.finds.begin(), seen.finds.end(),
                       [&](const Find& one) { return one.form == form && one.length >= least; });
}

}  // namespace

TEST_CASE("a scan finds a canary in the heap, and that it is not locked") {
    const Keeper keeper([](std::string&, const Wait& wait) { wait(); });
    const Scan seen = keeper.look();
    CHECK(finds(seen, "as it is", kSize));
    CHECK_FALSE(seen.outside_locked_memory().empty());
    CHECK(seen.unreadable.empty());
}

TEST_CASE("a scan finds a canary on the stack of another thread") {
    const Keeper keeper([](std::string& canary, const Wait& wait) {
        std::thread([&] {
            volatile char copy[kSize];
            for (std::size_t i = 0; i < kSize; ++i) copy[i] = canary[i];
            wipe({reinterpret_cast<std::uint8_t*>(canary.data()), canary.size()});
            wait();
            (void)copy[0];
        }).join();
    });
    const Scan seen = keeper.look();
    CHECK(finds(seen, "as it is", kSize));
    CHECK_FALSE(seen.outside_locked_memory().empty());
}

TEST_CASE("a scan finds any 15 bytes in a row of a canary, whose rest is gone") {
    for (std::size_t start = 0; start < 12; ++start) {
        const Keeper keeper([&](std::string& canary, const Wait& wait) {
            for (std::size_t i = 0; i < kSize; ++i)
                if (i < start || i >= start + 15) canary[i] = 0;
            wait();
        });
        CHECK(finds(keeper.look(), "as it is", 15));
    }
}

TEST_CASE("a scan finds a canary in hexadecimal, and in base64 wherever it begins") {
    for (std::size_t shift = 0; shift < 3; ++shift) {
        const Keeper keeper([&](std::string& canary, const Wait& wait) {
            const std::string text(shift, 'x');
            auto encoded = must(base64(as_bytes(text + canary)));
            std::string copy(as_text(encoded.view())), hex = to_hex(as_bytes(canary));
            encoded = {};
            wipe({reinterpret_cast<std::uint8_t*>(canary.data()), canary.size()});
            wait();
        });
        const Scan seen = keeper.look();
        CHECK(finds(seen, "in base64", 64));
        CHECK(finds(seen, "in hexadecimal", 2 * kSize));
    }
}

TEST_CASE("a scan finds a canary in memory that its own process may not touch") {
    const Keeper keeper([](std::string& canary, const Wait& wait) {
        void* page = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        std::memcpy(page, canary.data(), canary.size());
        mprotect(page, 4096, PROT_NONE);
        wipe({reinterpret_cast<std::uint8_t*>(canary.data()), canary.size()});
        wait();
    });
    CHECK(finds(keeper.look(), "as it is", kSize));
}

TEST_CASE("a scan knows a locked pool and a secret buffer as safe, and what was wiped as gone") {
    const auto take = [](std::string& canary) {
        return must(SecretBuffer::take({reinterpret_cast<std::uint8_t*>(canary.data()), canary.size()}));
    };
    const Keeper buffer([&](std::string& canary, const Wait& wait) {
        const SecretBuffer kept = take(canary);
        wait();
    });
    const Keeper pool([&](std::string& canary, const Wait& wait) {
        LockedPool slots(kSize, 16);
        const auto slot = must(slots.acquire());
        std::copy(canary.begin(), canary.end(), slot.bytes().begin());
        wipe({reinterpret_cast<std::uint8_t*>(canary.data()), canary.size()});
        wait();
    });
    for (const Keeper* keeper : {&buffer, &pool}) {
        const Scan seen = keeper->look();
        CHECK(seen.finds.size() == 1);
        CHECK(seen.outside_locked_memory().empty());
    }
    const Keeper gone([&](std::string& canary, const Wait& wait) {
        { const SecretBuffer kept = take(canary); }
        wait();
    });
    CHECK(gone.look().finds.empty());
}
