// SPDX-License-Identifier: Apache-2.0
#include "access/advice/interpreter.h"

#include <algorithm>
#include <iterator>

namespace coffer {

bool is_interpreter(std::string_view path) {
    constexpr std::string_view kNames[] = {
        "sh",   "bash",    "dash",   "zsh",   "ksh",   "mksh", "fish",  "tcsh",    "csh",
        "ash",  "busybox", "toybox", "env",   "perl",  "ruby", "node",  "nodejs",  "deno",
        "bun",  "php",     "java",   "lua",   "tclsh", "wish", "guile", "awk",     "gawk",
        "mawk", "Rscript", "R",      "julia", "pwsh",  "irb",  "erl",   "beam.smp"};
    std::string_view name = path.substr(path.rfind('/') + 1);
    // "python3.11", "perl5.36": a version belongs to no name.
    std::string_view stem = name.substr(0, name.find_last_not_of("0123456789.-") + 1);
    if (stem.ends_with("-cgi") || stem.ends_with("-cli")) stem.remove_suffix(4);
    return stem.starts_with("python") || stem.starts_with("pypy") || stem.starts_with("ld-linux") ||
           std::ranges::find(kNames, name) != std::end(kNames) ||
           std::ranges::find(kNames, stem) != std::end(kNames);
}

}  // namespace coffer
