// SPDX-License-Identifier: Apache-2.0
//
// What the daemon does when its audit log cannot be written: on a file system that is full.
#include "access/audit_chain.h"
#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kScope = "acme/checkout/production/";
constexpr int kSecrets = 40;  // their records take more than a page

// A small file system for the audit log. It must outlive the daemon.
class SmallDisk {
  public:
    explicit SmallDisk(std::filesystem::path path) : path_(std::move(path)) {
        std::filesystem::create_directory(path_);
        REQUIRE(::mount("none", path_.c_str(), "tmpfs", MS_NOSUID, "size=16k,mode=0700") == 0);
    }
    ~SmallDisk() { umount2(path_.c_str(), MNT_DETACH); }
    SmallDisk(const SmallDisk&) = delete;
    SmallDisk& operator=(const SmallDisk&) = delete;

    void fill() const {
        std::ofstream file(path_ / "filler", std::ios::app);
        const std::string page(4096, 'x');
        while (file << page << std::flush) {
        }
    }
    void free() const { std::filesystem::remove(path_ / "filler"); }

  private:
    std::filesystem::path path_;
};

std::string key(int number) {
    return concat(kScope, "KEY_", number);
}

}  // namespace

TEST_CASE("what cannot be audited is not served, and is served again when it can be") {
    MountedStore mounted(allow(kAlice, "acme/**"),
                         [](Config& config) { config.audit_file = config.state / "small/audit.jsonl"; });
    std::filesystem::create_directory(mounted.config.state);
    std::filesystem::permissions(mounted.config.state, std::filesystem::perms(0700));
    SmallDisk disk(mounted.config.state / "small");
    for (int i = 0; i < kSecrets; ++i) mounted.set(key(i), "x");
    mounted.start();
    CHECK(read_as(kAlice, mounted.path(key(0))).text == "x");
    disk.fill();
    int refused = -1;
    for (int i = 1; i < kSecrets && refused < 0; ++i) {
        Outcome seen = read_as(kAlice, mounted.path(key(i)));
        if (!seen.good()) {
            CHECK(seen.error == EACCES);
            refused = i;
        }
    }
    REQUIRE(refused > 0);
    CHECK(read_as(kAlice, mounted.path(key(refused))).error == EACCES);
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("audit") != std::string::npos);
    disk.free();
    CHECK(read_as(kAlice, mounted.path(key(refused))).text == "x");
    mounted.stop();
    // The half line of the full disk was closed, and the chain goes on.
    auto lines = verify_audit(mounted.audit());
    INFO((lines ? "" : lines.error().message));
    CHECK(lines.has_value());
}

TEST_CASE("with audit = best-effort it is served, and the alarm is raised") {
    MountedStore mounted(allow(kAlice, "acme/**"), [](Config& config) {
        config.audit_file = config.state / "small/audit.jsonl";
        config.audit_required = false;
    });
    std::filesystem::create_directory(mounted.config.state);
    std::filesystem::permissions(mounted.config.state, std::filesystem::perms(0700));
    SmallDisk disk(mounted.config.state / "small");
    for (int i = 0; i < kSecrets; ++i) mounted.set(key(i), "x");
    mounted.start();
    disk.fill();
    for (int i = 0; i < kSecrets; ++i) CHECK(read_as(kAlice, mounted.path(key(i))).text == "x");
    CHECK(read_as(kRoot, mounted.path(".coffer/status.json")).text.find("audit") != std::string::npos);
    disk.free();
    mounted.stop();
}
