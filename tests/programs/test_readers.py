# SPDX-License-Identifier: Apache-2.0
"""The ways in which programs read: whole, by line, by byte, by size, by mmap, and what a shell opened for them."""
import hashlib
import signal

from program_case import ProgramCase
from users import ADA, BEN

RULES = """
[[rule]]
name    = "any program of USER"
secrets = ["acme/USER/test/LINES", "acme/USER/test/LARGE"]
user    = "USER"

[[rule]]
name    = "any program of USER, also by mmap"
secrets = "acme/USER/test/CACHED"
user    = "USER"
cached  = true

[[rule]]
name    = "what the shell of USER opens is for the shell"
secrets = "acme/USER/test/SHELL"
user    = "USER"
exe     = "/usr/bin/dash"

[[rule]]
name    = "what the shell of USER opens is also for whom it starts"
secrets = "acme/USER/test/SHELL_INHERIT"
user    = "USER"
exe     = "/usr/bin/dash"
inherit = true
"""
LINES = b"first=1\nsecond=two words\nthird=\xc3\xbc\n"
LARGE = b"".join(b"%06d and so on, line for line\n" % number for number in range(4000))
PYTHON = "import hashlib, mmap, os, sys; path = sys.argv[1]; "
NODE = "const fs = require('fs'), hash = require('crypto').createHash('sha256'), path = process.argv[1]; "
PIPE = ["bash", "-euo", "pipefail", "-c"]
# Each prints the SHA-256 of what it read, and fails when it did not read.
WAYS = {
    "python, whole": ["python3", "-c", PYTHON + "print(hashlib.sha256(open(path, 'rb').read()).hexdigest())"],
    "python, by line": ["python3", "-c", PYTHON + "h = hashlib.sha256(); [h.update(line) for line in open(path, 'rb')]; "
                        "print(h.hexdigest())"],
    "python, by byte": ["python3", "-c", PYTHON + "f = os.open(path, os.O_RDONLY); h = hashlib.sha256(); "
                        "[h.update(b) for b in iter(lambda: os.read(f, 1), b'')]; print(h.hexdigest())"],
    "python, by the size of fstat": [
        "python3", "-c", PYTHON + "f = os.open(path, os.O_RDONLY); size = os.fstat(f).st_size; data = os.read(f, size); "
        "assert len(data) == size and os.read(f, 1) == b''; print(hashlib.sha256(data).hexdigest())"],
    "python, from the end": [
        "python3", "-c", PYTHON + "f = open(path, 'rb'); size = f.seek(0, os.SEEK_END); "
        "parts = [os.pread(f.fileno(), 1, at) for at in range(size - 1, -1, -1)]; "
        "print(hashlib.sha256(b''.join(parts[::-1])).hexdigest())"],
    "python, shutil.copyfile": ["python3", "-c", PYTHON + "import shutil; shutil.copyfile(path, 'copy'); "
                                "print(hashlib.sha256(open('copy', 'rb').read()).hexdigest())"],
    "node, readFileSync": ["node", "-e", NODE + "console.log(hash.update(fs.readFileSync(path)).digest('hex'))"],
    "node, a stream": ["node", "-e", NODE + "fs.createReadStream(path).on('data', d => hash.update(d))"
                       ".on('end', () => console.log(hash.digest('hex')))"],
    "node, by byte": ["node", "-e", NODE + "const f = fs.openSync(path), b = Buffer.alloc(1); "
                      "while (fs.readSync(f, b, 0, 1)) hash.update(b); console.log(hash.digest('hex'))"],
    "node, readline": ["node", "-e", NODE + "require('readline').createInterface({input: fs.createReadStream(path)})"
                       ".on('line', l => hash.update(l + '\\n')).on('close', () => console.log(hash.digest('hex')))"],
    "sh, whole": ["sh", "-ec", 'text=$(cat "$1"); printf "%s\\n" "$text" | sha256sum', "sh"],
    "sh, by line": ["sh", "-ec", 'while IFS= read -r line; do printf "%s\\n" "$line"; done <"$1" >copy; '
                    "sha256sum copy", "sh"],
    "bash, whole": ["bash", "-ec", 'text=$(<"$1"); printf "%s\\n" "$text" | sha256sum', "bash"],
    "bash, by line": ["bash", "-ec", 'mapfile -t lines <"$1"; printf "%s\\n" "${lines[@]}" | sha256sum', "bash"],
    "bash, by byte": ["bash", "-ec", 'LC_ALL=C; while IFS= read -r -n 1 -d "" byte; do printf %s "$byte"; done <"$1" >copy; '
                      "sha256sum copy", "bash"],
    "cat": [*PIPE, 'cat "$1" >copy; sha256sum copy', "bash"],
    "cp": [*PIPE, 'rm -f copy; cp "$1" copy; sha256sum copy', "bash"],
    "install": [*PIPE, 'install -m 0600 "$1" copy; sha256sum copy', "bash"],
    "dd": [*PIPE, 'dd if="$1" bs=1 status=none | sha256sum', "bash"],
    "tail and head": [*PIPE, '(head -n 1 "$1"; tail -n +2 "$1") | sha256sum', "bash"],
    "tail -c": [*PIPE, 'tail -c 1000000 "$1" | sha256sum', "bash"],
    "tar": [*PIPE, 'tar -C "${1%/*}" -c -f - "${1##*/}" | tar -x -O -f - | sha256sum', "bash"],
    "grep": [*PIPE, 'grep -a "" "$1" | sha256sum', "bash"],
    "sort": [*PIPE, 'sort -s -k 1,1.0 "$1" | sha256sum', "bash"],
    "base64": [*PIPE, 'base64 "$1" | base64 -d | sha256sum', "bash"],
    "perl": ["perl", "-MDigest::SHA", "-e", 'print Digest::SHA->new(256)->addfile($ARGV[0])->hexdigest'],
    "openssl": ["openssl", "dgst", "-r", "-sha256"],
}
BY_BYTE = ("by byte", "dd", "from the end")
MMAP = ["python3", "-c", PYTHON + "f = os.open(path, os.O_RDONLY); flags = getattr(mmap, sys.argv[2]); "
        "m = mmap.mmap(f, 0, flags=flags, prot=mmap.PROT_READ); print(hashlib.sha256(m).hexdigest())"]


class Readers(ProgramCase):
    programs = ("python3", "node", "sh", "bash", "perl", "openssl", "git")
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        return {"LINES": LINES, "LARGE": LARGE, "CACHED": LARGE, "SHELL": LINES, "SHELL_INHERIT": LINES}

    def test_every_way_of_reading_gives_every_byte(self):
        for way, command in WAYS.items():
            with self.subTest(way=way):
                self.each_with_its_own("LINES", lambda user, file: self.run_as(user, *command, file),
                                       shows=hashlib.sha256(LINES).hexdigest(), says="o such file")

    def test_every_way_of_reading_works_on_a_large_value(self):
        for way, command in WAYS.items():
            if not way.endswith(BY_BYTE):
                with self.subTest(way=way):
                    self.assertIn(hashlib.sha256(LARGE).hexdigest(), self.do_as(ADA, *command, ADA.file("LARGE")))

    def test_a_private_mapping_reads_a_cached_secret(self):
        self.each_with_its_own("CACHED", lambda user, file: self.run_as(user, *MMAP, file, "MAP_PRIVATE"),
                               shows=hashlib.sha256(LARGE).hexdigest(), says="No such file or directory")

    def test_a_shared_mapping_is_an_error_that_a_program_can_see(self):
        for key in ("LARGE", "CACHED"):  # a known limit: of a cached secret too
            with self.subTest(key=key):
                done = self.run_as(ADA, *MMAP, ADA.file(key), "MAP_SHARED")
                self.assertEqual(done.returncode, 1)
                self.assertIn("[Errno 19] No such device", done.stderr)

    def test_without_cached_a_private_mapping_ends_the_program(self):
        done = self.run_as(ADA, *MMAP, ADA.file("LARGE"), "MAP_PRIVATE")
        self.assertEqual(done.returncode, -signal.SIGBUS)
        self.assertEqual(done.stdout, "")

    def test_git_maps_a_large_file(self):
        wanted = hashlib.sha1(b"blob %d\0" % len(LARGE) + LARGE).hexdigest()
        self.each_with_its_own("CACHED", lambda user, file: self.run_as(user, "git", "hash-object", "--no-filters", file),
                               shows=wanted, says="No such file or directory")
        done = self.run_as(ADA, "git", "hash-object", "--no-filters", ADA.file("LARGE"))
        self.assertEqual(done.returncode, -signal.SIGBUS)

    def test_a_program_reads_what_a_shell_opened_only_where_the_rule_says_so(self):
        count = ["sh", "-c", 'wc -c <"$1"', "sh"]
        self.each_with_its_own("SHELL_INHERIT", lambda user, file: self.run_as(user, *count, file), shows=str(len(LINES)),
                               says="No such file")
        self.refused(ADA, ADA, "SHELL", lambda: self.run_as(ADA, *count, ADA.file("SHELL")), "Permission denied")
        first = self.do_as(ADA, "sh", "-c", 'read -r line <"$1"; echo "$line"', "sh", ADA.file("SHELL"))
        self.assertEqual(first, "first=1\n")

    def test_secrets_are_private_files_of_their_reader(self):
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                self.assertEqual(self.do_as(user, "stat", "-c", "%U %G %a %s", user.file("LINES")),
                                 f"{user.name} {user.name} 400 {len(LINES)}\n")
                self.assertEqual(self.do_as(user, "ls", other.file("LINES").parent), "KNOWN\n")
