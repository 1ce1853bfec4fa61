// SPDX-License-Identifier: Apache-2.0
//
// Rendered files in the mount, and `coffer render` through it: who sees them, what is in them, and until
// when.
#include <sys/stat.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/wall_clock.h"
#include "support/held_client.h"
#include "support/mounted_store.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kFolder = "acme/checkout/production";
constexpr std::string_view kFile = "acme/checkout/production/app.conf";
constexpr std::string_view kUser = "acme/checkout/production/DB_USER";
constexpr std::string_view kPassword = "acme/checkout/production/DB_PASSWORD";

// A store with one rendered file, app.conf, whose source is in the store's folder.
class Served : public MountedStore {
  public:
    Served(std::string_view text, std::string_view policy, const std::function<void(Config&)>& change = {})
        : MountedStore(policy, [&](Config& settings) {
              settings.templates.push_back({must(SecretName::parse(kFile)), source_in(settings), 0440, {}});
              if (change) change(settings);
          }) {
        write(text);
    }
    void write(std::string_view text) const {
        const auto fresh = source().string() + ".new";
        std::ofstream(fresh) << text;
        std::filesystem::permissions(fresh, std::filesystem::perms(0644));
        std::filesystem::rename(fresh, source());
    }
    [[nodiscard]] std::filesystem::path source() const { return source_in(config); }
    [[nodiscard]] std::filesystem::path file() const { return path(kFile); }
    [[nodiscard]] std::string status() const { return read_as(kRoot, path(".coffer/status.json")).text; }
    [[nodiscard]] bool shows(const Who& who, std::string_view text) const {
        return soon([&] { return read_as(who, file()).text == text; });
    }
    [[nodiscard]] int seen_by(const Who& who) const { return read_as(who, file()).error; }

  private:
    static std::filesystem::path source_in(const Config& settings) {
        return settings.file.parent_path() / "app.conf.template";
    }
};

constexpr std::string_view kText = "user={{ secret('DB_USER') }}\npass={{ secret('DB_PASSWORD') | json }}\n";
constexpr std::string_view kRendered = "user=shop\npass=\"hunter\\\"2\"\n";

std::string whole_policy() {
    return allow(kAlice, "acme/**") + allow(kBob, kUser);
}

void fill(Served& served) {
    served.set(kUser, "shop");
    served.set(kPassword, "hunter\"2");
}

// "mode uid gid size"
Outcome attributes_as(const Who& who, const std::filesystem::path& path) {
    return as(who, [&] {
        struct stat seen {};
        if (stat(path.c_str(), &seen) != 0) return failed();
        return Outcome{0, concat(seen.st_mode, ' ', seen.st_uid, ' ', seen.st_gid, ' ', seen.st_size)};
    });
}

std::string names_as(const Who& who, const std::filesystem::path& folder) {
    return as(who,
              [&] {
                  Outcome out;
                  std::error_code error;
                  std::vector<std::string> names;
                  for (const auto& one : std::filesystem::directory_iterator(folder, error))
                      names.push_back(one.path().filename());
                  std::ranges::sort(names);
                  for (const std::string& name : names) out.text += name + ' ';
                  return out;
              })
        .text;
}

// Reads from a file that was opened before `change`, or does something else with it.
template <class Change>
Outcome held_across(const Who& who, const std::filesystem::path& path, Change change,
                    const std::function<Outcome(int)>& then = read_all) {
    return across(
        who, [&] { return open(path.c_str(), O_RDONLY | O_CLOEXEC); },
        [&](int fd) { return fd >= 0 ? then(fd) : failed(); }, change);
}

// The text as long as it can be read, and the errno that ends this.
Outcome read_until_refused(const std::filesystem::path& path) {
    Outcome out;
    std::array<char, 256> bytes{};
    const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
    for (ssize_t size = fd; size >= 0; usleep(10000)) {
        size = pread(fd, bytes.data(), bytes.size(), 0);
        if (size >= 0) out.text.assign(bytes.data(), static_cast<std::size_t>(size));
    }
    out.error = errno;
    return out;
}

Outcome render_as(const Who& who, const Served& served, std::vector<std::string> more) {
    // A copy: this checkout may lie where that user may not go.
    const auto program = served.made.folder / "coffer";
    std::filesystem::copy_file(COFFER_PROGRAM, program, std::filesystem::copy_options::skip_existing);
    std::vector<std::string> words = {program, "render", "--mount", served.mount()};
    words.insert(words.end(), more.begin(), more.end());
    return run_as(who, words);
}

}  // namespace

TEST_CASE("a rendered file has the values of its secrets, its size and its mode, for who may read them all") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    CHECK(read_as(kAlice, served.file()) == Outcome{0, std::string(kRendered)});
    CHECK(attributes_as(kAlice, served.file()).text ==
          concat(S_IFREG | 0440, " 60001 60001 ", kRendered.size()));
    CHECK(names_as(kAlice, served.path(kFolder)) == "DB_PASSWORD DB_USER app.conf ");
    CHECK(as(kAlice, [&] { return errno_of([&] { return access(served.file().c_str(), R_OK); }); }).good());
    served.stop();
}

TEST_CASE(
    "who may read but one of its secrets does not see a rendered file, and the refusal names the other") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    for (const Who& who : {kBob, kCarol}) {
        CHECK(served.seen_by(who) == ENOENT);
        CHECK(attributes_as(who, served.file()).error == ENOENT);
        CHECK(names_as(who, served.path(kFolder)).find("app.conf") == std::string::npos);
    }
    CHECK(read_as(kBob, served.path(kUser)).text == "shop");
    CHECK(served.audit_lines({"\"lookup\"", "\"deny\"", "DB_PASSWORD", "60002"}) >= 1);
    CHECK(served.audit_lines({"\"allow\"", "DB_PASSWORD", "60002"}) == 0);
    served.write_policy(allow(kBob, "acme/**"));
    CHECK(served.shows(kBob, kRendered));
    CHECK(served.seen_by(kAlice) == ENOENT);
    served.stop();
}

TEST_CASE("with deny = \"refuse\" a rendered file is refused and not hidden") {
    Served served(kText, whole_policy(), [](Config& config) { config.deny = Denial::refuse; });
    fill(served);
    served.start();
    CHECK(served.seen_by(kBob) == EACCES);
    CHECK(read_as(kAlice, served.file()).text == kRendered);
    served.stop();
}

TEST_CASE("an open is on record once for each secret in the file") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    CHECK(read_as(kAlice, served.file()).good());
    CHECK(served.audit_lines({"\"open\"", "\"allow\"", "DB_USER", "60001"}) == 1);
    CHECK(served.audit_lines({"\"open\"", "\"allow\"", "DB_PASSWORD", "60001"}) == 1);
    CHECK(served.audit().find("hunter") == std::string::npos);
    served.stop();
}

TEST_CASE("a change of a secret or of the template changes the file, and what is open stays as it was") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    const Outcome open_before = held_across(kAlice, served.file(), [&] {
        served.set(kUser, "market");
        CHECK(served.shows(kAlice, "user=market\npass=\"hunter\\\"2\"\n"));
        CHECK(attributes_as(kAlice, served.file()).text == concat(S_IFREG | 0440, " 60001 60001 29"));
        served.write("only {{ secret('DB_USER') }}");
        CHECK(served.shows(kAlice, "only market"));
        CHECK(attributes_as(kAlice, served.file()).text == concat(S_IFREG | 0440, " 60001 60001 11"));
    });
    CHECK(open_before == Outcome{0, std::string(kRendered)});
    CHECK(served.seen_by(kBob) == 0);  // who may read what is left in it
    served.stop();
}

TEST_CASE("a secret that is missing takes the file away and is told in the status, until it is there") {
    Served served(kText, whole_policy());
    served.set(kUser, "shop");
    served.start();
    CHECK(served.seen_by(kAlice) == ENOENT);
    CHECK(names_as(kAlice, served.path(kFolder)) == "DB_USER ");
    CHECK(soon([&] { return served.status().find("there is no secret DB_PASSWORD") != std::string::npos; }));
    CHECK(served.status().find("app.conf.template:2:6") != std::string::npos);
    served.set(kPassword, "hunter\"2");
    CHECK(served.shows(kAlice, kRendered));
    CHECK(soon([&] { return served.status().find("DB_PASSWORD") == std::string::npos; }));
    served.remove(kUser);
    CHECK(soon([&] { return served.seen_by(kAlice) == ENOENT; }));
    CHECK(soon([&] { return served.status().find("there is no secret DB_USER") != std::string::npos; }));
    served.stop();
}

TEST_CASE("a removed secret and a policy that changed take an open rendered file back") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    auto removed = [&] {
        served.remove(kUser);
        CHECK(soon([&] { return served.seen_by(kAlice) == ENOENT; }));
    };
    auto forbidden = [&] {
        served.write_policy(allow(kAlice, kUser));
        CHECK(soon([&] { return served.seen_by(kAlice) == ENOENT; }));
    };
    SECTION("removed") {
        CHECK(held_across(kAlice, served.file(), removed).error == EKEYREVOKED);
        CHECK(served.audit_lines({"\"read\"", "\"deny\"", "DB_USER", "removed"}) >= 1);
    }
    SECTION("forbidden") {
        CHECK(held_across(kAlice, served.file(), forbidden).error == EKEYREVOKED);
    }
    served.stop();
}

TEST_CASE("a rendered file with an expired secret is refused, open or not") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    CHECK(served.shows(kAlice, kRendered));
    // Where the time was too short for an open, as on a busy host, it is tried with twice as much.
    const std::string text = "user=shop\npass=\"short\"\n";
    Outcome open_before;
    for (std::uint64_t time = 2000; open_before.text != text; time *= 2) {
        REQUIRE(time < 20000);
        const std::uint64_t end = wall_clock_ms() + time;
        served.set(kPassword, "short", Visibility::masked, end);
        REQUIRE(soon([&] { return read_as(kAlice, served.file()).text == text || wall_clock_ms() > end; }));
        open_before = as(kAlice, [&] { return read_until_refused(served.file()); });
    }
    CHECK(open_before.error == EKEYEXPIRED);
    CHECK(served.seen_by(kAlice) == EKEYEXPIRED);
    served.stop();
}

TEST_CASE("a rendered file is read by its opener alone, in pieces too, and written by nobody") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    const Outcome by_bytes = as(kAlice, [&] {
        const int fd = open(served.file().c_str(), O_RDONLY);
        Outcome out;
        char byte;
        for (off_t at = 0; pread(fd, &byte, 1, at) == 1; ++at) out.text += byte;
        return out;
    });
    CHECK(by_bytes.text == kRendered);
    const Outcome handed_on = as(kRoot, [&] {
        if (setresgid(kAlice.gid, kAlice.gid, 0) != 0 || setresuid(kAlice.uid, kAlice.uid, 0) != 0)
            return failed();
        const int fd = open(served.file().c_str(), O_RDONLY);
        if (fd < 0 || setresuid(0, 0, 0) != 0 || !become(kBob)) return failed();
        return read_all(fd);
    });
    CHECK(handed_on.error == EACCES);
    for (int flags : {O_WRONLY, O_RDWR, O_RDONLY | O_TRUNC})
        CHECK(as(kAlice, [&] {
                  return errno_of([&] { return open(served.file().c_str(), flags); });
              }).error == EROFS);
    CHECK(as(kBob, [&] { return errno_of([&] { return open(served.file().c_str(), O_WRONLY); }); }).error ==
          ENOENT);
    CHECK(as(kAlice, [&] { return errno_of([&] { return unlink(served.file().c_str()); }); }).error == EROFS);
    served.stop();
}

TEST_CASE("a fallback scope serves what the file's own directory does not have") {
    constexpr std::string_view kShared = "acme/shared/production/PROXY";
    Served served("{{ secret('PROXY', 'acme/shared/production') }}", whole_policy());
    served.set(kUser, "shop");  // so that the directory is there
    served.set(kShared, "far");
    served.start();
    CHECK(served.shows(kAlice, "far"));
    served.set("acme/checkout/production/PROXY", "near");
    CHECK(served.shows(kAlice, "near"));
    served.remove("acme/checkout/production/PROXY");
    CHECK(served.shows(kAlice, "far"));
    served.stop();
}

TEST_CASE("a value that a filter cannot write is an error of the read, and told in the status") {
    Served served("{{ secret('DB_USER') | json }}", whole_policy());
    served.set(kUser, "\xff");
    served.start();
    CHECK(served.seen_by(kAlice) == EIO);
    CHECK(soon([&] { return served.status().find("is not UTF-8") != std::string::npos; }));
    served.set(kUser, "good");
    CHECK(served.shows(kAlice, "\"good\""));
    CHECK(soon([&] { return served.status().find("is not UTF-8") == std::string::npos; }));
    served.stop();
}

TEST_CASE("large values are rendered up to 1 MiB of text, and not beyond") {
    Served served("{{ secret('A') }}{{ secret('B') }}", whole_policy());
    const std::string half(512 << 10, 'h');
    served.set("acme/checkout/production/A", half);
    served.set("acme/checkout/production/B", half);
    served.start();
    CHECK(served.shows(kAlice, half + half));
    served.set("acme/checkout/production/B", half + "1");
    CHECK(soon([&] { return served.seen_by(kAlice) == EIO; }));
    CHECK(soon([&] { return served.status().find("1048576 bytes") != std::string::npos; }));
    served.stop();
}

TEST_CASE("open texts are charged to their user") {
    Served served("{{ secret('A') }}", whole_policy(),
                  [](Config& config) { config.large_bytes_per_uid = 1u << 20; });
    served.set("acme/checkout/production/A", std::string(700000, 'a'));
    served.start();
    const Outcome second = as(kAlice, [&] {
        const int first = open(served.file().c_str(), O_RDONLY);
        if (first < 0) return failed();
        if (open(served.file().c_str(), O_RDONLY) >= 0) return Outcome{0, "both"};
        const int error = errno;
        close(first);
        return failed(error);
    });
    CHECK(second.error == EMFILE);
    CHECK(soon([&] { return served.seen_by(kAlice) == 0; }));
    served.stop();
}

TEST_CASE("a template that is no longer in order leaves the one before it in force, and is told") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    CHECK(served.shows(kAlice, kRendered));
    auto told = [&](std::string_view what) {
        return soon([&] { return served.status().find(what) != std::string::npos; });
    };
    SECTION("a mistake in it") {
        served.write("{{ secret('DB_USER' }}");
        CHECK(told("app.conf.template:1:21: expected"));
    }
    SECTION("others can write it") {
        std::filesystem::permissions(served.source(), std::filesystem::perms(0666));
        CHECK(told("can be written by its group or by others"));
    }
    SECTION("it is gone") {
        std::filesystem::remove(served.source());
        CHECK(told("cannot open"));
    }
    SECTION("no secret is left in it") {
        served.write("plain");
        CHECK(told("names no secret"));
    }
    CHECK(read_as(kAlice, served.file()).text == kRendered);
    served.write("again {{ secret('DB_USER') }}");
    CHECK(served.shows(kAlice, "again shop"));
    CHECK(soon([&] { return served.status().find("app.conf") == std::string::npos; }));
    served.stop();
}

TEST_CASE("a template that is not in order at the start is missing alone, and told, until it is mended") {
    auto serves_the_rest = [](Served& served, std::string_view says) {
        fill(served);
        served.start();
        CHECK(read_as(kAlice, served.path(kUser)).text == "shop");
        CHECK(served.seen_by(kAlice) == ENOENT);
        CHECK(names_as(kAlice, served.path(kFolder)) == "DB_PASSWORD DB_USER ");
        CHECK(soon([&] { return served.log().find(says) != std::string::npos; }));
        CHECK(soon([&] { return served.status().find(says) != std::string::npos; }));
        CHECK(served.status().find("the file is not there until this is in order") != std::string::npos);
        const Outcome doctor =
            run_as(kRoot, {COFFER_PROGRAM, "doctor", "--config", served.config.file.string()});
        CHECK(doctor.text.find(concat("template ", kFile)) != std::string::npos);
        served.write(kText);
        CHECK(served.shows(kAlice, kRendered));
        CHECK(soon([&] { return served.status().find("app.conf") == std::string::npos; }));
        served.stop();
    };
    SECTION("a mistake in it") {
        Served served("{{ secret(DB_USER) }}", whole_policy());
        serves_the_rest(served, "app.conf.template:1:11: expected a text in quotes");
    }
    SECTION("others can write it") {
        Served served(kText, whole_policy());
        std::filesystem::permissions(served.source(), std::filesystem::perms(0646));
        serves_the_rest(served, "can be written by its group or by others");
    }
    SECTION("it is another user's") {
        Served served(kText, whole_policy());
        REQUIRE(chown(served.source().c_str(), kBob.uid, kBob.gid) == 0);
        serves_the_rest(served, "is owned by uid 60002");
    }
    SECTION("it is not there") {
        Served served(kText, whole_policy());
        std::filesystem::remove(served.source());
        serves_the_rest(served, "cannot open");
    }
}

TEST_CASE("a template within the mount stops the daemon, which would wait for itself") {
    Served served(kText, whole_policy(), [](Config& config) {
        config.templates.front().source = config.mount / "acme/checkout/production/X";
    });
    CHECK(served.start_refused() == 1);
    INFO(served.log());
    CHECK(served.log().find("is within the mount") != std::string::npos);
}

TEST_CASE("who may set a secret does not keep the daemon from starting by the path of a rendered file") {
    Served served(kText, whole_policy());
    fill(served);
    served.set("acme/*/*/app.conf", "a secret");
    served.start();
    CHECK(read_as(kAlice, served.file()).text == "a secret");
    CHECK(soon([&] { return served.status().find("in place of the rendered file") != std::string::npos; }));
    served.remove("acme/*/*/app.conf");
    CHECK(served.shows(kAlice, kRendered));
    served.stop();
}

TEST_CASE("an open rendered file has its own size, whatever its path shows by now") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    CHECK(served.shows(kAlice, kRendered));
    // The kernel asks by the handle for lseek, and by the path alone for fstat.
    const auto size_of = [](int fd) { return Outcome{0, concat(lseek(fd, 0, SEEK_END))}; };
    const Outcome seen = held_across(
        kAlice, served.file(),
        [&] {
            served.set(kFile, "a secret");
            CHECK(served.shows(kAlice, "a secret"));
        },
        size_of);
    CHECK(seen == Outcome{0, concat(kRendered.size())});
    served.stop();
}

TEST_CASE("an open that a limit refuses at the second secret is no opening of the first one on record") {
    Served served(kText, allow(kAlice, "acme/**", "max_opens = 1\n"));
    fill(served);
    served.start();
    CHECK(served.seen_by(kAlice) == ENOENT);
    CHECK(served.audit_lines({"\"open\"", "\"deny\"", "DB_PASSWORD", "max_opens is used up"}) == 1);
    CHECK(served.audit_lines({"\"open\"", "\"deny\"", "DB_USER", "another secret of the rendered file"}) ==
          1);
    served.stop();
}

TEST_CASE("a secret that is put at the path of a rendered file is shown in its place, and told") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    CHECK(served.shows(kAlice, kRendered));
    served.set(kFile, "a secret");
    CHECK(served.shows(kAlice, "a secret"));
    CHECK(soon([&] { return served.status().find("in place of the rendered file") != std::string::npos; }));
    CHECK(names_as(kAlice, served.path(kFolder)) == "DB_PASSWORD DB_USER app.conf ");
    served.remove(kFile);
    CHECK(served.shows(kAlice, kRendered));
    served.stop();
}

TEST_CASE("sendfile and mmap of a rendered file take a rule with cached = true for each secret") {
    Served served(kText, allow(kAlice, kUser, "cached = true\n") + allow(kAlice, kPassword) +
                             allow(kBob, "acme/**", "cached = true\n"));
    fill(served);
    served.start();
    auto send = [&](const Who& who) {
        return as(who, [&] {
            const int fd = open(served.file().c_str(), O_RDONLY);
            int ends[2];
            if (fd < 0 || pipe(ends) != 0) return failed();
            const ssize_t size = splice(fd, nullptr, ends[1], nullptr, 4096, 0);
            if (size < 0) return failed();
            close(ends[1]);
            return read_all(ends[0]);
        });
    };
    CHECK(send(kAlice).error == EACCES);
    CHECK(send(kBob).text == kRendered);
    served.stop();
}

TEST_CASE(
    "after a change of daemon an open rendered file goes on if it would be the same, else it is revoked") {
    Served served(kText, whole_policy());
    fill(served);
    served.hold();
    served.start();
    SECTION("nothing has changed") {
        CHECK(held_across(kAlice, served.file(), [&] {
                  served.kill_daemon();
                  served.start();
              }) == Outcome{0, std::string(kRendered)});
    }
    SECTION("a secret has changed") {
        CHECK(held_across(kAlice, served.file(), [&] {
                  served.kill_daemon();
                  served.set(kUser, "market");
                  served.start();
              }).error == EKEYREVOKED);
    }
    SECTION("the template has changed") {
        CHECK(held_across(kAlice, served.file(), [&] {
                  served.kill_daemon();
                  served.write("{{ secret('DB_USER') }}");
                  served.start();
              }).error == EKEYREVOKED);
    }
    SECTION("a secret is gone") {
        CHECK(held_across(kAlice, served.file(), [&] {
                  served.kill_daemon();
                  served.remove(kUser);
                  served.start();
              }).error == EKEYREVOKED);
    }
    SECTION("the policy has changed") {
        CHECK(held_across(kAlice, served.file(), [&] {
                  served.kill_daemon();
                  served.write_policy(allow(kAlice, kUser));
                  served.start();
              }).error == EACCES);
    }
    CHECK(served.seen_by(kCarol) == ENOENT);
    served.stop();
}

TEST_CASE("coffer render writes what the mount shows its caller, and nothing that it hides") {
    Served served(kText, whole_policy());
    fill(served);
    served.start();
    const std::string scope(kFolder), source = served.source();
    CHECK(render_as(kAlice, served, {"--scope", scope, source}) == Outcome{0, std::string(kRendered)});
    CHECK(render_as(kBob, served, {"--scope", scope, source}).text.empty());

    TempFolder folder;
    const std::string out = folder / "app.conf";
    REQUIRE(chown(folder.path().c_str(), kAlice.uid, kAlice.gid) == 0);
    CHECK(render_as(kAlice, served, {"--scope", scope, "--out", out, source}).text.find("with 2 secrets") !=
          std::string::npos);
    CHECK(file_text(out) == kRendered);
    CHECK(attributes_as(kAlice, out).text == concat(S_IFREG | 0600, " 60001 60001 ", kRendered.size()));
    CHECK(render_as(kAlice, served, {"--scope", scope, "--out", out, "--mode", "0640", source}).good());
    CHECK(attributes_as(kAlice, out).text == concat(S_IFREG | 0640, " 60001 60001 ", kRendered.size()));

    // What cannot be rendered leaves the file as it was.
    served.remove(kUser);
    CHECK(soon([&] { return served.seen_by(kAlice) == ENOENT; }));
    CHECK(render_as(kAlice, served, {"--scope", scope, "--out", out, source}).text.empty());
    CHECK(file_text(out) == kRendered);
    served.stop();
}
