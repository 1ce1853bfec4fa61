// SPDX-License-Identifier: Apache-2.0
//
// What a caller may not read does not exist for it, by any call, and while its owner is using it.
#include <dirent.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/xattr.h>

#include <set>

#include "explained.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

int no_handle(const char* path) {
    FileHandle handle;
    int mount_id = 0;
    return name_to_handle_at(AT_FDCWD, path, handle.get(), &mount_id, 0);
}

int no_watch(const char* path) {
    const int watches = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return inotify_add_watch(watches, path, IN_ALL_EVENTS);
}

// One call that takes a name; -1 and errno.
struct Probe {
    const char* name;
    int (*call)(const char* path);
};
const Probe kProbes[] = {
    {"open", [](const char* path) { return open(path, O_RDONLY); }},
    {"create", [](const char* path) { return open(path, O_RDWR | O_CREAT, 0600); }},
    {"create exclusively", [](const char* path) { return open(path, O_RDWR | O_CREAT | O_EXCL, 0600); }},
    {"create for reading", [](const char* path) { return open(path, O_RDONLY | O_CREAT, 0600); }},
    {"O_PATH", [](const char* path) { return open(path, O_PATH); }},
    {"O_DIRECTORY", [](const char* path) { return open(path, O_RDONLY | O_DIRECTORY); }},
    {"O_NOFOLLOW", [](const char* path) { return open(path, O_RDONLY | O_NOFOLLOW); }},
    {"stat",
     [](const char* path) {
         struct stat status {};
         return stat(path, &status);
     }},
    {"statx without a request",
     [](const char* path) {
         struct statx out {};
         return statx(AT_FDCWD, path, AT_STATX_DONT_SYNC, STATX_ALL, &out);
     }},
    {"access", [](const char* path) { return access(path, F_OK); }},
    {"access for writing", [](const char* path) { return access(path, W_OK); }},
    {"readlink",
     [](const char* path) {
         char buffer[64];
         return static_cast<int>(readlink(path, buffer, sizeof buffer));
     }},
    {"getxattr",
     [](const char* path) {
         char buffer[64];
         return static_cast<int>(getxattr(path, "user.coffer.scope", buffer, sizeof buffer));
     }},
    {"listxattr",
     [](const char* path) {
         char buffer[64];
         return static_cast<int>(listxattr(path, buffer, sizeof buffer));
     }},
    {"setxattr", [](const char* path) { return setxattr(path, "user.x", "1", 1, 0); }},
    {"inotify", no_watch},
    {"a file handle", no_handle},
    {"what is below", [](const char* path) { return open((std::string(path) + "/x").c_str(), O_RDONLY); }},
    {"a slash behind", [](const char* path) { return open((std::string(path) + '/').c_str(), O_RDONLY); }},
    {"chdir", [](const char* path) { return chdir(path); }},
    {"mkdir", [](const char* path) { return mkdir(path, 0700); }},
    {"mknod", [](const char* path) { return mknod(path, S_IFREG | 0600, 0); }},
    {"symlink", [](const char* path) { return symlink("x", path); }},
    {"link", [](const char* path) { return link(path, (std::string(path) + "x").c_str()); }},
    {"unlink", [](const char* path) { return unlink(path); }},
    {"rmdir", [](const char* path) { return rmdir(path); }},
    {"truncate", [](const char* path) { return truncate(path, 0); }},
    {"chmod", [](const char* path) { return chmod(path, 0600); }},
    {"chown", [](const char* path) { return chown(path, kBob.uid, kBob.gid); }},
    {"rename away", [](const char* path) { return rename(path, (std::string(path) + "x").c_str()); }},
};

int answer_to(const Who& who, const Probe& probe, const std::string& path) {
    return as(who, [&] { return errno_of([&] { return probe.call(path.c_str()); }); }).error;
}

// Alice, who has just looked at the file and holds it open.
struct Owner : Puppet {
    explicit Owner(const std::filesystem::path& path)
        : Puppet({[path] { return open_as(kAlice, path); },
                  [path] { return read_path(path).text == kValue ? 0 : 1; }}) {
        REQUIRE(act(0) >= 0);
        REQUIRE(reads() == 0);
    }
    int reads() { return act(1); }
};

// What an inotify watch of Bob's on the directory has told, after Alice has read.
Outcome watch_while_read(const std::filesystem::path& directory, Owner& owner) {
    return as(kBob, [&] {
        const int watches = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
        if (inotify_add_watch(watches, directory.c_str(), IN_ALL_EVENTS) < 0) return failed();
        if (owner.reads() != 0) return failed(ENOMSG);
        alignas(inotify_event) char buffer[4096];
        const ssize_t size = read(watches, buffer, sizeof buffer);
        Outcome out;
        for (ssize_t at = 0; at < size;) {
            const auto* event = reinterpret_cast<const inotify_event*>(buffer + at);
            if (event->len) out.text += concat(event->name, ' ');
            at += static_cast<ssize_t>(sizeof *event + event->len);
        }
        return out;
    });
}

}  // namespace

TEST_CASE("a hidden secret cannot be told from one that does not exist, by any call, while it is in use") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const auto key = mounted.path(kKey);
    Owner owner(key);
    const std::string never = key.parent_path() / "NEVER";
    for (const Probe& probe : kProbes) {
        INFO(probe.name);
        for (const Who& who : {kBob, kCarol, kRoot}) {
            CHECK(owner.reads() == 0);  // so that the kernel has seen the name just now
            CHECK(answer_to(who, probe, key) == answer_to(who, probe, never));
            CHECK(answer_to(who, probe, key) != 0);
        }
    }
    Attack attack = attack_as(kBob, [&] { return errno_of([&] { return access(key.c_str(), F_OK); }); });
    check_foiled(mounted, attack, ENOENT, "lookup");
    CHECK(count_records(mounted.audit(), [](const AuditRecord& one) {
              return one.path.find("NEVER") != std::string::npos;
          }) == 0);
    owner.kill();
    end(mounted);
}

TEST_CASE("listing and guessing shows another user nothing but its own") {
    MountedStore mounted(alice_alone());
    mounted.set("acme/billing/production/KEY", "in a directory of Alice's alone");
    start_attacked(mounted);
    Owner owner(mounted.path(kKey));
    auto listed = [&](std::string_view below) {
        return as(kBob, [&] {
            DIR* directory = opendir(mounted.path(below).c_str());
            if (!directory) return failed();
            std::set<std::string> names;
            while (const dirent* entry = readdir(directory)) names.insert(entry->d_name);
            Outcome out;
            for (const auto& name : names) out.text += name + ' ';
            return out;
        });
    };
    CHECK(listed("").text == ". .. acme ");
    CHECK(listed("acme").text == ". .. checkout ");
    CHECK(listed("acme/checkout/production").text == ". .. OWN ");
    CHECK(listed("acme/billing").error == ENOENT);
    CHECK(listed(".coffer").error == ENOENT);
    // Going on from Alice's place in a directory that Bob has opened shows no more.
    const Outcome sought = as(kBob, [&] {
        DIR* directory = opendir(mounted.path("acme/checkout/production").c_str());
        Outcome out;
        for (long place : {0L, 1L, 2L, 3L, 4L, 1L << 32, 2L << 32, 1L << 62}) {
            seekdir(directory, place);
            while (const dirent* entry = readdir(directory)) out.text += concat(entry->d_name, ' ');
        }
        return out;
    });
    CHECK(sought.text.find("KEY") == std::string::npos);
    int found = 0;
    for (int i = 0; i < 200; ++i)
        found += read_as(kBob, mounted.path(concat("acme/checkout/production/GUESS_", i))).error != ENOENT;
    CHECK(found == 0);
    owner.kill();
    end(mounted);
}

TEST_CASE("a descriptor of a directory that is hidden from its holder lists nothing") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/billing/**"));
    mounted.set(kKey, kValue);
    mounted.set("acme/billing/production/X", "so that Bob sees the organisation");
    mounted.start();
    const auto folder = mounted.path(kKey).parent_path();
    Puppet alice(
        {[&] { return become(kAlice) ? open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1; }});
    const int held = take_descriptor(alice.pid(), alice.act(0));
    REQUIRE(held >= 0);
    const Outcome names = as(kBob, [&] {
        char buffer[4096];
        return errno_of([&] { return syscall(SYS_getdents64, held, buffer, sizeof buffer); });
    });
    CHECK(names.error == ENOENT);
    Attack attack = attack_as(kBob, [&] {
        const int fd = openat(held, "KEY", O_RDONLY);
        return fd < 0 ? failed() : read_all(fd);
    });
    check_foiled(mounted, attack, ENOENT, "lookup");
    close(held);
    end(mounted);
}

TEST_CASE("a hidden directory cannot be entered, looked at or listed while it is in use") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/billing/**"));
    mounted.set(kKey, kValue);
    mounted.set("acme/billing/production/X", "so that Bob sees the organisation");
    mounted.start();
    const auto hidden = mounted.path("acme/checkout");
    const std::string never = mounted.path("acme/never");
    Owner owner(mounted.path(kKey));
    const std::set<std::string_view> asked = {"open",           "O_DIRECTORY", "stat",  "access",
                                              "getxattr",       "listxattr",   "chdir", "what is below",
                                              "a slash behind", "setxattr",    "chmod", "chown"};
    std::size_t tried = 0;
    for (const Probe& probe : kProbes) {
        if (!asked.contains(probe.name)) continue;
        INFO(probe.name);
        CHECK(owner.reads() == 0);
        CHECK(answer_to(kBob, probe, hidden) == ENOENT);
        CHECK(answer_to(kBob, probe, never) == ENOENT);
        ++tried;
    }
    CHECK(tried == asked.size());
    owner.kill();
    end(mounted);
}

// The kernel keeps the names of directories, and answers some calls by itself.
TEST_CASE("known limit: the name of a hidden directory can be guessed while somebody is using it") {
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, "acme/billing/**"));
    mounted.set(kKey, kValue);
    mounted.set("acme/billing/production/X", "so that Bob sees the organisation");
    mounted.start();
    Owner owner(mounted.path(kKey));
    for (const Probe& probe : kProbes) {
        if (std::string_view(probe.name) != "O_PATH" && std::string_view(probe.name) != "inotify") continue;
        INFO(probe.name);
        CHECK(owner.reads() == 0);
        CHECK(answer_to(kBob, probe, mounted.path("acme/checkout")) == 0);
        CHECK(answer_to(kBob, probe, mounted.path("acme/never")) == ENOENT);
    }
    owner.kill();
    end(mounted);
}

// The kernel tells of every opening in a directory by name, and a file system is not asked.
TEST_CASE("known limit: who watches a directory learns the names of hidden secrets when they are used") {
    const bool visible = GENERATE(true, false);
    MountedStore mounted(allow(kAlice, "acme/**") + allow(kBob, visible ? kOwn : "acme/billing/**"));
    mounted.set(kKey, kValue);
    mounted.set(kOwn, "for Bob to see the directory");
    mounted.set("acme/billing/production/X", "so that Bob sees the organisation");
    mounted.start();
    const auto key = mounted.path(kKey);
    Owner owner(key);
    const Outcome told = watch_while_read(key.parent_path(), owner);
    CHECK(told.error == 0);
    CHECK(told.text.find("KEY ") != std::string::npos);
    CHECK(read_as(kBob, key).error == ENOENT);  // the name is all
    owner.kill();
    end(mounted);
}
