// SPDX-License-Identifier: Apache-2.0
//
// forge PROGRAM namespace|child FILE: shows itself as PROGRAM, then prints FILE, or "errno N". In a user
// namespace of its own, or with the help of a child in one. A program of its own because it replaces its own
// mappings, which a sanitizer does not survive.
#include <fcntl.h>

#include <cstdio>
#include <cstring>

#include "forged_program.h"

namespace {

int give_up(int error) {
    std::printf("errno %d", error);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace coffer::test;
    if (argc != 4) return 2;
    const int program = open(argv[1], O_RDONLY | O_CLOEXEC);
    ProgramClaim claim(program);
    if (program < 0 || !leave_own_program()) return give_up(1000);
    int error = 0;
    if (std::strcmp(argv[2], "namespace") == 0)
        error = unshare(CLONE_NEWUSER) == 0 ? claim.make() : errno;
    else
        error = claim_through_child(claim);
    if (error != 0) return give_up(2000 + error);
    if (std::filesystem::read_symlink("/proc/self/exe") != argv[1]) return give_up(3000);
    const int file = open(argv[3], O_RDONLY | O_CLOEXEC);
    char buffer[4096];
    ssize_t size = file < 0 ? -1 : read(file, buffer, sizeof buffer);
    if (size < 0) return give_up(errno);
    std::fwrite(buffer, 1, static_cast<std::size_t>(size), stdout);
    return 0;
}
