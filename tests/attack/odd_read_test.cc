// SPDX-License-Identifier: Apache-2.0
//
// Every other way to read: who holds the descriptor and is not named gets nothing by any of them; who is
// named gets the value or a clean error.
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>

#include "attack/ring.h"
#include "explained.h"
#include "support/puppet.h"

using namespace coffer;
using namespace coffer::test;

namespace {

constexpr std::size_t kRoom = 4096;

template <class Call>
Outcome bytes_of(Call call) {
    std::string out(kRoom, '\0');
    const ssize_t size = call(out.data());
    if (size < 0) return failed();
    out.resize(static_cast<std::size_t>(size));
    return {0, out};
}

Outcome by_preadv(int fd, int flags) {
    return bytes_of([&](char* out) {
        iovec parts[2] = {{out, 5}, {out + 5, kRoom - 5}};
        return preadv2(fd, parts, 2, 0, flags);
    });
}

Outcome by_copy(int fd) {
    const int copy = memfd_create("copy", MFD_CLOEXEC);
    loff_t from = 0;
    if (copy_file_range(fd, &from, copy, nullptr, kRoom, 0) < 0) return failed();
    return read_from_start(copy);
}

Outcome by_tee(int fd) {
    int first[2], second[2];
    if (pipe(first) != 0 || pipe(second) != 0) return failed(ENOMSG);
    loff_t from = 0;
    if (splice(fd, &from, first[1], nullptr, kRoom, 0) < 0) return failed();
    if (tee(first[0], second[1], kRoom, 0) < 0) return failed();
    return bytes_of([&](char* out) { return read(second[0], out, kRoom); });
}

Outcome by_shared_map(int fd) {
    const void* page = mmap(nullptr, kRoom, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) return failed();
    return {0, std::string(static_cast<const char*>(page), kValue.size())};
}

Outcome after_readahead(int fd) {
    (void)readahead(fd, 0, kRoom);
    (void)posix_fadvise(fd, 0, kRoom, POSIX_FADV_WILLNEED);
    return bytes_of([&](char* out) { return pread(fd, out, kRoom, 0); });
}

Outcome unbuffered(int fd) {
    const int flags = fcntl(fd, F_GETFL);
    if (fcntl(fd, F_SETFL, flags | O_DIRECT) != 0) return failed();
    Outcome out = bytes_of([&](char* to) { return pread(fd, to, 7, 3); });  // no multiple of a block either
    fcntl(fd, F_SETFL, flags);
    return out;
}

Outcome by_ring(int fd) {
    Ring ring;
    if (!ring.usable()) return failed(ENOSYS);
    std::string out(kRoom, '\0');
    const int size = ring.run(Ring::read_request(fd, out.data(), kRoom));
    if (size < 0) return failed(-size);
    out.resize(static_cast<std::size_t>(size));
    return {0, out};
}

Outcome by_ring_splice(int fd) {
    Ring ring;
    int ends[2];
    if (!ring.usable() || pipe(ends) != 0) return failed(ENOSYS);
    const int size = ring.run(Ring::splice_request(fd, ends[1], kRoom));
    if (size < 0) return failed(-size);
    close(ends[1]);
    return read_all(ends[0]);
}

Outcome as_program(int fd) {
    char name[] = "x";
    char* arguments[] = {name, nullptr};
    return errno_of([&] { return fexecve(fd, arguments, arguments + 1); });
}

struct Way {
    const char* name;
    Outcome (*take)(int fd);
    int to_stranger;        // errno
    int to_owner;           // errno, 0: the value or a part of it
    const char* operation;  // of the stranger's record; null: the kernel refuses with no request
};
const Way kWays[] = {
    {"preadv", [](int fd) { return by_preadv(fd, 0); }, EACCES, 0, "read"},
    {"preadv2 that may not wait", [](int fd) { return by_preadv(fd, RWF_NOWAIT); }, EOPNOTSUPP, EOPNOTSUPP,
     nullptr},
    {"preadv2 with high priority", [](int fd) { return by_preadv(fd, RWF_HIPRI); }, EACCES, 0, "read"},
    {"copy_file_range", by_copy, EXDEV, EXDEV, nullptr},
    {"splice and tee", by_tee, EACCES, EACCES, "read"},
    {"a shared mapping", by_shared_map, ENODEV, ENODEV, nullptr},
    {"readahead, then read", after_readahead, EACCES, 0, "read"},
    {"O_DIRECT", unbuffered, EACCES, 0, "read"},
    {"io_uring", by_ring, EACCES, 0, "read"},
    {"io_uring's splice", by_ring_splice, EACCES, EACCES, "read"},
    {"execution", as_program, EACCES, EACCES, nullptr},
};

// A descriptor of Alice's in this process, which has read nothing by it.
struct Held {
    explicit Held(const std::filesystem::path& path)
        : alice({[path] { return open_as(kAlice, path); }}), fd(take_descriptor(alice.pid(), alice.act(0))) {
        REQUIRE(fd >= 0);
    }
    ~Held() { close(fd); }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;
    Puppet alice;
    int fd;
};

}  // namespace

TEST_CASE(
    "no odd way of reading gives an inheritor the value, and each gives the owner it or a clean error") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Held held(mounted.path(kKey));
    if (as(kAlice, [] { return Ring().usable() ? Outcome{} : failed(ENOSYS); }).error != 0)
        leave_out("io_uring is not to be had here");
    for (const Way& way : kWays) {
        INFO(way.name);
        Attack attack = attack_as(kBob, [&] { return way.take(held.fd); });
        if (attack.seen.error == ENOSYS) continue;
        if (way.take == by_ring_splice) attack.tid = 0;  // a worker of the ring does it
        CHECK(attack.seen == Outcome{way.to_stranger, {}});
        if (way.operation) check_foiled(mounted, attack, way.to_stranger, way.operation);
        const Outcome own = as(kAlice, [&] { return way.take(held.fd); });
        CHECK(own.error == way.to_owner);
        if (own.good()) CHECK((!own.text.empty() && kValue.find(own.text) != std::string::npos));
    }
    CHECK(as(kBob, [&] { return read_from_start(held.fd); }).error == EACCES);
    CHECK(as(kAlice, [&] { return read_from_start(held.fd); }).text == kValue);
    held.alice.kill();
    end(mounted);
}

// The kernel then acts under Alice's ids in Bob's thread: the request's ids are not the thread's own.
TEST_CASE("an io_uring that carries the credentials of an allowed process reads nothing for another") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    const std::string key = mounted.path(kKey);
    Held held(key);
    Attack attack = attack_as(kRoot, [&] {
        if (setresgid(kAlice.gid, kAlice.gid, 0) != 0 || setresuid(kAlice.uid, kAlice.uid, 0) != 0)
            return failed();
        Ring ring;
        const int lent = ring.usable() ? ring.lend_credentials() : -1;
        if (lent < 0) return failed(ENOSYS);
        if (setresuid(0, 0, 0) != 0 || !become(kBob)) return failed();
        auto with = [&](io_uring_sqe request) {
            request.personality = static_cast<std::uint16_t>(lent);
            return ring.run(request);
        };
        char buffer[kRoom];
        const int read_answer = with(Ring::read_request(held.fd, buffer, kRoom));
        const int open_answer = with(Ring::open_request(key.c_str()));
        return Outcome{0, concat(read_answer, ' ', open_answer)};
    });
    if (attack.seen.error == ENOSYS) return leave_out("io_uring is not to be had here");
    CHECK(attack.seen.text == concat(-EACCES, ' ', -ENOENT));
    // On record as what the thread is, not as whom the request claims. The opening is done by a worker of the
    // ring.
    INFO(mounted.audit());
    for (const char* operation : {"read", "lookup"})
        CHECK(count_records(mounted.audit(), [&](const AuditRecord& one) {
                  return one.decision == "deny" && one.operation == operation && one.path == kKey &&
                         one.tid != 0 && one.tgid != 0 && one.uid == kBob.uid &&
                         one.reason.find(concat("has uid ", kBob.uid)) != std::string::npos;
              }) == 1);
    held.alice.kill();
    end(mounted);
}

TEST_CASE("a file handle opens for root no more than the name does") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Held held(mounted.path(kKey));
    Attack attack = attack_as(kRoot, [&] {
        FileHandle handle;
        int mount_id = 0;
        if (name_to_handle_at(held.fd, "", handle.get(), &mount_id, AT_EMPTY_PATH) != 0)
            return failed(ENOMSG);
        const int root = open(mounted.mount().c_str(), O_RDONLY | O_DIRECTORY);
        const int fd = open_by_handle_at(root, handle.get(), O_RDONLY);
        return fd < 0 ? failed() : read_all(fd);
    });
    check_foiled(mounted, attack, ENOENT, "open");
    held.alice.kill();
    end(mounted);
}

TEST_CASE("an inheritor's questions about the file itself find nothing") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Held held(mounted.path(kKey));
    struct stat status {};
    CHECK(as(kBob, [&] { return errno_of([&] { return fstat(held.fd, &status); }); }).error == ENOENT);
    CHECK(as(kBob, [&] { return errno_of([&] { return lseek(held.fd, 0, SEEK_END); }); }).error == ENOENT);
    CHECK(as(kBob, [&] { return errno_of([&] { return lseek(held.fd, 0, SEEK_DATA); }); }).error == ENOENT);
    held.alice.kill();
    end(mounted);
}

// The kernel keeps the size that the owner's look-up has told it, and asks nobody.
TEST_CASE("known limit: whoever holds a descriptor can learn the length of the value") {
    MountedStore mounted(alice_alone());
    start_attacked(mounted);
    Held held(mounted.path(kKey));
    const Outcome length = as(kBob, [&] {
        int left = -1;
        return ioctl(held.fd, FIONREAD, &left) == 0 ? Outcome{0, concat(left)} : failed();
    });
    CHECK(length == Outcome{0, concat(kValue.size())});
    auto kept = [&](int flags) {
        return as(kBob, [&] {
            struct statx out {};
            if (statx(held.fd, "", AT_EMPTY_PATH | flags, STATX_SIZE, &out) != 0) return failed();
            return Outcome{0, concat(out.stx_size)};
        });
    };
    CHECK(kept(AT_STATX_DONT_SYNC) == length);
    // So the daemon hides nothing by asking who it is that reads past the end.
    auto byte_at = [&](std::size_t offset) {
        return as(kBob, [&] {
            char byte = 0;
            return errno_of([&] { return pread(held.fd, &byte, 1, static_cast<off_t>(offset)); });
        });
    };
    CHECK(byte_at(kValue.size() - 1).error == EACCES);
    CHECK(byte_at(kValue.size()).error == 0);
    held.alice.kill();
    end(mounted);
}
