#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How the built programs are hardened, read from the programs themselves, and what they link, compared with the record.

    check_programs.py THIRD-PARTY.md PROGRAM...    prints what is wrong; exit status 1
    check_programs.py --self-test COMPILER         makes programs that have none of it, and looks that each check says so
"""
import os
import platform
import re
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

# What each translation unit of ours has to be compiled with; g++ writes its options into the debug information.
FLAGS = ("-fstack-protector-strong", "-fstack-clash-protection", "-fcf-protection=full", "-fPI", "-O2")
ENDBR64 = bytes.fromhex("f30f1efa")


def readelf(*arguments: str) -> str:
    return subprocess.run(("readelf", "--wide", *arguments), check=True, capture_output=True, text=True,
                          env=os.environ | {"LC_ALL": "C"}).stdout


class Program:
    def __init__(self, path: str):
        self.path, self.name = path, Path(path).name
        self.header = readelf("--file-header", path)
        self.segments = readelf("--program-headers", path)
        self.dynamic = readelf("--dynamic", path)
        self.imports = set(re.findall(r"\bUND\s+(\w+)", readelf("--dyn-syms", path)))
        self.needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", self.dynamic))

    def segment(self, kind: str) -> list[str]:
        """The flags of the segments of that kind, such as "RW"."""
        return [flags.replace(" ", "") for flags in
                re.findall(rf"^\s+{kind}\s+(?:0x\w+\s+){{5}}([RWE ]{{3}})\s", self.segments, re.MULTILINE)]


def has_pie(program: Program) -> bool:
    return "DYN" in program.header and "PIE" in program.dynamic and "INTERP" in program.segments


def has_full_relro(program: Program) -> bool:
    return bool(program.segment("GNU_RELRO")) and re.search(r"\(FLAGS_1\).*\bNOW\b", program.dynamic) is not None


def has_plain_stack(program: Program) -> bool:
    return program.segment("GNU_STACK") == ["RW"]


def has_no_writable_code(program: Program) -> bool:
    loads = program.segment("LOAD")
    return len(loads) >= 3 and not any("W" in flags and "E" in flags for flags in loads)


def has_canaries(program: Program) -> bool:
    return "__stack_chk_fail" in program.imports


def is_fortified(program: Program) -> bool:
    return any(re.fullmatch(r"__\w+_chk", name) for name in program.imports)


def has_no_text_relocations(program: Program) -> bool:
    return "TEXTREL" not in program.dynamic


def has_no_search_path(program: Program) -> bool:
    return not re.search(r"\((RPATH|RUNPATH)\)", program.dynamic)


def has_no_special_mode(program: Program) -> bool:
    mode = os.stat(program.path).st_mode
    return not mode & (stat.S_ISUID | stat.S_ISGID | stat.S_IWGRP | stat.S_IWOTH)


def begins_with_landing_pads(program: Program) -> bool:
    """CET: a function that can be reached indirectly begins with ENDBR64. The note that would switch it on is missing,
    since the start-up files of Debian 12's C library were compiled without it."""
    if platform.machine() != "x86_64":
        return True
    content = Path(program.path).read_bytes()
    text = re.search(r"\.text\s+PROGBITS\s+(\w+)\s+(\w+)", readelf("--sections", program.path))
    shift = int(text[1], 16) - int(text[2], 16)
    entries = re.findall(r":\s+(\w+)\s+\d+\s+FUNC\s+GLOBAL\s+\w+\s+\d+ (main|_ZN6coffer\w+)\s*$",
                         readelf("--symbols", program.path), re.MULTILINE)
    at = [int(address, 16) - shift for address, _ in entries]
    return len(at) > 20 and all(content[place:place + 4] == ENDBR64 for place in at)


def is_compiled_with_the_flags(program: Program) -> bool:
    units = re.findall(r"DW_AT_producer\s*:.*(GNU C\+\+.*)", readelf("--debug-dump=info", "--dwarf-depth=1", program.path))
    return bool(units) and all(flag in unit for unit in units for flag in FLAGS)


CHECKS = (has_pie, has_full_relro, has_plain_stack, has_no_writable_code, has_canaries, is_fortified,
          has_no_text_relocations, has_no_search_path, has_no_special_mode, begins_with_landing_pads,
          is_compiled_with_the_flags)


def rows(document: str, heading: str) -> list[list[str]]:
    part = document.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    lines = [line for line in part.splitlines() if line.startswith("|")][2:]
    return [[cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in lines]


def check_linked(document: str, program: Program):
    recorded = {row[0] for row in rows(document, "Linked") if program.name in row[4].split(", ")}
    for name in sorted(program.needed - recorded):
        yield f"links {name}, which docs/third-party.md does not give it"
    for name in sorted(recorded - program.needed):
        yield f"does not link {name}, which docs/third-party.md gives it"


def is_debian_12() -> bool:
    try:
        return 'VERSION_ID="12"' in Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return False


def check_versions(document: str):
    for row in rows(document, "Linked") + rows(document, "Compiled in"):
        asked = subprocess.run(("dpkg-query", "--show", "--showformat=${Version}", row[1]), capture_output=True, text=True)
        found = re.sub(r"^\d+:|[-+~].*$", "", asked.stdout)
        if asked.returncode != 0 or found != row[2]:
            yield f"docs/third-party.md has {row[1]} {row[2]}, this machine {found or 'none'}"


# Everything that can be left out or spoilt; the code in .text with an address in it wants a relocation there.
SPOILT = {
    "plain": ("-g -O0 -no-pie -fno-stack-protector -fno-stack-clash-protection -fcf-protection=none -U_FORTIFY_SOURCE"
              " -Wl,-z,norelro,-z,lazy,-z,execstack,-rpath,/tmp",
              'asm(".section .both,\\"awx\\",@progbits\\n.byte 0\\n.text\\n"); int main() { return 0; }'),
    "relocated": ("-g -O0 -fPIE -pie -Wl,-z,notext",
                  'int value; asm(".text\\n.quad value\\n"); int main() { return value; }'),
}


def self_test(compiler: str) -> list[str]:
    missed = set(CHECKS)
    with tempfile.TemporaryDirectory() as folder:
        for name, (flags, source) in SPOILT.items():
            path = str(Path(folder, name))
            subprocess.run((compiler, "-x", "c++", "-o", path, *flags.split(), "-"), input=source, text=True, check=True,
                           stderr=subprocess.DEVNULL)
            os.chmod(path, 0o4755)
            missed -= {check for check in CHECKS if not check(Program(path))}
    return [f"no program is spoilt enough for {check.__name__}" for check in CHECKS if check in missed]


def main() -> int:
    if len(sys.argv) == 3 and sys.argv[1] == "--self-test":
        problems = self_test(sys.argv[2])
        print(*problems, sep="\n", end="\n" if problems else "")
        return 1 if problems else 0
    if len(sys.argv) < 3:
        print(__doc__, file=sys.stderr)
        return 2
    document = Path(sys.argv[1]).read_text(encoding="utf-8")
    programs = [Program(path) for path in sys.argv[2:]]
    wrong, held = [], 0
    for program in programs:
        failed = [check.__name__ for check in CHECKS if not check(program)]
        held += len(CHECKS) - len(failed)
        wrong += [f"{program.name}: not: {name}" for name in failed]
        wrong += [f"{program.name} {problem}" for problem in check_linked(document, program)]
    if is_debian_12():
        wrong += check_versions(document)
    else:
        print("SKIPPED: the versions of docs/third-party.md are those of Debian 12")
    linked = {name for program in programs for name in program.needed}
    print(f"FIGURE: hardening: properties of the built programs: {held} of {len(CHECKS) * len(programs)} hold,"
          f" {len(CHECKS)} for each of {len(programs)}")
    print(f"FIGURE: hardening: shared libraries: {len(linked)}, each with its reason on record")
    print(*wrong, sep="\n", end="\n" if wrong else "")
    return 1 if wrong else 0


sys.exit(main())
