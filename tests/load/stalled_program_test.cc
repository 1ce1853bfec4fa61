// SPDX-License-Identifier: Apache-2.0
//
// Programs on a file system that has stopped answering: to ask it about the program of a caller would cost
// the daemon one worker for each such caller, for ever.
#include <sched.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#include "access/attest/exe_hasher.h"
#include "support/mounted_store.h"
#include "support/puppet.h"
#include "support/stalling_files.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::string_view kKey = "acme/checkout/production/KEY", kValue = "the value";
constexpr int kHostile = 6;  // processes; more than the daemon has workers

// The program of the stalled file system, as Alice.
class LateReader {
  public:
    LateReader(const std::filesystem::path& program, const std::filesystem::path& file) {
        int in[2];
        int out[2];
        REQUIRE(pipe2(in, O_CLOEXEC) == 0);
        REQUIRE(pipe2(out, O_CLOEXEC) == 0);
        child_ = fork();
        if (child_ == 0) {
            dup2(in[0], 0);
            dup2(out[1], 1);
            if (become(kAlice)) execl(program.c_str(), program.c_str(), file.c_str(), nullptr);
            _exit(127);
        }
        close(in[0]);
        close(out[1]);
        order_ = Descriptor(in[1]);
        said_ = Descriptor(out[0]);
        char byte = 0;
        REQUIRE(read(said_.get(), &byte, 1) == 1);
        REQUIRE(byte == 'r');
    }
    ~LateReader() {
        kill(child_, SIGKILL);
        order_.reset();
        waitpid(child_, nullptr, 0);
    }
    LateReader(const LateReader&) = delete;
    LateReader& operator=(const LateReader&) = delete;

    void go() const { REQUIRE(write(order_.get(), "g", 1) == 1); }
    // What it has seen; nothing when it hangs.
    [[nodiscard]] std::optional<std::string> seen() const { return text_until_end(said_.get()); }

  private:
    pid_t child_ = -1;
    Descriptor order_, said_;
};

// Where the program is: a FUSE file system of Alice's.
class HostileFolder {
  public:
    HostileFolder() : files_(LOAD_LATE_READER) {
        std::filesystem::permissions(folder_.path(), std::filesystem::perms(0755));
        for (const auto& each : {lower(), empty(), merged()}) {
            std::filesystem::create_directory(each);
            REQUIRE(chown(each.c_str(), kAlice.uid, kAlice.gid) == 0);
        }
        // As udev makes it; here it may be root's alone.
        REQUIRE(mknod(device().c_str(), S_IFCHR | 0666, makedev(10, 229)) == 0);
        REQUIRE(chmod(device().c_str(), 0666) == 0);
    }
    ~HostileFolder() {
        end();
        umount2(lower().c_str(), MNT_DETACH);
    }
    HostileFolder(const HostileFolder&) = delete;
    HostileFolder& operator=(const HostileFolder&) = delete;

    // As fusermount3 mounts for a user where /etc/fuse.conf says user_allow_other.
    std::filesystem::path mount_for_others() {
        REQUIRE(files_.mount("/dev/fuse", lower(), kAlice.uid));
        return lower() / "program";
    }
    // Without anybody's leave: in namespaces of Alice's own, below an overlay. The kernel asks the file
    // system under an overlay with the rights of who has mounted that, so that root's question reaches
    // Alice's server.
    std::filesystem::path mount_below_overlay() {
        owner_ =
            std::make_unique<Puppet>(std::vector<Puppet::Action>{[this] { return mount_in_namespaces(); },
                                                                 [this] {
                                                                     files_.end();
                                                                     return 0;
                                                                 }});
        const int error = owner_->act(0);
        INFO(errno_text(error));
        REQUIRE(error == 0);
        return std::filesystem::path(concat("/proc/", owner_->pid(), "/root")) / merged().relative_path() /
               "program";
    }
    void stall() { files_.stall(); }
    void end() {
        files_.end();
        if (owner_) (void)owner_->act(1);  // whose child the server is then
        owner_.reset();
    }
    [[nodiscard]] const Stall& seen() const { return files_.seen(); }

  private:
    [[nodiscard]] std::filesystem::path lower() const { return folder_ / "lower"; }
    [[nodiscard]] std::filesystem::path empty() const { return folder_ / "empty"; }
    [[nodiscard]] std::filesystem::path merged() const { return folder_ / "merged"; }
    [[nodiscard]] std::filesystem::path device() const { return folder_ / "fuse"; }

    int mount_in_namespaces() {
        if (!become(kAlice) || unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return errno;
        prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
        const auto map = concat(kAlice.uid, ' ', kAlice.uid, " 1");
        for (const auto& [file, text] :
             {std::pair<const char*, std::string>{"setgroups", "deny"}, {"uid_map", map}, {"gid_map", map}}) {
            std::ofstream out(concat("/proc/self/", file));
            if (!(out << text << std::flush)) return errno;
        }
        const auto layers = concat("lowerdir=", lower().native(), ':', empty().native());
        if (!files_.mount(device().c_str(), lower(), kAlice.uid) ||
            ::mount("overlay", merged().c_str(), "overlay", 0, layers.c_str()) != 0)
            return errno;
        return 0;
    }

    TempFolder folder_;
    StallingFiles files_;
    std::unique_ptr<Puppet> owner_;
};

std::string sha256_of(const std::filesystem::path& file) {
    ExeHasher hasher;
    return must(hasher.hash(Descriptor(open(file.c_str(), O_RDONLY | O_CLOEXEC)))).hex();
}

}  // namespace

TEST_CASE("callers whose programs are on a file system that does not answer keep nobody from reading") {
    const bool below_overlay = GENERATE(false, true);
    const bool hashed = GENERATE(false, true);
    INFO((below_overlay ? "below an overlay of its user's, " : "open to others, ")
         << (hashed ? "under a rule by hash" : "under a rule by user"));
    HostileFolder hostile;
    const auto program = below_overlay ? hostile.mount_below_overlay() : hostile.mount_for_others();
    MountedStore mounted(
        allow(kAlice, "acme/**",
              hashed ? concat("sha256 = \"", sha256_of(LOAD_LATE_READER), '"') : std::string()) +
            allow(kBob, "acme/**"),
        [](Config& config) { config.threads = 2; });
    mounted.set(kKey, kValue);
    mounted.start();
    std::vector<std::unique_ptr<LateReader>> readers;
    for (int i = 0; i < kHostile; ++i)
        readers.push_back(std::make_unique<LateReader>(program, mounted.path(kKey)));
    hostile.stall();
    for (const auto& reader : readers) reader->go();
    int good = 0;
    while (good < 20 && read_as(kBob, mounted.path(kKey)).text == kValue) ++good;
    if (good < 20) hostile.end();  // or the daemon would not even end
    CHECK(good == 20);
    // A hash is refused, for whoever runs the file system says what it is.
    for (const auto& reader : readers)
        CHECK(reader->seen().value_or("hung") == (hashed ? concat("errno ", ENOENT) : kValue));
    CHECK(read_as(kBob, mounted.path(kKey)).text == kValue);
    // Nothing was asked by anybody who matters here: the daemon's threads.
    const Stall& seen = hostile.seen();
    for (std::size_t i = 0; i < std::min(seen.count.load(), Stall::kMost); ++i) {
        INFO("opcode " << seen.opcodes[i]);
        CHECK_FALSE(
            std::filesystem::exists(concat("/proc/", mounted.daemon(), "/task/", seen.askers[i].load())));
    }
    mounted.stop();
    std::printf(
        "FIGURE: load: programs on a file system that does not answer (%s, %s): %d callers, %d of 20 "
        "reads of others served\n",
        below_overlay ? "overlay" : "open to others", hashed ? "by hash" : "by user", kHostile, good);
}
