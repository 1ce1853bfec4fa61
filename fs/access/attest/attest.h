// SPDX-License-Identifier: Apache-2.0
//
// Attestor: from the thread id of a request to the process behind it, without races.
//
// While a synchronous request waits for its reply its thread can neither exit, be reused nor change what it
// runs (a sibling's exec waits for it), so facts that are gathered before the reply belong to the caller.
// What has been gathered once is kept, per process, with a pidfd and a directory descriptor on /proc/TGID; a
// later request is checked against it (ids, cgroup id and executable, 2.5 us for the same thread, 3.6 us for
// another thread of the process) and attested anew on any difference. Some facts take another read in /proc;
// they are compared where the policy makes something of them. docs/design.md, "Who is the caller".
//
// Thread-safe: any number of requests at once; no lock is held across a system call.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <memory>

#include "access/attest/caller.h"
#include "base/descriptor.h"
#include "base/result.h"

namespace coffer {

// One process as attested at one moment, with the descriptors that hold it. Two requests that get the same
// object come from the same process with nothing changed in between.
class Attested {
  public:
    virtual ~Attested() = default;
    [[nodiscard]] const Caller& caller() const { return caller_; }
    // The file that it runs, to be read; empty when it may not be read or is not that of caller().exe any
    // more.
    [[nodiscard]] virtual Descriptor open_exe() const = 0;

  protected:
    Caller caller_;  // set before it is shared, never changed after
};

enum class AttestMethod : std::uint8_t {
    automatic,  // pidfd where the kernel has PIDFD_THREAD and PIDFD_GET_INFO (6.13), else procfs
    pidfd,
    procfs,
};

// Facts that attest() need not notice a change of, for each takes a read in /proc. Bits.
enum class Facts : std::uint8_t {
    none = 0,
    place = 1,   // unit, slice and cgroup, where the cgroup id does not tell them (hybrid hierarchies): 4 us
    status = 2,  // supplementary groups and tracer: 12 us
    // The tracer, unless this thread's status was read within the last 10 ms. A tracer can change the process
    // and go before any look, so nothing is lost by the 10 ms, and a busy reader is spared the 12 us.
    tracer = 4,
    all = 7,
};
[[nodiscard]] constexpr Facts operator|(Facts a, Facts b) {
    return static_cast<Facts>(static_cast<unsigned>(a) | static_cast<unsigned>(b));
}
[[nodiscard]] constexpr bool has(Facts set, Facts one) {
    return (static_cast<unsigned>(set) & static_cast<unsigned>(one)) != 0;
}

class Attestor {
  public:
    // Keeps at most `processes` processes and as many threads; the least recently used goes first.
    // Code::failed when `method` is pidfd and the kernel does not have it.
    [[nodiscard]] static Result<std::unique_ptr<Attestor>> create(AttestMethod method,
                                                                  std::size_t processes = 4096);
    virtual ~Attestor() = default;

    // `tid`, `fsuid` and `fsgid` as the request names them. Code::not_allowed with a reason for tid 0 (a
    // caller outside this pid namespace), a process that is gone, or ids that differ from the request's.
    [[nodiscard]] virtual Result<std::shared_ptr<const Attested>> attest(pid_t tid, uid_t fsuid,
                                                                         gid_t fsgid) = 0;
    // `found` is what attest() has answered for the same waiting request: the same again where these facts
    // hold still, else attested anew. For what a Decision rests on: attest() alone notices a change of them
    // only when something else changes as well, and a process can leave a group or be moved to another cgroup
    // and keep its ids.
    [[nodiscard]] virtual Result<std::shared_ptr<const Attested>> look_closer(
        std::shared_ptr<const Attested> found, pid_t tid, uid_t fsuid, gid_t fsgid, Facts facts) = 0;
    // Whoever the thread belongs to, by the ids that it has: for a record or an explanation, never for a
    // decision about a request.
    [[nodiscard]] Result<std::shared_ptr<const Attested>> attest_thread(pid_t tid);
    [[nodiscard]] virtual AttestMethod method() const = 0;  // the one in use: pidfd or procfs
};

}  // namespace coffer
