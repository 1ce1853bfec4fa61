// SPDX-License-Identifier: Apache-2.0
//
// Values in the memory of cofferd: in locked memory while they are read, nowhere before and after, whatever
// became of the read.
#include <sys/sendfile.h>
#include <sys/stat.h>

#include <map>

#include "base/wall_clock.h"
#include "memory/watched.h"
#include "sqlite/database.h"
#include "support/held_client.h"
#include "support/puppet.h"
#include "support/readers.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kFolder = "acme/checkout/production/";

// One of each size at which something is different: a padding of its own, the last small value and the first
// large one, the largest. Text and any bytes take turns.
std::map<std::string, std::string> canaries() {
    std::map<std::string, std::string> out;
    for (std::size_t size : {16u, 63u, 64u, 255u, 1024u, 4096u, 16383u, 16384u, 16385u, 65536u, 1048576u})
        out[concat("SIZE_", size)] = out.size() % 2 ? canary_text(size) : canary_bytes(size);
    return out;
}

struct Case {
    explicit Case(std::string what, const std::function<void(Config&)>& change = {})
        : mounted(allow(kAlice, "acme/**"), change), watched(std::move(what)) {}
    void set(const std::string& key, const std::string& value, std::uint64_t not_after_ms = 0) {
        mounted.set(concat(kFolder, key), value, Visibility::masked, not_after_ms);
        watched.add(key, value);
    }
    [[nodiscard]] std::filesystem::path file(std::string_view key) const {
        return mounted.path(concat(kFolder, key));
    }
    [[nodiscard]] pid_t daemon() const { return mounted.daemon(); }

    MountedStore mounted;
    Watched watched;
};

int open_file(const std::filesystem::path& path) {
    return open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

// Of a second read by who has read it before, with a change between the two.
int read_after(const Case& one, std::string_view key, const std::function<void()>& change) {
    const Outcome seen = across(
        kAlice,
        [&] {
            const int fd = open_file(one.file(key));
            return read_all(fd).good() ? fd : -1;
        },
        [&](int fd) {
            char byte = 0;
            return errno_of([&] { return pread(fd, &byte, 1, 0); });
        },
        change);
    return seen.error;
}

// What is in the files that a daemon writes and reads.
std::vector<Find> found_in_files(const std::filesystem::path& folder, const Needles& needles) {
    std::vector<Find> out;
    std::filesystem::recursive_directory_iterator entry(folder), end;
    for (; entry != end; ++entry) {
        if (entry->path().filename() == "mount") entry.disable_recursion_pending();
        if (!entry->is_regular_file()) continue;
        const std::string text = file_text(entry->path());
        const std::size_t before = out.size();
        needles.look(text, 0, out);
        for (std::size_t i = before; i < out.size(); ++i) out[i].mapping.name = entry->path();
    }
    return out;
}

}  // namespace

TEST_CASE("values that many read at once are in locked memory, and nowhere when they have been read") {
    Case one("cofferd, values read by 6 processes at once", [](Config& config) { config.threads = 4; });
    const auto values = canaries();
    for (const auto& [key, value] : values) one.set(key, value);
    one.mounted.start();
    CHECK(one.watched.look(one.daemon()).finds.empty());
    std::size_t met = 0;
    const int rounds = is_long() ? 40 : 3;
    for (const auto& [key, value] : values) {
        Readers readers(6, kAlice, one.file(key), {value});
        REQUIRE(soon([&] { return readers.counts().good > 6; }));
        for (int i = 0; i < rounds; ++i) {
            met += one.watched.look_stopped(one.daemon()).finds.size();
            const auto before = readers.counts().good.load();
            REQUIRE(soon([&] { return readers.counts().good > before; }));
        }
        CHECK(readers.stop() == 0);
        CHECK(readers.counts().failed == 0);
        CHECK(readers.counts().wrong == 0);
    }
    CHECK(met > 0);  // large values are there for as long as a file is open
    one.watched.expect_nothing(one.daemon());
    one.mounted.stop();
    const auto written = found_in_files(one.mounted.made.folder.path(), one.watched.needles());
    INFO(told(written));
    CHECK(written.empty());
}

TEST_CASE("a large value that is open is in locked memory once, however many have it open") {
    Case one("cofferd, a large value held open");
    one.set("LARGE", canary_bytes(1u << 20));
    one.mounted.start();
    const auto open_and_read = [&] {
        const int fd = become(kAlice) ? open_file(one.file("LARGE")) : -1;
        char byte = 0;
        return fd >= 0 && read(fd, &byte, 1) == 1 ? 0 : 1;
    };
    Puppet first({open_and_read}), second({open_and_read});
    CHECK(first.act(0) == 0);
    CHECK(second.act(0) == 0);
    const Scan seen = one.watched.look(one.daemon());
    CHECK(seen.count("LARGE") == 1);
    for (const Find& find : seen.finds) CHECK(find.length == 1u << 20);
    first.kill();
    CHECK(soon([&] { return one.watched.look(one.daemon()).count("LARGE") == 1; }));
    second.kill();
    one.watched.expect_nothing(one.daemon());
    one.mounted.stop();
}

TEST_CASE("a read that fails leaves nothing: of a version that was removed, replaced, expired or damaged") {
    Case one("cofferd, reads that fail");
    one.set("REMOVED", canary_bytes(300));
    one.set("REMOVED_LARGE", canary_bytes(20000));
    one.set("REPLACED", canary_bytes(400));
    one.set("REPLACED_LARGE", canary_bytes(30000));
    one.set("EXPIRES", canary_bytes(500), wall_clock_ms() + 3000);
    one.set("EXPIRES_LARGE", canary_bytes(40000), wall_clock_ms() + 3000);
    one.set("DAMAGED", canary_bytes(600));
    one.set("DAMAGED_LARGE", canary_bytes(50000));
    for (std::string_view key : {"DAMAGED", "DAMAGED_LARGE"}) {
        auto secret = must(one.mounted.store.view().find(must(SecretName::parse(concat(kFolder, key)))));
        auto database = must(Database::open(one.mounted.made.path(), OpenMode::read_write));
        auto change = must(
            database.query("UPDATE payloads SET bytes = CAST(substr(bytes, 1, length(bytes) - 1) || x'00' AS "
                           "BLOB) WHERE hash = ?"));
        must(change.bind(secret->live->payload).run());
    }
    one.mounted.start();
    for (std::string_view key : {"DAMAGED", "DAMAGED_LARGE"})
        CHECK(read_as(kAlice, one.file(key)).error == EIO);

    for (std::string_view key : {"REMOVED", "REMOVED_LARGE"})
        CHECK(read_after(one, key, [&] {
                  one.mounted.remove(concat(kFolder, key));
                  REQUIRE(soon([&] { return read_as(kAlice, one.file(key)).error == ENOENT; }));
                  one.watched.look(one.daemon());
              }) == EKEYREVOKED);
    for (std::string key : {"REPLACED", "REPLACED_LARGE"})
        CHECK(read_after(one, key, [&] {
                  const std::string next = canary_bytes(25000);
                  one.mounted.set(concat(kFolder, key), next);
                  one.watched.add(key + " version 2", next);
                  REQUIRE(soon([&] { return read_as(kAlice, one.file(key)).text == next; }));
                  one.watched.look(one.daemon());
              }) == 0);
    for (std::string_view key : {"EXPIRES", "EXPIRES_LARGE"})
        REQUIRE(soon([&] { return read_as(kAlice, one.file(key)).error == EKEYEXPIRED; }));
    one.watched.expect_nothing(one.daemon());
    one.mounted.stop();
}

TEST_CASE("a refused splice or sendfile, another user's try and a policy that was changed leave nothing") {
    Case one("cofferd, refused ways of reading");
    one.set("SMALL", canary_bytes(700));
    one.set("LARGE", canary_bytes(70000));
    one.mounted.start();
    for (std::string_view key : {"SMALL", "LARGE"}) {
        for (int times = 0; times < 3; ++times) {
            CHECK(as(kAlice, [&] {
                      int ends[2];
                      const int fd = open_file(one.file(key));
                      if (fd < 0 || pipe2(ends, O_CLOEXEC) != 0) return failed(ENOMSG);
                      off_t from = 0;
                      if (splice(fd, nullptr, ends[1], nullptr, 4096, 0) >= 0) return failed(ENOMSG);
                      return errno_of([&] { return sendfile(ends[1], fd, &from, 4096); });
                  }).error == EACCES);
            CHECK(read_as(kBob, one.file(key)).error == ENOENT);
        }
        CHECK(read_after(one, key, [&] {
                  one.mounted.write_policy(allow(kBob, "acme/**"));
                  one.mounted.signal(SIGHUP);
                  REQUIRE(soon([&] { return read_as(kBob, one.file(key)).good(); }));
                  one.watched.look(one.daemon());
              }) == EKEYREVOKED);
        one.mounted.write_policy(allow(kAlice, "acme/**"));
        one.mounted.signal(SIGHUP);
        REQUIRE(soon([&] { return read_as(kAlice, one.file(key)).good(); }));
    }
    one.watched.expect_nothing(one.daemon());
    one.mounted.stop();
}

TEST_CASE(
    "a daemon that takes the mount over has a value in locked memory while it is open, and then no more") {
    Case one("cofferd, after a hand-over");
    one.set("SMALL", canary_bytes(800));
    one.set("LARGE", canary_bytes(80000));
    one.mounted.hold();
    one.mounted.start();
    for (std::string_view key : {"SMALL", "LARGE"}) {
        int held = -1;  // the puppet's own
        Puppet alice({[&] {
                          held = become(kAlice) ? open_file(one.file(key)) : -1;
                          return read_all(held).error;
                      },
                      [&] {
                          char byte = 0;
                          return pread(held, &byte, 1, 0) == 1 ? 0 : errno;
                      }});
        CHECK(alice.act(0) == 0);
        one.mounted.kill_daemon();
        one.mounted.start();
        CHECK(one.watched.look(one.daemon()).finds.empty());
        CHECK(alice.act(1) == 0);
        CHECK(one.watched.look(one.daemon()).count("LARGE") == (key == "LARGE" ? 1 : 0));
        alice.kill();
        one.watched.expect_nothing(one.daemon());
    }
    one.mounted.stop();
    REQUIRE(one.mounted.holder->stop() == 0);
}

TEST_CASE("a rendered file is in locked memory while it is open, however its secrets are spelled in it") {
    std::filesystem::path source;
    Case one("cofferd, rendered files", [&](Config& config) {
        source = config.file.parent_path() / "app.conf.template";
        config.templates.push_back({must(SecretName::parse(concat(kFolder, "app.conf"))), source, 0400, {}});
    });
    one.set("SMALL", canary_text(900));
    one.set("LARGE", canary_text(90000));
    one.mounted.made.folder.write(
        "app.conf.template",
        "a={{ secret('SMALL') }}\nb={{ secret('SMALL') | base64encode }}\n"
        "c={{ secret('SMALL') | json }}\nd={{ secret('LARGE') | base64encode }}\n"
        "e={{ secret('LARGE') | urlencode }}\nf={{ secret('SMALL') | shellquote }}\n");
    std::filesystem::permissions(source, std::filesystem::perms(0644));
    one.mounted.start();
    const auto file = one.file("app.conf");
    INFO(read_as(kRoot, one.mounted.path(".coffer/status.json")).text);
    CHECK(as(kAlice, [&] {
              struct stat status {};
              return errno_of([&] { return stat(file.c_str(), &status); });
          }).error == 0);
    one.watched.expect_nothing(one.daemon());
    Puppet alice({[&] {
        const int fd = become(kAlice) ? open_file(file) : -1;
        return read_all(fd).good() ? fd : -1;
    }});
    REQUIRE(alice.act(0) >= 0);
    const Scan seen = one.watched.look(one.daemon());
    CHECK(seen.count("SMALL") >= 4);
    CHECK(seen.count("LARGE") >= 2);
    alice.kill();
    one.watched.expect_nothing(one.daemon());
    one.mounted.stop();
}

TEST_CASE("a value whose pages may be cached is not in the daemon's memory when the file is closed") {
    MountedStore mounted(allow(kAlice, "acme/**", "cached = true"));
    Watched watched("cofferd, cached = true");
    for (std::size_t size : {1000u, 100000u}) {
        const std::string key = concat("SIZE_", size), value = canary_bytes(size);
        mounted.set(concat(kFolder, key), value);
        watched.add(key, value);
    }
    mounted.start();
    for (std::string_view key : {"SIZE_1000", "SIZE_100000"})
        CHECK(as(kAlice, [&] {
                  int ends[2];
                  const int fd = open_file(mounted.path(concat(kFolder, key)));
                  if (fd < 0 || pipe2(ends, O_CLOEXEC) != 0) return failed(ENOMSG);
                  off_t from = 0;
                  return errno_of([&] { return sendfile(ends[1], fd, &from, 4096); });
              }).good());
    watched.expect_nothing(mounted.daemon());
    mounted.stop();
}
