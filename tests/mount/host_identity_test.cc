// SPDX-License-Identifier: Apache-2.0
//
// Where the daemon has its host's identity from: systemd's credential, then the configured file.
#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

// A store whose daemon is given a folder of credentials, as systemd does.
struct Given {
    Given() : mounted(allow(kAlice, "acme/**")) {
        mounted.set(kKey, "value");
        mounted.in_daemon = [this] { setenv("CREDENTIALS_DIRECTORY", folder.path().c_str(), 1); };
    }
    [[nodiscard]] std::filesystem::path credential() const { return folder / "host.identity"; }
    static void save(const std::filesystem::path& file, const Identity& identity) {
        std::filesystem::remove(file);
        must(save_identity(file, must(encode_identity(identity))));
    }
    void check_serves() {
        mounted.start();
        CHECK(read_as(kAlice, mounted.path(kKey)).text == "value");
        mounted.stop();
    }
    void check_refused(std::string_view says) {
        CHECK(mounted.start_refused() == 1);
        INFO(mounted.log());
        CHECK(mounted.log().find(says) != std::string::npos);
    }
    TempFolder folder;
    MountedStore mounted;
};

}  // namespace

TEST_CASE("the daemon takes its identity from the credential before it looks at the configured file") {
    Given given;
    Given::save(given.credential(), given.mounted.made.host);
    Given::save(given.mounted.config.host_identity, must(Identity::generate()));
    given.check_serves();
    std::filesystem::remove(given.mounted.config.host_identity);
    given.check_serves();
}

TEST_CASE("the sealed credential goes before the plain one, and both before the configured file") {
    Given given;
    Given::save(given.mounted.config.host_identity, must(Identity::generate()));
    Given::save(given.folder / "host.identity.plain", given.mounted.made.host);
    given.check_serves();
    Given::save(given.credential(), must(Identity::generate()));
    given.check_refused("another identity");  // than the one that it has served under
}

TEST_CASE("without such a credential the daemon takes the configured file") {
    Given given;
    given.folder.write("other.identity", "not asked for");
    given.check_serves();
}

TEST_CASE("a credential that is no good is refused, and the configured file does not stand in for it") {
    Given given;
    Given::save(given.credential(), must(Identity::generate()));
    given.check_refused("host");
    std::filesystem::remove(given.credential());
    std::filesystem::permissions(given.folder.write("host.identity", "junk\n"), std::filesystem::perms(0400));
    given.check_refused("does not start with");
    for (const char* nowhere : {"host.identity", "none"}) {
        std::filesystem::remove(given.credential());
        std::filesystem::create_symlink(nowhere, given.credential());
        given.check_refused(given.credential().native());
    }
}
