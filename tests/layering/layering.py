#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The rules of the source tree that no compiler checks: who may include whom, and which file alone may speak to a library.

    layering.py FOLDER       checks the checkout at FOLDER; prints path:line: message for each breach, exit status 1
    layering.py --self-test  checks that each rule finds what it is for

docs/design.md, "Source layout", gives the reasons.
"""
import re
import sys
from pathlib import Path

ROOTS = ("store", "fs", "tools", "tests", "bench")
MAX_LINES = 600

# For each room of the sources: the rooms that it may include, itself aside. The longest matching prefix counts.
ROOMS = {
    "store/base": (),
    "store/names": ("store/base",),
    "store/confinement": ("store/base",),
    "store/sqlite": ("store/base", "store/names"),
    "store/keys": ("store/base", "store/names"),
    "store/log": ("store/base", "store/names", "store/sqlite", "store/keys"),
    "store/view": ("store/base", "store/names", "store/sqlite", "store/keys", "store/log"),
    "store/change": ("store/base", "store/names", "store/keys", "store/log", "store/view"),
    "store/service": ("store/base", "store/names", "store/keys", "store/log", "store/view", "store/confinement"),
    "store": (),
    "fs/access/config": ("store",),
    "fs/access/attest": ("store",),
    "fs/access/template": ("store",),
    "fs/access/policy": ("store", "fs/access/config", "fs/access/attest"),
    "fs/access/audit": ("store", "fs/access/attest"),
    "fs/access/advice": ("store", "fs/access/config", "fs/access/attest", "fs/access/policy", "fs/access/audit"),
    "fs/access": (),
    "fs/serve": ("store", "fs/access", "fs/hold"),
    "fs/hold": ("store/base", "store/confinement"),
    "tools": ("store", "fs/access"),
    "bench": ("store", "fs/access", "fs/serve"),
    "tests": ("store", "fs", "tools"),
}
# Where a quoted include is looked for, as the targets have it: beside the file, then on the include path.
INCLUDE_PATH = ("store", "fs", "tools", "tests")

# Header, what may include it (a full match of the path), and how many files of the product may at most.
LIBRARIES = (
    (r"sodium(\.h|/.*)", r"store/keys/\w+\.cc|tests/memory/key_needles\.h", None),
    (r"sqlite3\w*\.h", r"store/sqlite/database\.cc", 1),
    (r"seccomp\.h", r"store/confinement/system_call_filter\.cc|tests/hardening/filter_test\.cc", None),
    (r"linux/landlock\.h", r"store/confinement/landlock_domain\.cc", 1),
    (r"toml\+\+/.*|toml\.hpp", r"fs/access/config/\w+\.cc", 1),
    (r"fuse\.h|fuse_\w+\.h|fuse3?/.*", r"fs/serve/\w+\.(cc|h)|bench/\w+\.cc|tests/support/\w+\.h", 2),
    (r"CLI/.*", r"tools/(main|input/option_set)\.cc|tests/tool/\w+\.cc|fs/serve/cofferd\.cc|(fs/hold|store/service)/coffer_\w+\.cc|bench/\w+\.cc", None),
    (r"nlohmann/.*", r"(fs|tools|tests)/.*", None),
    (r"spdlog/.*", r"fs/(serve|hold)/\w+\.(cc|h)", None),
    (r"systemd/.*", r"fs/.*", None),
    (r"catch2/.*", r"tests/support/catch\.h", 1),
)
VAGUE_NAMES = re.compile(r"(^|_)(utils?|common|helpers?|manager|misc)(_|$)")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
THROW = re.compile(r"\bthrow\b")


def room_of(path: str) -> str:
    rooms = [room for room in ROOMS if path.startswith(room + "/")]
    return max(rooms, key=len, default="")


def find_header(name: str, includer: str, files: dict[str, str]) -> str | None:
    beside = str(Path(includer).parent / name)
    return next((path for path in (beside, *(f"{root}/{name}" for root in INCLUDE_PATH)) if path in files), None)


def may_include(room: str, other: str) -> bool:
    return other == room or any(other == allowed or other.startswith(allowed + "/") for allowed in ROOMS[room])


def check_include(path: str, quote: str, name: str, files: dict[str, str]):
    if quote == '"':
        header = find_header(name, path, files)
        if header is None:
            yield f'"{name}" is no header of the project; a library\'s goes between angle brackets'
        elif not may_include(room_of(path), room_of(header)):
            yield f"{room_of(path)} may not include {room_of(header)} ({name})"
        return
    for header, allowed, _ in LIBRARIES:
        if re.fullmatch(header, name) and not re.fullmatch(allowed, path):
            yield f"<{name}> may only be included by {allowed}"


def check_text(path: str, text: str):
    lines = text.splitlines()
    if not lines or lines[0] != "// SPDX-License-Identifier: Apache-2.0":
        yield 1, "the first line has to be // SPDX-License-Identifier: Apache-2.0"
    if len(lines) > MAX_LINES:
        yield len(lines), f"{len(lines)} lines; past {MAX_LINES} a file wants a second noun"
    if path.endswith(".h") and "#pragma once" not in lines:
        yield 1, "a header without #pragma once"
    if VAGUE_NAMES.search(Path(path).stem):
        yield 1, "name the file for the noun that it holds"
    for number, line in enumerate(lines, 1):
        if not path.startswith(("tests/", "bench/")) and THROW.search(line.split("//")[0]):
            yield number, "nothing of ours throws: return a Result"


def check(files: dict[str, str]) -> list[str]:
    breaches = []
    users: dict[str, list[str]] = {header: [] for header, _, _ in LIBRARIES}
    for path, text in sorted(files.items()):
        if room_of(path) in ("", "store", "fs/access"):
            breaches.append(f"{path}:1: belongs into a room: {', '.join(ROOMS)}")
            continue
        breaches += [f"{path}:{number}: {message}" for number, message in check_text(path, text)]
        for number, line in enumerate(text.splitlines(), 1):
            if not (match := INCLUDE.match(line)):
                continue
            breaches += [f"{path}:{number}: {message}" for message in check_include(path, *match.groups(), files)]
            for header in users:
                if match[1] == "<" and re.fullmatch(header, match[2]) and path not in users[header]:
                    users[header].append(path)
    for header, _, limit in LIBRARIES:
        product = [path for path in users[header] if not path.startswith(("bench/", "tests/"))]
        if limit is not None and len(product) > limit:
            breaches.append(f"{product[-1]}:1: {header} is included by {len(product)} files, at most {limit} may: {product}")
    return breaches


def read(folder: Path) -> dict[str, str]:
    paths = [path for root in ROOTS for path in (folder / root).rglob("*") if path.suffix in (".cc", ".h")]
    return {str(path.relative_to(folder)): path.read_text(encoding="utf-8") for path in paths}


def self_test() -> list[str]:
    top = "// SPDX-License-Identifier: Apache-2.0\n"
    header = top + "#pragma once\n"
    good = {
        "store/base/bytes.h": header,
        "store/keys/seal.h": header + '#include "base/bytes.h"\n',
        "store/keys/seal.cc": top + '#include "keys/seal.h"\n#include <sodium.h>\n',
        "store/log/commit.h": header + '#include "keys/seal.h"\n',
        "store/sqlite/database.cc": top + "#include <sqlite3.h>\n",
        "fs/access/policy/policy.h": header + '#include "keys/seal.h"\n',
        "fs/access/config/document.cc": top + "#include <toml++/toml.h>\n",
        "fs/serve/session.cc": top + '#include <fuse3/fuse_lowlevel.h>\n#include "access/policy/policy.h"\n',
        "fs/serve/fuse_ops.cc": top + "#include <fuse3/fuse_lowlevel.h>\n",
        "store/service/coffer_stored.cc": top + '#include <CLI/CLI.hpp>\n#include "keys/seal.h"\n',
        "tools/main.cc": top + "#include <CLI/CLI.hpp>\n",
        "tools/verbs/set.cc": top + '#include "access/policy/policy.h"\n// throw nothing\n',
        "bench/null_fs.cc": top + "#include <fuse3/fuse_lowlevel.h>\n",
        "tests/unit/x.cc": top + '#include "keys/seal.h"\nvoid f() { throw 1; }\n',
    }
    # One change to the good tree, and words of the breach that it has to give.
    bad = [
        ({"store/base/b.cc": top + '#include "keys/seal.h"\n'}, "store/base may not include store/keys"),
        ({"store/keys/b.cc": top + '#include "log/commit.h"\n'}, "store/keys may not include store/log"),
        ({"store/view/b.cc": top + '#include "access/policy/policy.h"\n'}, "store/view may not include fs/access/policy"),
        ({"store/log/b.cc": top + '#include "service/s.h"\n', "store/service/s.h": header}, "may not include store/service"),
        ({"store/service/b.cc": top + '#include "change/c.h"\n', "store/change/c.h": header}, "may not include store/change"),
        ({"store/service/b.cc": top + "#include <CLI/CLI.hpp>\n"}, "<CLI/CLI.hpp> may only"),
        ({"fs/access/audit/b.cc": top + '#include "serve/s.h"\n', "fs/serve/s.h": header}, "may not include fs/serve"),
        ({"tools/b.cc": top + '#include "serve/s.h"\n', "fs/serve/s.h": header}, "tools may not include fs/serve"),
        ({"fs/serve/b.cc": top + '#include "nowhere.h"\n'}, "is no header of the project"),
        ({"store/log/b.cc": top + "#include <sodium.h>\n"}, "<sodium.h> may only"),
        ({"store/log/b.cc": top + "#include <sqlite3.h>\n"}, "<sqlite3.h> may only"),
        ({"store/service/b.cc": top + "#include <seccomp.h>\n"}, "<seccomp.h> may only"),
        ({"fs/access/config/b.cc": top + "#include <toml++/toml.h>\n"}, "is included by 2 files"),
        ({"fs/serve/b.cc": top + "#include <fuse3/fuse_lowlevel.h>\n"}, "is included by 3 files"),
        ({"tools/b.cc": top + "#include <fuse_lowlevel.h>\n"}, "<fuse_lowlevel.h> may only"),
        ({"fs/access/audit/b.cc": top + "#include <CLI/CLI.hpp>\n"}, "<CLI/CLI.hpp> may only"),
        ({"tools/verbs/b.cc": top + "#include <CLI/CLI.hpp>\n"}, "<CLI/CLI.hpp> may only"),
        ({"store/view/b.cc": top + "#include <nlohmann/json.hpp>\n"}, "<nlohmann/json.hpp> may only"),
        ({"tests/unit/b.cc": top + "#include <catch2/catch.hpp>\n"}, "<catch2/catch.hpp> may only"),
        ({"fs/serve/b.cc": "int x;\n"}, "the first line has to be"),
        ({"fs/serve/b.cc": top + "\n" * MAX_LINES}, "past 600"),
        ({"fs/serve/b.h": top}, "without #pragma once"),
        ({"fs/serve/string_utils.cc": top}, "name the file for the noun"),
        ({"fs/serve/b.cc": top + "void f() { throw 1; }\n"}, "nothing of ours throws"),
        ({"fs/access/attest/b.cc": top + '#include "access/policy/policy.h"\n'}, "may not include fs/access/policy"),
        ({"fs/access/template/b.cc": top + '#include "access/policy/policy.h"\n'}, "may not include fs/access/policy"),
        ({"store/b.cc": top}, "belongs into a room"),
        ({"fs/access/b.cc": top}, "belongs into a room"),
        ({"fs/b.cc": top}, "belongs into a room"),
    ]
    problems = [f"the good tree: {breach}" for breach in check(good)]
    for change, words in bad:
        breaches = check(good | change)
        if not any(words in breach for breach in breaches):
            problems.append(f"{list(change)} did not give \"{words}\" but {breaches}")
    return problems


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    if sys.argv[1] == "--self-test":
        breaches = self_test()
    else:
        files = read(Path(sys.argv[1]))
        breaches = check(files) if files else [f"{sys.argv[1]}: no sources there"]
    print(*breaches, sep="\n", end="\n" if breaches else "")
    return 1 if breaches else 0


sys.exit(main())
