// SPDX-License-Identifier: Apache-2.0
#include <sys/stat.h>
#include <sys/statvfs.h>

#include <nlohmann/json.hpp>

#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

}  // namespace

TEST_CASE("/.coffer is there for root and the admin group alone") {
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) { config.admin_group = "daemon"; });
    mounted.set(kKey, "x");
    mounted.start();
    Outcome status = read_as(kRoot, mounted.path(".coffer/status.json"));
    REQUIRE(status.good());
    auto parsed = nlohmann::json::parse(status.text);
    CHECK(parsed["healthy"] == true);
    CHECK(parsed["secrets"] == 1);
    CHECK(parsed["revision"] == mounted.store.view().head().revision);
    CHECK(read_as(kRoot, mounted.path(".coffer/revision")).text ==
          concat(mounted.store.view().head().revision, '\n'));
    CHECK(read_as(kRoot, mounted.path(".coffer/metrics")).text.find("coffer_secrets 1\n") !=
          std::string::npos);
    for (std::string_view name : {".coffer", ".coffer/status.json", ".coffer/metrics", ".coffer/revision"})
        CHECK(as(kAlice, [&] {
                  return errno_of([&] { return access(mounted.path(name).c_str(), F_OK); });
              }).error == ENOENT);
    const Who admin{60004, 60004, {1}};  // group daemon is 1 on every Debian
    CHECK(read_as(admin, mounted.path(".coffer/revision")).good());
    CHECK(as(kRoot, [&] {
              return errno_of([&] { return open(mounted.path(".coffer/revision").c_str(), O_WRONLY); });
          }).error == EROFS);
    mounted.stop();
}

TEST_CASE("a host of staging cannot unseal what is scoped to production") {
    MountedStore mounted(allow(kAlice, "acme/**"), {}, "acme/*/staging");
    mounted.set("acme/checkout/production/KEY", "far");
    mounted.set("acme/checkout/staging/KEY", "near");
    mounted.set("acme/*/*/WIDE", "both");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path("acme/checkout/staging/KEY")).text == "near");
    CHECK(read_as(kAlice, mounted.path("acme/checkout/production/KEY")).error == ENOKEY);
    CHECK(read_as(kAlice, mounted.path("acme/checkout/staging/WIDE")).text == "both");
    mounted.stop();
}

TEST_CASE("a payload that was changed in the store is EIO and raises the alarm, the others are served") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "original");
    mounted.set("acme/checkout/production/OTHER", "fine");
    auto secret = must(mounted.store.view().find(must(SecretName::parse(kKey))));
    {
        auto database = must(Database::open(mounted.made.path(), OpenMode::read_write));
        auto change =
            must(database.query("UPDATE payloads SET bytes = zeroblob(length(bytes)) WHERE hash = ?"));
        must(change.bind(secret->live->payload).run());
    }
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).error == EIO);
    CHECK(read_as(kAlice, mounted.path("acme/checkout/production/OTHER")).text == "fine");
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("was changed in the store") !=
          std::string::npos);
    CHECK(mounted.audit_lines({"\"alarm\"", "was changed in the store"}) == 1);
    mounted.set(kKey, "repaired");
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).text == "repaired"; }));
    mounted.stop();
}

TEST_CASE("ssh-keygen takes a private key from the mount as an unprivileged user") {
    if (access("/usr/bin/ssh-keygen", X_OK) != 0) {
        WARN("skipped: there is no ssh-keygen");
        return;
    }
    const Who kNobody{65534, 65534};  // ssh-keygen wants a user that has a name
    MountedStore mounted(allow(kNobody, "acme/**"));
    const std::string key_file = mounted.made.folder / "id",
                      path = mounted.path("acme/checkout/production/id");
    Outcome made = as(kRoot, [&] {
        return Outcome{std::system(("ssh-keygen -q -t ed25519 -N '' -C test -f " + key_file).c_str()), {}};
    });
    REQUIRE(made.good());
    mounted.set("acme/checkout/production/id", file_text(key_file));
    mounted.start();
    Outcome shown = as(kNobody, [&] {
        FILE* out = popen(("timeout 20 ssh-keygen -y -f " + path + " 2>&1").c_str(), "r");
        char line[1024] = {};
        (void)!fread(line, 1, sizeof line - 1, out);
        pclose(out);
        return Outcome{0, line};
    });
    CHECK(shown.text == file_text(key_file + ".pub"));
    mounted.stop();
}

TEST_CASE("statfs tells no numbers about the store") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    Outcome figures = as(kBob, [&] {
        struct statvfs out {};
        if (statvfs(mounted.mount().c_str(), &out) != 0) return failed();
        return Outcome{0, concat(out.f_files, ' ', out.f_blocks, ' ', out.f_namemax)};
    });
    CHECK(figures.text == "0 0 128");
    CHECK(
        file_text("/proc/self/mountinfo").find(concat(mounted.mount().string(), " rw,nosuid,nodev,noexec")) !=
        std::string::npos);
    CHECK(file_text("/proc/self/mountinfo").find("- fuse.coffer coffer ") != std::string::npos);
    mounted.stop();
}

TEST_CASE("an empty policy lets nobody read anything") {
    MountedStore mounted("");
    mounted.set(kKey, "x");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOENT);
    CHECK(read_as(kRoot, mounted.path(kKey)).error == ENOENT);
    mounted.stop();
}

TEST_CASE("many readers at once get the whole value each time, also while it changes") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/**"));
    auto value = [](int i) { return std::string(5000, static_cast<char>('a' + i)); };
    mounted.set(kKey, value(0));
    mounted.start();
    std::vector<pid_t> readers;
    for (int i = 0; i < 6; ++i) {
        pid_t child = fork();
        if (child == 0) {
            if (!become(i % 2 ? kAlice : kBob)) _exit(2);
            for (int round = 0; round < 300; ++round) {
                Outcome out = read_path(mounted.path(kKey));
                if (!out.good() || out.text.size() != 5000 || out.text != std::string(5000, out.text[0]))
                    _exit(1);
            }
            _exit(0);
        }
        readers.push_back(child);
    }
    for (int i = 1; i < 10; ++i) mounted.set(kKey, value(i));
    for (pid_t reader : readers) {
        int status = -1;
        CHECK(soon([&] { return waitpid(reader, &status, WNOHANG) == reader; }));
        CHECK(status == 0);
        kill(reader, SIGKILL);
    }
    mounted.stop();
}

TEST_CASE("a stop under load fails no read that was taken") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    pid_t reader = fork();
    if (reader == 0) {
        if (!become(kAlice)) _exit(2);
        int fd = open(mounted.path(kKey).c_str(), O_RDONLY);
        char byte;
        for (;;) {
            if (pread(fd, &byte, 1, 0) == 1) continue;
            _exit(errno == ENOTCONN || errno == ECONNABORTED ? 0 : 1);
        }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    mounted.stop();
    int status = -1;
    CHECK(soon([&] { return waitpid(reader, &status, WNOHANG) == reader; }));
    CHECK(status == 0);
}

TEST_CASE("when the mount is taken away the daemon ends") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    REQUIRE(umount2(mounted.mount().c_str(), MNT_DETACH) == 0);
    int status = -1;
    CHECK(soon([&] { return waitpid(mounted.daemon(), &status, WNOHANG) == mounted.daemon(); }));
    CHECK(status == (mounted.holder ? W_EXITCODE(1, 0) : 0));  // held: the service manager starts both again
}

namespace {

// The start fails with status 1 and a line that holds `text`; nothing is mounted.
void check_refused(MountedStore& mounted, std::string_view text) {
    CHECK(mounted.start_refused() == 1);
    INFO(mounted.log());
    CHECK(mounted.log().find(text) != std::string::npos);
    CHECK_FALSE(mounted.is_mounted());
}

}  // namespace

TEST_CASE("a mount point that is not an empty, free directory is refused at the start") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    const auto mount = mounted.mount();
    std::ofstream(mount / "file") << "x";
    check_refused(mounted, "is not empty");
    std::filesystem::remove_all(mount);
    check_refused(mounted, "is missing");
    std::ofstream(mount) << "x";
    check_refused(mounted, "is not a directory");
    std::filesystem::remove(mount);
    std::filesystem::create_directory_symlink(mounted.made.folder / "policy.d", mount);
    check_refused(mounted, "is a symbolic link");
    std::filesystem::remove(mount);
    std::filesystem::create_directory(mount);
    REQUIRE(::mount("none", mount.c_str(), "tmpfs", 0, nullptr) == 0);
    CHECK(mounted.start_refused() == 1);
    CHECK(mounted.log().find("mounted on") != std::string::npos);
    REQUIRE(umount2(mount.c_str(), 0) == 0);
}

TEST_CASE("a store that cannot be trusted is refused at the start") {
    SECTION("missing") {
        MountedStore mounted("");
        std::filesystem::remove(mounted.made.path());
        check_refused(mounted, "no store at");
    }
    SECTION("not a store") {
        MountedStore mounted("");
        std::filesystem::resize_file(mounted.made.path(), 0);
        check_refused(mounted, "is not a store");
    }
    SECTION("of a later format") {
        MountedStore mounted("");
        must(must(Database::open(mounted.made.path(), OpenMode::read_write))
                 .execute("PRAGMA user_version = 2"));
        check_refused(mounted, "is a store of format 2");
    }
    SECTION("of another owner") {
        MountedStore mounted("", [](Config& config) { config.pin.owner.bytes[0] ^= 1; });
        check_refused(mounted, "owner");
    }
    SECTION("rolled back") {
        MountedStore mounted("");
        mounted.set(kKey, "one");
        mounted.start();
        mounted.set(kKey, "two");
        const auto newest = mounted.store.view().head().revision;
        CHECK(soon(
            [&] { return read_as(kRoot, mounted.path(".coffer/revision")).text == concat(newest, '\n'); }));
        mounted.stop();
        auto log = must(SqliteLog::open(mounted.made.path()));
        must(log->cut_after(newest - 1));
        log.reset();
        check_refused(mounted, "--accept-rollback");
    }
}

TEST_CASE("an identity that is no living host of the store is refused at the start") {
    SECTION("a stranger's") {
        MountedStore mounted("");
        std::filesystem::remove(mounted.config.host_identity);
        must(save_identity(mounted.config.host_identity, must(encode_identity(must(Identity::generate())))));
        check_refused(mounted, "coffer host add");
    }
    SECTION("an owner's") {
        MountedStore mounted("");
        std::filesystem::remove(mounted.config.host_identity);
        must(save_identity(mounted.config.host_identity, must(encode_identity(mounted.made.owner))));
        check_refused(mounted, "not of a host");
    }
    SECTION("one that others can read") {
        MountedStore mounted("");
        std::filesystem::permissions(mounted.config.host_identity, std::filesystem::perms(0444));
        check_refused(mounted, "host.identity");
    }
    SECTION("a removed host's") {
        MountedStore mounted("");
        must(remove_principal(mounted.store, mounted.made.owner, "host"));
        check_refused(mounted, "was removed");
    }
}

TEST_CASE("a policy or configuration with a mistake is refused at the start") {
    SECTION("a policy with an unknown key") {
        MountedStore mounted("[[rule]]\nname = \"x\"\nsecrets = [\"a/**\"]\nuid = 1\nuidd = 2\n");
        check_refused(mounted, "rules.toml:5");
    }
    SECTION("a policy that others can write") {
        MountedStore mounted("");
        std::filesystem::permissions(mounted.config.policy / "rules.toml", std::filesystem::perms(0666));
        check_refused(mounted, "rules.toml");
    }
    SECTION("a configuration with an unknown key") {
        MountedStore mounted("");
        std::ofstream(mounted.config.file, std::ios::app) << "\ntypo = 1\n";
        check_refused(mounted, "coffer.toml:");
    }
}

TEST_CASE("a host that is removed while it serves loses its keys") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.set("acme/checkout/production/UNREAD", "y");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "x");
    must(remove_principal(mounted.store, mounted.made.owner, "host"));
    CHECK(soon(
        [&] { return read_as(kAlice, mounted.path("acme/checkout/production/UNREAD")).error == ENOKEY; }));
    CHECK(soon([&] { return read_as(kAlice, mounted.path(kKey)).error == ENOKEY; }));
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("has been removed") !=
          std::string::npos);
    mounted.stop();
}

TEST_CASE("a tail of the log that does not verify is not served and raises the alarm") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "believed");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "believed");
    const Head head = mounted.store.view().head();
    Bytes forged(200, 7);
    must(mounted.store.backend().append(head, forged, {}));
    CHECK(soon([&] {
        return read_as(kRoot, mounted.path(".coffer/status.json")).text.find("is not believed") !=
               std::string::npos;
    }));
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "believed");
    mounted.stop();
}
