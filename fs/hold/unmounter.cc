// SPDX-License-Identifier: Apache-2.0
#include "hold/unmounter.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <utility>

#include "base/child.h"
#include "base/mount_table.h"
#include "hold/dead_mount.h"

namespace coffer {
namespace {

// Its signals are those that its maker has blocked: what a service manager sends to all of a unit is the
// maker's to take, who then says the word.
[[noreturn]] void wait_for_word(const Descriptor& maker, const std::filesystem::path& mount) {
    char word = 0;
    ssize_t got = -1;
    while ((got = ::read(maker.get(), &word, 1)) < 0 && errno == EINTR) {
    }
    if (got != 1) _exit(0);
    auto mounted = find_mount(mount);
    _exit(mounted && (!*mounted || unmount_as_user(mount)) ? 0 : 1);
}

}  // namespace

Result<Unmounter> Unmounter::start(const std::filesystem::path& mount) {
    std::array<int, 2> ends{};
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0)
        return fail(Code::failed, "socketpair: ", errno_text());
    Descriptor own(ends[0]), childs(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) return fail(Code::failed, "fork: ", errno_text());
    if (child > 0) return Unmounter(std::move(own), child);
    own.reset();  // or this child would wait for itself
    wait_for_word(childs, mount);
}

Unmounter::Unmounter(Unmounter&& other) noexcept
    : word_(std::move(other.word_)), child_(std::exchange(other.child_, -1)) {}

Unmounter::~Unmounter() {
    (void)end();
}

int Unmounter::end() {
    word_.reset();
    return child_ < 0 ? 0 : wait_for_end(std::exchange(child_, -1));
}

Result<void> Unmounter::unmount() {
    if (::send(word_.get(), "u", 1, MSG_NOSIGNAL) != 1)
        return fail(Code::failed, "telling the unmounter: ", errno_text());
    if (end() == 0) return {};
    return fail(Code::failed, "the mount stays; its reason is above. Take it off with `cofferd --unmount`");
}

}  // namespace coffer
