// SPDX-License-Identifier: Apache-2.0
//
// What the programs refuse to run with: files and folders that somebody else could change or put others in
// the place of. Each case loosens one thing of a host that is well; the refusal has to say which, and the
// command that mends it, and with that done it runs.
#include <sys/stat.h>

#include <cstdio>
#include <functional>

#include "support/mounted_store.h"
#include "support/stored_service.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const std::string kKey = "acme/checkout/production/DB_PASSWORD";

enum class How : std::uint8_t {
    mode,         // the permissions that are given
    group,        // the same, and another group's
    others,       // another user's
    others_link,  // a symbolic link of another user's stands in its place, in a folder like /tmp
};

struct Loose {
    std::string what;  // below the test's folder; empty: that folder itself
    How how = How::mode;
    mode_t mode = 0;
    std::string says;  // words of the refusal, beside the path
};

// Loosened while it lives, and then as it was.
class Loosened {
  public:
    Loosened(std::string path, const Loose& loose) : path_(std::move(path)), loose_(loose) {
        REQUIRE(lstat(path_.c_str(), &was_) == 0);
        if (loose.how == How::others_link) {
            const auto folder = std::filesystem::path(path_).parent_path();
            REQUIRE(lstat(folder.c_str(), &folder_was_) == 0);
            REQUIRE(chmod(folder.c_str(), 01777) == 0);
            std::filesystem::rename(path_, path_ + ".real");
            std::filesystem::create_symlink(path_ + ".real", path_);
        }
        if (loose.how == How::others || loose.how == How::others_link)
            REQUIRE(lchown(path_.c_str(), kAlice.uid, was_.st_gid) == 0);
        if (loose.how == How::group) REQUIRE(lchown(path_.c_str(), was_.st_uid, kAlice.gid) == 0);
        if (loose.how == How::mode || loose.how == How::group) REQUIRE(chmod(path_.c_str(), loose.mode) == 0);
    }
    ~Loosened() {
        if (loose_.how == How::others_link) {
            std::filesystem::remove(path_);
            std::filesystem::rename(path_ + ".real", path_);
            (void)chmod(std::filesystem::path(path_).parent_path().c_str(), folder_was_.st_mode & 07777);
        }
        if (lchown(path_.c_str(), was_.st_uid, was_.st_gid) != 0) std::abort();
        if (chmod(path_.c_str(), was_.st_mode & 07777) != 0) std::abort();
    }
    Loosened(const Loosened&) = delete;
    Loosened& operator=(const Loosened&) = delete;

  private:
    std::string path_;
    const Loose& loose_;
    struct stat was_ {};
    struct stat folder_was_ {};
};

// Of store and policy the folder itself must be closed, so that no link of others can be in it.
const std::vector<Loose> kOfTheDaemon = {
    {"coffer.toml", How::mode, 0620, "chmod go-w"},
    {"coffer.toml", How::mode, 0602, "chmod go-w"},
    {"coffer.toml", How::others, 0, "expected root or uid 0"},
    {"coffer.toml", How::others_link, 0, "expected root or uid 0"},
    {"host.identity", How::mode, 0440, "chmod 0400"},
    {"host.identity", How::mode, 0404, "chmod 0400"},
    {"host.identity", How::mode, 0420, "chmod 0400"},
    {"host.identity", How::others, 0, "belongs to user 60001"},
    {"host.identity", How::others_link, 0, "expected root or uid 0"},
    {"policy.d", How::mode, 0775, "chmod go-w"},
    {"policy.d", How::mode, 0757, "chmod go-w"},
    {"policy.d", How::others, 0, "uid 60001"},
    {"policy.d/rules.toml", How::mode, 0660, "chmod go-w"},
    {"policy.d/rules.toml", How::mode, 0606, "chmod go-w"},
    {"policy.d/rules.toml", How::others, 0, "uid 60001"},
    {"store.db", How::mode, 0660, "chmod go-w"},
    {"store.db", How::mode, 0646, "chmod go-w"},
    {"store.db-wal", How::mode, 0666, "chmod go-w"},
    {"store.db-shm", How::mode, 0666, "chmod go-w"},
    {"store.db-wal", How::others, 0, "expected uid 0"},
    {"state", How::mode, 0702, "chmod go-w"},
    {"state", How::group, 0770, "chmod go-w"},
    {"state", How::others, 0, "expected root or uid 0"},
    {"state/daemon", How::mode, 0750, "chmod 700"},
    {"state/daemon", How::others, 0, "expected root or uid 0"},
    {"audit.jsonl", How::mode, 0640, "chmod 0600"},
    {"audit.jsonl", How::mode, 0604, "chmod 0600"},
    {"audit.jsonl", How::others, 0, "must belong to uid 0"},
    {"", How::mode, 0777, "chmod go-w"},  // where all of them are
    {"", How::group, 0731, "chmod go-w"},
    {"", How::others, 0, "expected root or uid 0"},
};

const std::vector<Loose> kOfTheWriter = {
    {"data", How::mode, 0770, "chmod go-w"},
    {"data", How::mode, 0757, "chmod go-w"},
    {"data", How::others, 0, "uid 60001"},
    {"data/store.db", How::others, 0, "uid 60001"},
    {"data/state", How::mode, 0755, "chmod 700"},
    {"data/state", How::mode, 0770, "chmod go-w"},
    {"data/store.db-wal", How::others, 0, "uid 60001"},
    {"", How::mode, 0777, "chmod go-w"},
    {"", How::group, 0771, "chmod go-w"},
    {"", How::others, 0, "expected root or uid 60010"},
};

struct Refusal {
    std::optional<int> status;
    std::string log;
};

// `start` is called with one thing after the other loosened.
void refuses_each(std::string_view program, const TempFolder& folder, const std::vector<Loose>& cases,
                  const std::function<Refusal()>& start) {
    int refused = 0;
    for (const Loose& loose : cases) {
        const std::string path = loose.what.empty() ? folder.path() : folder / loose.what;
        const Loosened loosened(path, loose);
        const auto [status, log] = start();
        CAPTURE(path, static_cast<int>(loose.how), loose.mode, log);
        CHECK(status == 1);
        CHECK(log.find(path) != std::string::npos);
        CHECK(log.find(loose.says) != std::string::npos);
        refused += status == 1 ? 1 : 0;
    }
    std::printf("FIGURE: hardening: loose permissions of %s's files and folders: %zu tried, %d refused\n",
                program.data(), cases.size(), refused);
}

}  // namespace

TEST_CASE("cofferd refuses whatever others could change, says what and how to mend it") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "kept");
    mounted.start();  // makes its state and its audit file
    mounted.stop();
    refuses_each("cofferd", mounted.made.folder, kOfTheDaemon, [&] {
        if (mounted.holder) mounted.holder->kill();
        const auto status = mounted.start_refused();
        return Refusal{status, mounted.log()};
    });
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "kept");
    mounted.stop();
}

TEST_CASE("coffer-stored refuses whatever others could change, says what and how to mend it") {
    FoundedService service;
    REQUIRE(service.stop() == 0);
    refuses_each("coffer-stored", service.folder, kOfTheWriter, [&] {
        std::filesystem::remove(service.folder / "log");
        service.start();
        const auto status = service.wait_for_end();
        return Refusal{status, service.log()};
    });
    service.start();
    CHECK(service.set_as(kRoot, kKey, "written").error == 0);
    CHECK(service.stop() == 0);
}

// The layouts that the documentation gives are not loose.
TEST_CASE("a store of another user, whose group may read it, is served") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "shared");
    const auto folder = mounted.made.folder / "shared";
    std::filesystem::create_directory(folder);
    for (const char* suffix : {"", "-wal", "-shm"}) {
        const std::string name = concat("store.db", suffix), file = folder / name;
        if (!std::filesystem::exists(mounted.made.folder / name)) continue;
        std::filesystem::copy_file(mounted.made.folder / name, file);
        REQUIRE(chown(file.c_str(), kStoreUser.uid, kStoreUser.gid) == 0);
        REQUIRE(chmod(file.c_str(), 0640) == 0);
    }
    REQUIRE(chown(folder.c_str(), kStoreUser.uid, kStoreUser.gid) == 0);
    REQUIRE(chmod(folder.c_str(), 0750) == 0);
    mounted.config.store = folder / "store.db";
    std::ofstream(mounted.config.file, std::ios::trunc) << write_config(mounted.config);
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "shared");
    mounted.stop();
}
