// SPDX-License-Identifier: Apache-2.0
//
// Theft through the page cache: what splice, sendfile and mmap of one process leave there is served to others
// with no request at all.
#include <sys/mman.h>
#include <sys/sendfile.h>

#include "explained.h"
#include "support/in_child.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

Outcome splice_from(int fd) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed(ENOMSG);
    loff_t from = 0;
    if (splice(fd, &from, ends[1], nullptr, 4096, 0) < 0) return failed();
    close(ends[1]);
    return read_all(ends[0]);
}

Outcome send_from(int fd) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return failed(ENOMSG);
    off_t from = 0;
    if (sendfile(ends[1], fd, &from, 4096) < 0) return failed();
    close(ends[1]);
    return read_all(ends[0]);
}

// A touch of a page that is not to be had is SIGBUS: the client dies without an answer.
Outcome touch(int fd) {
    const void* page = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
    if (page == MAP_FAILED) return failed();
    return {0, std::string(static_cast<const char*>(page), kValue.size())};
}

// Is the file's first page in the cache? Only its mapping tells, and only to who could write it: root.
class Window {
  public:
    explicit Window(const std::filesystem::path& path) {
        const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        REQUIRE(fd >= 0);
        page_ = mmap(nullptr, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
        close(fd);
        REQUIRE(page_ != MAP_FAILED);
    }
    ~Window() { munmap(page_, 4096); }
    Window(const Window&) = delete;
    Window& operator=(const Window&) = delete;
    [[nodiscard]] bool page_is_cached() const {
        unsigned char resident = 0;
        REQUIRE(mincore(page_, 4096, &resident) == 0);
        return resident & 1;
    }

  private:
    void* page_ = MAP_FAILED;
};

}  // namespace

TEST_CASE("splice, sendfile and mmap are refused, to the allowed process as well") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    auto with_open = [&](Outcome (*way)(int)) {
        return as(kAlice, [&] {
            const int fd = open(key.c_str(), O_RDONLY);
            return fd < 0 ? failed() : way(fd);
        });
    };
    CHECK(with_open(splice_from).error == EACCES);
    CHECK(with_open(send_from).error == EACCES);
    CHECK(with_open(touch) == Outcome{kClientCrashed, {}});
    CHECK(with_open(read_all).text == kValue);  // and so programs fall back
    end(mounted);
}

TEST_CASE("after a victim's splice, sendfile and mmap an inheritor finds nothing in the page cache") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    int opened = -1;
    Puppet victim({[&] { return opened = open_as(kAlice, mounted.path(kKey)); },
                   [&] { return splice_from(opened).error; }, [&] { return send_from(opened).error; },
                   [&] { return in_child([&] { return touch(opened).error; }); },
                   [&] { return read_from_start(opened).text == kValue ? 0 : 1; }});
    const int number = victim.act(0);
    const int held = take_descriptor(victim.pid(), number);
    REQUIRE(held >= 0);
    const std::pair<unsigned char, int> uses[] = {{1, EACCES}, {2, EACCES}, {3, -SIGBUS}, {4, 0}};
    for (auto [use, seen] : uses) {
        CHECK(victim.act(use) == seen);
        check_foiled(mounted, attack_as(kBob, [&] { return read_from_start(held); }), EACCES, "read");
        check_foiled(mounted, attack_as(kBob, [&] { return splice_from(held); }), EACCES, "read");
        check_foiled(mounted, attack_as(kBob, [&] { return send_from(held); }), EACCES, "read");
        check_foiled(mounted, attack_as(kBob, [&] { return touch(held); }), kClientCrashed, "read");
    }
    victim.kill();
    close(held);
    end(mounted);
}

TEST_CASE("with cached = true the pages are dropped when the file is closed") {
    MountedStore mounted(alice_alone("cached = true") + allow(kRoot, kKey, "cached = true"));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    const Window window(key);
    int opened = -1;
    Puppet alice({[&] { return opened = open_as(kAlice, key); },
                  [&] { return splice_from(opened).text == kValue ? 0 : 1; }, [&] { return close(opened); }});
    REQUIRE(alice.act(0) >= 0);
    CHECK_FALSE(window.page_is_cached());
    CHECK(alice.act(1) == 0);
    CHECK(window.page_is_cached());
    CHECK(alice.act(2) == 0);
    CHECK(soon([&] { return !window.page_is_cached(); }));
    end(mounted);
}

TEST_CASE("with cached = true another user still opens nothing") {
    MountedStore mounted(alice_alone("cached = true"));
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    Puppet alice({[&] { return send_from(open_as(kAlice, key)).text == kValue ? 0 : 1; }});
    CHECK(alice.act(0) == 0);
    check_foiled(mounted, attack_as(kBob, [&] { return read_path(key); }), ENOENT, "lookup");
    end(mounted);
}

TEST_CASE("known limit: with cached = true an inheritor is served what the page cache holds") {
    MountedStore mounted(alice_alone("cached = true"));
    start_attacked(mounted);
    int opened = -1;
    Puppet alice({[&] { return opened = open_as(kAlice, mounted.path(kKey)); },
                  [&] { return splice_from(opened).text == kValue ? 0 : 1; }});
    const int number = alice.act(0);
    const int held = take_descriptor(alice.pid(), number);
    CHECK(as(kBob, [&] { return splice_from(held); }).error == EACCES);  // nothing is there yet
    CHECK(alice.act(1) == 0);
    CHECK(as(kBob, [&] { return splice_from(held); }).text == kValue);
    CHECK(as(kBob, [&] { return read_from_start(held); }).error == EACCES);  // a request, so it is checked
    close(held);
    end(mounted);
}
