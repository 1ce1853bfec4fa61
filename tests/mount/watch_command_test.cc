// SPDX-License-Identifier: Apache-2.0
//
// `coffer watch` beside a daemon: the real program in coffer-watch.service. What it would have systemd do is
// taken down by a program called systemctl, since there is no systemd here to reload anything.
#include "support/inotify_client.h"
#include "support/mounted_store.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

// `coffer watch` with these options, as root in the watcher's unit. Both of its outputs are one text.
class WatchCommand {
  public:
    WatchCommand(const MountedStore& mounted, std::vector<std::string> options)
        : unit_("coffer-watch.service"), folder_(mounted.made.folder.path()) {
        REQUIRE(unit_.made());
        std::filesystem::create_directory(folder_ / "bin");
        std::ofstream(folder_ / "bin/systemctl")
            << "#!/bin/sh\necho \"$@\" >> " << folder_.string() << "/systemctl.log\n";
        std::filesystem::permissions(folder_ / "bin/systemctl", std::filesystem::perms(0755));
        options.insert(options.begin(), {COFFER_PROGRAM, "watch", "--config", mounted.config.file});
        child_ = fork();
        if (child_ == 0) {
            if (!unit_.add(getpid())) _exit(126);
            int out = open((folder_ / "watch.log").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
            dup2(out, 1);
            dup2(out, 2);
            setenv("PATH", concat((folder_ / "bin").string(), ":/usr/bin:/bin").c_str(), 1);
            std::vector<char*> words;
            for (std::string& one : options) words.push_back(one.data());
            words.push_back(nullptr);
            execv(words[0], words.data());
            _exit(127);
        }
        REQUIRE(says("watching from"));
    }
    ~WatchCommand() {
        if (child_ < 0) return;
        kill(child_, SIGKILL);
        waitpid(child_, nullptr, 0);
    }
    WatchCommand(const WatchCommand&) = delete;
    WatchCommand& operator=(const WatchCommand&) = delete;

    [[nodiscard]] std::string log() const { return file_text(folder_ / "watch.log"); }
    [[nodiscard]] bool says(std::string_view text) const {
        return soon([&] { return log().find(text) != std::string::npos; });
    }
    // What systemctl was told, a line each time.
    [[nodiscard]] std::string told() const { return file_text(folder_ / "systemctl.log"); }
    void stop() {
        kill(child_, SIGTERM);
        int status = -1;
        REQUIRE(soon([&] { return waitpid(child_, &status, WNOHANG) == child_; }));
        child_ = -1;
        INFO(log());
        CHECK(WIFEXITED(status));
        CHECK(WEXITSTATUS(status) == 0);
    }

  private:
    TestUnit unit_;
    std::filesystem::path folder_;
    pid_t child_ = -1;
};

std::size_t count(std::string_view text, std::string_view part) {
    std::size_t out = 0;
    for (std::size_t at = 0; (at = text.find(part, at)) != text.npos; at += part.size()) ++out;
    return out;
}

const std::string kWebLine = "--no-block try-reload-or-restart -- web.service\n";

std::string web_rule() {
    return allow(kAlice, "acme/checkout/**", "on_change = { reload = [\"web.service\", \"idle.service\"] }");
}

}  // namespace

TEST_CASE("watch --touch lets inotify fire once the new version is served") {
    MountedStore mounted(allow(kAlice, "acme/checkout/**"));
    mounted.set(kKey, "first");
    mounted.set("acme/*/*/WIDE", "everywhere");
    mounted.start();
    const auto key = mounted.path(kKey), wide = mounted.path("acme/checkout/production/WIDE");
    WatchCommand watch(mounted, {"--touch", mounted.mount()});
    InotifyClient alice(kAlice, {key, key.parent_path(), wide}, IN_MODIFY | IN_CLOSE_WRITE);

    mounted.set(kKey, "the second value");
    CHECK(alice.sees("1:CLOSE_WRITE"));
    CHECK(alice.sees("1:MODIFY"));
    CHECK(alice.sees("2:CLOSE_WRITE(KEY)"));
    CHECK(read_as(kAlice, key).text == "the second value");
    // A secret of the whole organisation is seen in each of its folders.
    mounted.set("acme/*/*/WIDE", "changed");
    CHECK(alice.sees("3:CLOSE_WRITE"));
    CHECK(alice.sees("2:CLOSE_WRITE(WIDE)"));
    INFO(alice.seen());
    INFO(watch.log());
    CHECK(watch.log().find("cannot touch") == std::string::npos);
    watch.stop();
    mounted.stop();
}

TEST_CASE("watch --touch leaves a file alone whose narrower secret did not change") {
    MountedStore mounted(allow(kAlice, "acme/checkout/**"));
    mounted.set("acme/checkout/production/BOTH", "narrow");
    mounted.set("acme/*/*/BOTH", "wide");
    mounted.set(kKey, "first");
    mounted.start();
    WatchCommand watch(mounted, {"--touch", mounted.mount()});
    InotifyClient alice(kAlice, {mounted.path("acme/checkout/production")}, IN_MODIFY | IN_CLOSE_WRITE);
    mounted.set("acme/*/*/BOTH", "wide and new");
    mounted.set(kKey, "later");
    CHECK(alice.sees("1:CLOSE_WRITE(KEY)"));
    CHECK(alice.seen().find("BOTH") == std::string::npos);
    // Without the narrower one the path shows another value.
    mounted.remove("acme/checkout/production/BOTH");
    CHECK(alice.sees("1:CLOSE_WRITE(BOTH)"));
    watch.stop();
    mounted.stop();
}

TEST_CASE("watch --reload reloads the units that have read an older version, and only those") {
    MountedStore mounted(web_rule());
    TestUnit web("web.service");
    mounted.set(kKey, "first");
    mounted.set("acme/checkout/production/UNREAD", "first");
    mounted.start();
    const auto key = mounted.path(kKey);
    REQUIRE(in_unit(web, kAlice, [&] { return read_path(key); }).text == "first");
    WatchCommand watch(mounted, {"--reload"});

    mounted.set("acme/checkout/production/UNREAD", "second");
    mounted.set(kKey, "second");
    CHECK(watch.says("reloading web.service"));
    CHECK(watch.told() == kWebLine);
    // It has not read the new one, so the next change is worth another reload; then it has.
    mounted.remove(kKey);
    CHECK(soon([&] { return count(watch.told(), kWebLine) == 2; }));
    mounted.set(kKey, "third");
    CHECK(soon([&] { return count(watch.told(), kWebLine) == 3; }));
    REQUIRE(soon([&] { return in_unit(web, kAlice, [&] { return read_path(key); }).text == "third"; }));
    mounted.set(kKey, "fourth");
    CHECK(soon([&] { return count(watch.told(), kWebLine) == 4; }));
    CHECK(watch.told() == kWebLine + kWebLine + kWebLine + kWebLine);
    watch.stop();
    mounted.stop();
}

TEST_CASE("a mount that hangs holds up no line, and then what has changed is reloaded together") {
    MountedStore mounted(web_rule());
    TestUnit web("web.service");
    constexpr int kSecrets = 20;
    auto name = [](int number) { return concat("acme/checkout/production/KEY", number); };
    for (int i = 0; i < kSecrets; ++i) mounted.set(name(i), "first");
    mounted.start();
    auto read_all_of_them = [&] {
        return in_unit(web, kAlice, [&] {
            Outcome last;
            for (int i = 0; i < kSecrets && last.good(); ++i) last = read_path(mounted.path(name(i)));
            return last;
        });
    };
    REQUIRE(read_all_of_them().text == "first");
    WatchCommand watch(mounted, {"--reload", "--touch", mounted.mount()});
    mounted.signal(SIGSTOP);
    for (int i = 0; i < kSecrets; ++i) mounted.set(name(i), "second");
    CHECK(watch.says(concat("put ", name(kSecrets - 1), " version 2")));
    CHECK(watch.told().empty());
    mounted.signal(SIGCONT);
    CHECK(watch.says("reloading web.service"));
    mounted.set(kKey, "a sign that all is done");
    REQUIRE(soon([&] { return read_all_of_them().text == "second"; }));
    REQUIRE(soon([&] { return read_as(kAlice, mounted.path(kKey)).good(); }));
    InotifyClient alice(kAlice, {mounted.path(kKey)}, IN_CLOSE_WRITE);
    mounted.set(kKey, "again");
    CHECK(alice.sees("1:CLOSE_WRITE"));
    // What had changed when the first child began to wait, and all the rest.
    CHECK(count(watch.told(), kWebLine) <= 2);
    watch.stop();
    mounted.stop();
}

TEST_CASE("changes wait for a mount that is not there, and a stop does not wait for them") {
    MountedStore mounted(web_rule());
    TestUnit web("web.service");
    mounted.set(kKey, "first");
    mounted.start();
    REQUIRE(in_unit(web, kAlice, [&] { return read_path(mounted.path(kKey)); }).text == "first");
    mounted.stop();
    WatchCommand watch(mounted, {"--reload"});
    mounted.set(kKey, "second");
    CHECK(watch.says("nothing is mounted there"));
    CHECK(watch.told().empty());
    mounted.start();
    CHECK(watch.says("serves what has changed again"));
    CHECK(soon([&] { return watch.told() == kWebLine; }));
    mounted.stop();
    mounted.set(kKey, "third");
    CHECK(watch.says(concat("put ", kKey, " version 3")));
    watch.stop();
}

TEST_CASE("watch --reload takes no policy that others can write") {
    MountedStore mounted(web_rule());
    TestUnit web("web.service");
    mounted.set(kKey, "first");
    mounted.start();
    REQUIRE(in_unit(web, kAlice, [&] { return read_path(mounted.path(kKey)); }).text == "first");
    std::filesystem::permissions(mounted.config.policy / "rules.toml", std::filesystem::perms(0666));
    WatchCommand watch(mounted, {"--reload"});
    mounted.set(kKey, "second");
    CHECK(watch.says("units may not have been reloaded"));
    CHECK(watch.told().empty());
    watch.stop();
    mounted.stop();
}
