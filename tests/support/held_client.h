// SPDX-License-Identifier: Apache-2.0
//
// A client in two steps, before and after a change that the test makes meanwhile: of the daemon, a secret,
// the policy. The child holds what it has opened over the change.
#pragma once

#include "support/catch.h"
#include "support/client.h"

namespace coffer::test {

// `before` gives a descriptor, `after` is the outcome of what is done with it.
template <class Before, class After, class Change>
Outcome across(const Who& who, Before before, After after, Change change) {
    int ready[2], go[2];
    REQUIRE(pipe2(ready, O_CLOEXEC) == 0);
    REQUIRE(pipe2(go, O_CLOEXEC) == 0);
    int out[2];
    REQUIRE(pipe2(out, O_CLOEXEC) == 0);
    const pid_t child = fork();
    if (child == 0) {
        close(out[0]);
        if (!become(who)) report(out[1], failed());
        const int fd = before();
        char byte = fd >= 0 ? 'y' : 'n';
        (void)!write(ready[1], &byte, 1);
        (void)!read(go[0], &byte, 1);
        report(out[1], after(fd));
    }
    close(out[1]);
    char byte = 0;
    REQUIRE(read(ready[0], &byte, 1) == 1);
    CHECK(byte == 'y');
    change();
    REQUIRE(write(go[1], "g", 1) == 1);
    Outcome seen = collect(out[0], child);
    for (int fd : {ready[0], ready[1], go[0], go[1], out[0]}) close(fd);
    return seen;
}

}  // namespace coffer::test
