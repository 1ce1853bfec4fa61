// SPDX-License-Identifier: Apache-2.0
//
// What narrows a rule beyond who the caller is, at the mount: tracers, hashes, time, counts, captures.
#include <sys/ptrace.h>

#include "access/attest/exe_hasher.h"
#include "support/mounted_store.h"
#include "support/puppet.h"
#include "support/test_unit.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY";

std::string sha256_of(const std::filesystem::path& file) {
    ExeHasher hasher;
    return must(hasher.hash(Descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)))).hex();
}

// A process of its own that becomes `who` and opens the file each time it is told to: the errno, or 0.
Puppet reader(const Who& who, const std::filesystem::path& path) {
    return Puppet({[who] { return become(who) ? 0 : errno; }, [path] { return read_path(path).error; }});
}
constexpr unsigned char kBecome = 0, kRead = 1;

// Tracing from the test's own thread, as root: stopped once, then let go on under the tracer.
class Tracer {
  public:
    explicit Tracer(pid_t process) : process_(process) {
        REQUIRE(ptrace(PTRACE_SEIZE, process_, nullptr, nullptr) == 0);
    }
    void detach() {
        if (process_ <= 0) return;
        REQUIRE(ptrace(PTRACE_INTERRUPT, process_, nullptr, nullptr) == 0);
        int status = 0;
        REQUIRE(waitpid(process_, &status, 0) == process_);
        REQUIRE(ptrace(PTRACE_DETACH, process_, nullptr, nullptr) == 0);
        process_ = -1;
    }

  private:
    pid_t process_;
};

// A copy of a program that this test may replace.
std::filesystem::path copy_program(const std::filesystem::path& folder, const char* of) {
    auto to = folder / std::filesystem::path(of).filename();
    std::filesystem::copy_file(std::filesystem::canonical(of), to);
    std::filesystem::permissions(to, std::filesystem::perms(0755));
    return to;
}

// What `program` prints when it is given the path, run by `who`.
std::string output_of(const Who& who, const std::filesystem::path& program,
                      const std::filesystem::path& path) {
    return run_as(who, {program, path}).text;
}

}  // namespace

TEST_CASE("a process that is traced is refused, and served again when its tracer is gone") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    Puppet victim = reader(kAlice, mounted.path(kKey));
    REQUIRE(victim.act(kBecome) == 0);
    CHECK(victim.act(kRead) == 0);
    Tracer tracer(victim.pid());
    // The status that was read for the last open may count for 10 ms.
    CHECK(soon([&] { return victim.act(kRead) == ENOENT; }));
    for (int again = 0; again < 20; ++again) CHECK(victim.act(kRead) == ENOENT);
    CHECK(mounted.audit_lines(
              {"\"deny\"", "the process is being traced", concat("\"tgid\":", victim.pid())}) >= 1);
    tracer.detach();
    CHECK(soon([&] { return victim.act(kRead) == 0; }));
    mounted.stop();
}

TEST_CASE("a process that is traced from its start is refused at its first open") {
    MountedStore mounted(allow(kAlice, "acme/**"));
    mounted.set(kKey, "x");
    mounted.start();
    Puppet victim = reader(kAlice, mounted.path(kKey));
    REQUIRE(victim.act(kBecome) == 0);
    Tracer tracer(victim.pid());
    CHECK(victim.act(kRead) == ENOENT);
    tracer.detach();
    mounted.stop();
}

TEST_CASE("a rule with traced = true serves a process under its debugger") {
    MountedStore mounted(allow(kAlice, "acme/**", "traced = true"));
    mounted.set(kKey, "x");
    mounted.start();
    Puppet victim = reader(kAlice, mounted.path(kKey));
    REQUIRE(victim.act(kBecome) == 0);
    Tracer tracer(victim.pid());
    for (int again = 0; again < 5; ++again) CHECK(victim.act(kRead) == 0);
    tracer.detach();
    mounted.stop();
}

TEST_CASE("a hash names the content of a program, wherever it is and whatever it is called") {
    TempFolder programs;
    std::filesystem::permissions(programs.path(), std::filesystem::perms(0755));
    const auto cat = copy_program(programs.path(), "/bin/cat"),
               head = copy_program(programs.path(), "/usr/bin/head");
    MountedStore mounted(allow(kAlice, "acme/**", concat("sha256 = \"", sha256_of(cat), '"')));
    mounted.set(kKey, "for cat");
    mounted.start();
    CHECK(output_of(kAlice, cat, mounted.path(kKey)) == "for cat");
    CHECK(output_of(kAlice, head, mounted.path(kKey)).empty());
    CHECK(output_of(kBob, cat, mounted.path(kKey)).empty());
    CHECK(read_as(kAlice, mounted.path(kKey)).error == ENOENT);
    CHECK(mounted.audit_lines({"\"allow\"", concat("\"sha256\":\"", sha256_of(cat), '"')}) == 1);
    CHECK(mounted.audit_lines({"\"deny\"", concat("\"sha256\":\"", sha256_of(head), '"')}) == 1);

    // Another content under the allowed name, and the allowed content under another name.
    std::filesystem::rename(cat, programs / "elsewhere");
    std::filesystem::copy_file(head, cat);
    CHECK(output_of(kAlice, cat, mounted.path(kKey)).empty());
    CHECK(output_of(kAlice, programs / "elsewhere", mounted.path(kKey)) == "for cat");
    mounted.stop();
}

TEST_CASE("a program whose file is replaced while it runs keeps the hash of what it runs") {
    TempFolder programs;
    std::filesystem::permissions(programs.path(), std::filesystem::perms(0755));
    const auto tail = copy_program(programs.path(), "/usr/bin/tail");
    MountedStore mounted(allow(kAlice, "acme/**", concat("sha256 = \"", sha256_of(tail), '"')));
    mounted.set(kKey, "for tail");
    mounted.start();
    int in[2], out[2];
    REQUIRE(pipe2(in, O_CLOEXEC) == 0);
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    const pid_t child = fork();
    if (child == 0) {
        dup2(in[0], 0);
        dup2(out[1], 1);
        // It reads its standard input to the end before it opens the file.
        if (become(kAlice)) execl(tail.c_str(), "tail", "-q", "-", mounted.path(kKey).c_str(), nullptr);
        _exit(127);
    }
    close(in[0]);
    close(out[1]);
    CHECK(soon([&] { return std::filesystem::read_symlink(concat("/proc/", child, "/exe")) == tail; }));
    std::filesystem::rename(copy_program(programs.path(), "/usr/bin/head"), tail);
    close(in[1]);
    CHECK(text_until_end(out[0]).value_or("no end") == "for tail");
    close(out[0]);
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    CHECK(output_of(kAlice, tail, mounted.path(kKey)).empty());
    mounted.stop();
}

TEST_CASE("max_opens is for each process, and a refused open costs nothing") {
    MountedStore mounted(allow(kAlice, "acme/**", "max_opens = 2"));
    mounted.set(kKey, "x");
    mounted.start();
    Puppet one = reader(kAlice, mounted.path(kKey)), two = reader(kAlice, mounted.path(kKey));
    for (Puppet* who : {&one, &two}) {
        REQUIRE(who->act(kBecome) == 0);
        CHECK(who->act(kRead) == 0);
        CHECK(who->act(kRead) == 0);
        CHECK(who->act(kRead) == ENOENT);
    }
    CHECK(mounted.audit_lines({"\"deny\"", "max_opens is used up"}) >= 2);
    // A policy that is read again forgets no count.
    mounted.write_policy(allow(kAlice, "acme/**", "max_opens = 3"));
    CHECK(soon([&] { return one.act(kRead) == 0; }));
    CHECK(one.act(kRead) == ENOENT);
    mounted.stop();
}

TEST_CASE("within ends some time after the process began, and leaves what is open") {
    MountedStore mounted(allow(kAlice, "acme/**", "within = \"2s\""));
    mounted.set(kKey, "x");
    mounted.start();
    Outcome seen = as(kAlice, [&] {
        const auto path = mounted.path(kKey);
        int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return failed();
        for (;;) {  // ends, or the client's patience does
            int again = open(path.c_str(), O_RDONLY | O_CLOEXEC);
            if (again < 0) break;
            close(again);
            usleep(20000);
        }
        if (errno != ENOENT) return failed();
        Outcome out = read_all(fd);
        for (const auto& listed : std::filesystem::directory_iterator(path.parent_path()))
            out.text += concat(" and lists ", listed.path().filename().string());
        return out;
    });
    CHECK(seen.text == "x");
    CHECK(mounted.audit_lines({"\"deny\"", "older than the rule's `within`"}) >= 1);
    CHECK(read_as(kAlice, mounted.path(kKey)).text == "x");  // a new process
    mounted.stop();
}

TEST_CASE("a task sees the secrets that its slice captures and no others") {
    TestUnit production("coffer-checkout-production.slice"), staging("coffer-checkout-staging.slice");
    if (!production.made() || !staging.made()) {
        WARN("SKIPPED: no cgroup can be made here");
        return;
    }
    MountedStore mounted(
        "[[rule]]\nname = \"tasks\"\nsecrets = \"acme/{project}/{domain}/*\"\n"
        "slice = \"coffer-{project}-{domain}.slice\"\n");
    mounted.set(kKey, "for production");
    mounted.set("acme/checkout/staging/KEY", "for staging");
    mounted.start();
    Puppet task = reader(kAlice, mounted.path(kKey));
    Puppet other = reader(kAlice, mounted.path("acme/checkout/staging/KEY"));
    for (Puppet* who : {&task, &other}) REQUIRE(who->act(kBecome) == 0);
    CHECK(task.act(kRead) == ENOENT);
    REQUIRE(production.add(task.pid()));
    REQUIRE(production.add(other.pid()));
    CHECK(task.act(kRead) == 0);
    CHECK(other.act(kRead) == ENOENT);
    REQUIRE(staging.add(task.pid()));
    REQUIRE(staging.add(other.pid()));
    CHECK(task.act(kRead) == ENOENT);
    CHECK(other.act(kRead) == 0);
    mounted.stop();
}
