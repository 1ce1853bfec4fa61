# SPDX-License-Identifier: Apache-2.0
"""import and export: what goes in, what comes out, and that a refusal changes nothing."""
import base64
import json
import os
import pty
import re
import stat
import subprocess
import unittest

from store_case import CONFLICT, DONE, FAILED, NOT_ALLOWED, NOT_FOUND, PROGRAM, UNAVAILABLE, USAGE, StoreCase

SCOPE = "acme/checkout/production"
NASTY = {"EMPTY": b"", "LINES": b"two\nlines\n", "WINDOWS": b"a\r\nb\r", "QUOTES": b"it's \"so\"", "DOLLAR": b"$HOME ${X} $(id) `id`",
         "BACKSLASH": b"C:\\new\\", "UTF8": "caf\u00e9 \U0001f600".encode(), "BYTES": bytes(range(1, 256)), "BLANK": b"  x  ",
         "HASH": b"# no comment", "LARGE": b"0123456789abcdef" * 4096 + b"'\""}
NUL = {"NUL": b"a\0b\0"}


class Import(StoreCase):
    def file(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        return path

    def tree(self, name, files):
        root = self.folder / name
        root.mkdir()
        for path, content in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(content)
        return root

    def bring_in(self, source, *arguments, scope=SCOPE, **options):
        return self.json("import", "--scope", scope, *arguments, source, **options)

    def values(self, scope=SCOPE):
        return {secret["secret"].rsplit("/", 1)[1]: self.reveal(secret["secret"]) for secret in self.json("ls", scope)}

    def nothing_changes(self, status, *arguments, says="", **options):
        before = self.revision()
        done = self.run_tool("import", *arguments, **options)
        error = done.stderr.decode()
        self.assertEqual(done.returncode, status, error)
        self.assertIn(says, error)
        self.assertEqual(done.stdout, b"")
        self.assertEqual(self.revision(), before)
        return error

    def test_a_dotenv_file_becomes_secrets(self):
        done = self.bring_in(self.file(".env", b"# mine\nexport DB=one # why\nKEY='two\nlines'\r\nC=\"x\\ny\""))
        self.assertEqual((done["new"], done["changed"], done["same"], done["commits"]), (3, 0, 0, 1))
        self.assertEqual(self.values(), {"DB": b"one", "KEY": b"two\nlines", "C": b"x\ny"})
        self.assertEqual({s["visibility"] for s in self.json("ls")}, {"masked"})

    def test_stdin_is_a_file_too(self):
        self.bring_in("-", stdin=b"A=1\n")
        self.bring_in("-", stdin=b'{"B": "2"}')
        self.assertEqual(self.values(), {"A": b"1", "B": b"2"})

    def test_every_format_gives_back_every_value(self):
        for text_format in ("dotenv", "kestra", "json", "dir", "pass"):
            with self.subTest(format=text_format):
                scope, values = f"acme/{text_format}/production", dict(NASTY)
                if text_format != "dotenv":
                    values.update(NUL)
                self.bring_in(self.tree(f"in-{text_format}", values), "--format", "dir", scope=scope)
                if text_format in ("dir", "pass"):
                    source = self.folder / f"out-{text_format}"
                    self.do("export", "--scope", scope, "--format", text_format, "--out", source)
                else:
                    source = self.file(text_format, self.run_tool("export", "--scope", scope, "--format", text_format).stdout)
                back = f"acme/{text_format}/back"
                done = self.bring_in(source, "--format", text_format, scope=back)
                self.assertEqual(done["new"], len(values))
                self.assertEqual(self.values(back), values)
                again = self.bring_in(source, "--format", text_format, scope=back)
                self.assertEqual((again["same"], again["commits"]), (len(values), 0))

    def test_a_shell_reads_an_exported_dotenv(self):
        values = {key: value for key, value in NASTY.items() if key not in ("BYTES", "WINDOWS")}
        self.bring_in(self.tree("in", values))
        text = self.file("out.env", self.run_tool("export", "--scope", SCOPE).stdout)
        for key, value in values.items():
            done = subprocess.run(["bash", "-c", f'. "$1"; printf %s "${key}"', "bash", str(text)], stdout=subprocess.PIPE, check=True, timeout=60)
            self.assertEqual(done.stdout, value, key)

    def test_kestra_is_never_guessed_from_base64_alone(self):
        file = self.file("kestra.env", b"SECRET_TOKEN=dmFsdWU=\n")
        self.nothing_changes(USAGE, "--scope", SCOPE, file, says="--format kestra")
        self.bring_in(file, "--format", "kestra")
        self.bring_in(file, "--format", "dotenv")
        self.bring_in(self.file("macro.env", b'SECRET_MACRO={{ "v" | base64encode }}\n'))
        self.assertEqual(self.values(), {"TOKEN": b"value", "SECRET_TOKEN": b"dmFsdWU=", "MACRO": b"v"})

    def test_a_kubernetes_volume_is_read_through_its_links(self):
        root = self.tree("volume", {"..2026_01_01/DB": b"one\n", "..2026_01_01/tls.key": b"two"})
        (root / "..data").symlink_to("..2026_01_01")
        for key in ("DB", "tls.key"):
            (root / key).symlink_to(f"..data/{key}")
        self.bring_in(root)
        self.assertEqual(self.values(), {"DB": b"one\n", "tls.key": b"two"})

    def test_a_link_out_of_the_folder_is_refused(self):
        outside = self.file("outside", b"hunter2")
        for target in (outside, "../outside", "sub/../../outside", "/etc/hostname", "/proc/self/environ", "none"):
            with self.subTest(target=target):
                root = self.tree(f"links-{len(list(self.folder.iterdir()))}", {"A": b"1", "sub/B": b"2"})
                (root / "LINK").symlink_to(target)
                says = "LINK: No such file" if target == "none" else "LINK is a link that leads out of the folder"
                self.nothing_changes(FAILED if target == "none" else USAGE, "--scope", SCOPE, "--rename", root, says=says)
        # The folder itself may be given as a link, and one from a folder to its neighbour leads nowhere else.
        root = self.tree("inside", {"A": b"1", "sub/B": b"2"})
        (root / "sub/C").symlink_to("../A")
        given = self.folder / "given"
        given.symlink_to(root)
        self.bring_in(given, "--rename")
        self.assertEqual(self.values(), {"A": b"1", "sub_B": b"2", "sub_C": b"1"})

    def test_a_pass_tree_is_known_by_its_marker_and_wants_its_names_changed(self):
        root = self.tree("pass", {".gpg-id": b"me\n", ".git/config": b"x", "web/db": b"hunter2\n", "mail": b"pw\nuser: me\n"})
        error = self.nothing_changes(USAGE, "--scope", SCOPE, root, says="--rename makes it web_db")
        self.assertNotIn("gpg-id", error)
        done = self.run_tool("import", "--scope", SCOPE, "--rename", root)
        self.assertEqual(done.returncode, DONE, done.stderr)
        self.assertIn(b"web/db becomes web_db", done.stderr)
        self.assertIn(b"several lines", done.stderr)
        self.assertEqual(self.values(), {"web_db": b"hunter2", "mail": b"pw\nuser: me"})
        self.nothing_changes(USAGE, "--scope", SCOPE, self.tree("locked", {".gpg-id": b"", "a.gpg": b"x"}), says="pass show")

    def test_all_invalid_names_are_told_and_nothing_is_changed(self):
        file = self.file(".env", b"A=1\nB C=2\n.D=3\n" + b"L" * 129 + b"=4\n")
        error = self.nothing_changes(USAGE, "--scope", SCOPE, file, says="--skip-invalid")
        for line in ("line 2: ", "line 3: ", "line 4: "):
            self.assertIn(line, error)
        self.nothing_changes(USAGE, "--scope", SCOPE, "--rename", file, says="line 4: ")
        self.bring_in(file, "--skip-invalid")
        self.assertEqual(self.values(), {"A": b"1"})
        self.bring_in(file, "--rename", "--skip-invalid")
        self.assertEqual(self.values(), {"A": b"1", "B_C": b"2", "_D": b"3"})

    def test_of_a_name_that_is_there_twice_the_last_value_counts(self):
        done = self.run_tool("import", "--scope", SCOPE, self.file(".env", b"A=1\nB=2\nA=3\n"))
        self.assertIn(b"warning: A stands on line 1 and again on line 3", done.stderr)
        self.assertEqual(self.values(), {"A": b"3", "B": b"2"})

    def test_what_cannot_be_read_says_where_and_changes_nothing(self):
        for content, says in ((b"A=1\nhunter2\n", "line 2: "), (b"A='hunter2\n", "line 1: "), (b'{"A": 1}', "no string"),
                              (b"A=\0hunter2", "NUL")):
            error = self.nothing_changes(USAGE, "--scope", SCOPE, self.file("bad", content), says=says)
            self.assertIn("bad", error)
            self.assertNotIn("hunter2", error)
        self.nothing_changes(NOT_FOUND, "--scope", SCOPE, self.folder / "none")
        self.nothing_changes(USAGE, "--scope", SCOPE, "--format", "dir", self.file("f", b""), says="expected a folder")
        self.nothing_changes(USAGE, "--scope", SCOPE, "--format", "json", self.folder, says="expected a file")
        self.nothing_changes(USAGE, "--scope", SCOPE, "--format", "yaml", self.folder, says="kestra")
        self.nothing_changes(USAGE, "--scope", "acme", self.folder)
        fifo = self.tree("special", {"A": b"1"})
        os.mkfifo(fifo / "B")
        self.nothing_changes(USAGE, "--scope", SCOPE, fifo, says="neither a file nor a folder")

    def test_a_value_over_the_limit_is_refused_with_all_others(self):
        large = b"x" * ((1 << 20) + 1)
        self.nothing_changes(USAGE, "--scope", SCOPE, self.file(".env", b"A=1\nB=" + large), says="line 2: ")
        self.nothing_changes(USAGE, "--scope", SCOPE, self.tree("large", {"A": b"1", "B": large}), says="1048576")
        self.bring_in(self.tree("largest", {"B": large[:-1]}))
        self.assertEqual(self.reveal(f"{SCOPE}/B"), large[:-1])

    def test_a_dry_run_says_what_is_new_changed_or_the_same(self):
        self.bring_in("-", stdin=b"SAME=1\nCHANGED=1\nGONE=1\n")
        self.do("set", f"{SCOPE}/RESTRICTED", "--visibility", "restricted", stdin=b"1")
        self.do("set", f"{SCOPE}/EXPIRES", "--expires", "30d", stdin=b"1")
        self.do("rm", "--yes", f"{SCOPE}/GONE")
        before = self.revision()
        file = self.file(".env", b"NEW=1\nSAME=1\nCHANGED=2\nGONE=1\nRESTRICTED=1\nEXPIRES=1\n")
        plan = self.json("import", "--dry-run", "--scope", SCOPE, file)
        self.assertTrue(plan["dry_run"])
        self.assertEqual([(s["secret"].rsplit("/", 1)[1], s["change"], s["version"]) for s in plan["secrets"]],
                         [("NEW", "new", 1), ("SAME", "same", 1), ("CHANGED", "changed", 2), ("GONE", "new", 3),
                          ("RESTRICTED", "unknown", 2), ("EXPIRES", "changed", 2)])
        text = self.do("import", "--dry-run", "--scope", SCOPE, file)
        self.assertIn("version 2 would be added", text)
        self.assertEqual(self.revision(), before)
        done = self.bring_in(file)
        self.assertEqual((done["new"], done["changed"], done["same"], done["commits"]), (2, 3, 1, 1))
        self.assertEqual(self.json("get", f"{SCOPE}/RESTRICTED")["version"], 2)

    def test_visibility_is_the_same_for_ever_also_here(self):
        self.bring_in("-", "--visibility", "restricted", stdin=b"A=1\n")
        self.assertEqual(self.json("get", f"{SCOPE}/A")["visibility"], "restricted")
        self.nothing_changes(USAGE, "--scope", SCOPE, "--visibility", "masked", "-", stdin=b"B=1\nA=2\n", says="for ever")
        self.bring_in("-", stdin=b"B=1\nA=2\n")
        self.assertEqual([(s["secret"][-1], s["visibility"]) for s in self.json("ls")], [("A", "restricted"), ("B", "masked")])

    def test_a_thousand_puts_make_one_commit(self):
        before = self.revision()
        done = self.bring_in("-", stdin=b"".join(b"K%04d=v%d\n" % (i, i) for i in range(2500)))
        self.assertEqual((done["new"], done["commits"], done["revision"]), (2500, 3, before + 3))
        sizes = [len(commit["operations"]) for commit in self.json("log", "-n", "3")]
        self.assertEqual(max(sizes), 1000)
        self.assertEqual(self.reveal(f"{SCOPE}/K2499"), b"v2499")
        self.assertTrue(self.json("verify")["ok"])

    def test_a_bar_shows_the_progress_on_a_terminal_alone_and_is_gone_at_the_end(self):
        file = self.file("many.env", b"".join(b"K%04d=v\n" % i for i in range(2500)))
        for words, bar in ((("import", "--scope", SCOPE, file), "sealing"), (("export", "--scope", SCOPE, "--out", self.folder / "out"), "opening")):
            status, screen = self.on_terminal(*words)
            self.assertEqual(status, DONE, screen)
            self.assertRegex(screen, rf"{bar} \[ {{30}}\] 0 of 2500\r\x1b\[K{bar} \[#+ +\] \d+ of 2500\r\x1b\[K")
            # What is left to be seen: each clearing of the line takes away what stood in it.
            left = re.sub(r"[^\n]*\r\x1b\[K", "", screen.replace("\r\n", "\n"))
            self.assertNotIn(" of 2500", left)
            self.assertIn("ported 2500 secrets", left)
        done = self.run_tool("import", "--scope", "acme/checkout/staging", file)
        self.assertEqual(done.stderr, b"")

    def on_terminal(self, *words):
        """The exit status of the tool with its outputs on a terminal, and all that came there."""
        leader, terminal = pty.openpty()
        process = subprocess.Popen([PROGRAM, *map(str, words)], env=self.environment, stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
        os.close(terminal)
        screen = b""
        try:
            while piece := os.read(leader, 65536):
                screen += piece
        except OSError:  # EIO: the other end is closed
            pass
        os.close(leader)
        return process.wait(timeout=60), screen.decode()

    def test_two_imports_at_once_both_go_in(self):
        environment = dict(self.environment)
        files = [self.file(f"{side}.env", b"".join(b"%s%04d=%d\n" % (side.encode(), i, i) for i in range(1500))) for side in "AB"]
        running = [subprocess.Popen([PROGRAM, "import", "--scope", SCOPE, str(file)], env=environment, stdout=subprocess.DEVNULL,
                                    stderr=subprocess.PIPE) for file in files]
        for process in running:
            error = process.communicate(timeout=120)[1]
            self.assertEqual(process.returncode, DONE, error)
        self.assertEqual(len(self.json("ls")), 3000)
        self.assertTrue(self.json("verify")["ok"])

    def test_only_who_may_write_imports(self):
        editor = self.member("eve", "editor")
        self.nothing_changes(NOT_ALLOWED, "--scope", SCOPE, "-", stdin=b"A=1\n", env=editor, says="owner or an admin")
        admin = self.member("alice", "admin", "acme/checkout/*")
        self.bring_in("-", stdin=b"A=1\n", env=admin)
        self.nothing_changes(NOT_ALLOWED, "--scope", "acme/web/production", "-", stdin=b"A=1\n", env=admin)

    def test_hiding_a_wider_secret_is_said(self):
        self.do("set", "acme/*/*/TOKEN", stdin=b"wide")
        done = self.run_tool("import", "--scope", SCOPE, "-", stdin=b"A=1\nTOKEN=2\n")
        self.assertIn(b"acme/checkout/production/TOKEN hides acme/*/*/TOKEN", done.stderr)

    def test_no_value_is_found_in_any_file(self):
        value = b"correct horse battery staple"
        self.bring_in("-", stdin=b"A='" + value + b"'\n")
        self.assertEqual(self.reveal(f"{SCOPE}/A"), value)
        for form in (value, base64.b64encode(value)):
            self.assertEqual(self.files_with(form), [])


class Export(StoreCase):
    def setUp(self):
        super().setUp()
        self.do("import", "--scope", SCOPE, "-", stdin=b"B=two\nA='one $x'\n")

    def test_stdout_has_the_values_sorted_and_nothing_else(self):
        self.assertEqual(self.do("export", "--scope", SCOPE), "A='one $x'\nB=two\n")
        self.assertEqual(self.do("export", "--scope", SCOPE, "--format", "kestra"), "SECRET_A=b25lICR4\nSECRET_B=dHdv\n")
        self.assertEqual(json.loads(self.do("export", "--scope", SCOPE, "--format", "json")), {"A": "one $x", "B": "two"})
        self.assertEqual(self.json("export", "--scope", SCOPE), {"A": "one $x", "B": "two"})
        self.refused(USAGE, "export", "--scope", SCOPE, "--json", "--format", "dotenv", says="--format json")

    def test_a_folder_is_new_and_closed_to_others(self):
        folder = self.folder / "out"
        self.assertEqual(self.json("export", "--scope", SCOPE, "--out", folder)["secrets"], 2)
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        self.assertEqual({file.name: (stat.S_IMODE(file.stat().st_mode), file.read_bytes()) for file in folder.iterdir()},
                         {"A": (0o600, b"one $x"), "B": (0o600, b"two")})
        self.refused(CONFLICT, "export", "--scope", SCOPE, "--out", folder)
        self.refused(USAGE, "export", "--scope", SCOPE, "--format", "pass", says="--out")

    def test_a_folder_with_a_slash_behind_is_no_less_closed(self):
        folder = self.folder / "above" / "out"
        self.do("export", "--scope", SCOPE, "--out", f"{folder}/")
        self.assertEqual(stat.S_IMODE(folder.stat().st_mode), 0o700)
        self.assertIn("exists already", self.refused(CONFLICT, "export", "--scope", SCOPE, "--out", f"{folder}/"))

    def test_a_file_is_new_and_closed_to_others(self):
        for text_format, content in (("json", b'{\n  "A": "one $x",\n  "B": "two"\n}\n'), ("dotenv", b"A='one $x'\nB=two\n"),
                                     ("kestra", b"SECRET_A=b25lICR4\nSECRET_B=dHdv\n")):
            file = self.folder / f"out.{text_format}"
            done = self.json("export", "--scope", SCOPE, "--format", text_format, "--out", file)
            self.assertEqual((done["file"], done["secrets"]), (str(file), 2))
            self.assertEqual((stat.S_IMODE(file.stat().st_mode), file.read_bytes()), (0o600, content))

    def test_nothing_that_is_there_is_written_to_nor_a_link_followed(self):
        target = self.folder / "target"
        link = self.folder / "link"
        link.symlink_to(target)
        file = self.folder / "file"
        file.write_bytes(b"mine")
        for words in (("--out",), ("--format", "json", "--out")):
            for path in (link, file, self.folder):
                error = self.refused(CONFLICT, "export", "--scope", SCOPE, *words, path, says="exists already; nothing was changed")
                self.assertIn("coffer export --help", error)
        self.assertFalse(target.exists())
        self.assertEqual(file.read_bytes(), b"mine")
        self.refused(NOT_FOUND, "export", "--scope", "acme/none/production", "--format", "json", "--out", target)
        self.assertFalse(target.exists())

    def test_a_failure_leaves_no_folder_and_prints_no_value(self):
        folder = self.folder / "out"
        self.refused(NOT_FOUND, "export", "--scope", "acme/none/production", "--out", folder, says="coffer ls")
        self.assertFalse(folder.exists())
        self.do("set", f"{SCOPE}/NUL", stdin=b"a\0b")
        self.refused(USAGE, "export", "--scope", SCOPE, says="NUL has a NUL byte")

    def test_restricted_and_expired_secrets_are_left_out(self):
        self.do("set", f"{SCOPE}/R", "--visibility", "restricted", stdin=b"hosts only")
        done = self.run_tool("export", "--scope", SCOPE)
        self.assertEqual(done.stdout, b"A='one $x'\nB=two\n")
        self.assertIn(b"1 restricted secret left out", done.stderr)

    def test_only_who_may_open_them_exports(self):
        stranger = {"COFFER_IDENTITY": str(self.identity("stranger")[0])}
        done = self.run_tool("export", "--scope", SCOPE, env=stranger)
        self.assertNotEqual(done.returncode, DONE)
        self.assertEqual(done.stdout, b"")

    def test_a_terminal_is_refused_without_yes(self):
        for words, status, shown in (((), USAGE, False), (("--yes",), DONE, True)):
            leader, terminal = pty.openpty()
            self.addCleanup(os.close, leader)
            done = subprocess.run([PROGRAM, "export", "--scope", SCOPE, *words], env=self.environment, stdin=subprocess.DEVNULL,
                                  stdout=terminal, stderr=subprocess.PIPE, check=False, timeout=60)
            os.write(terminal, b"end")
            os.close(terminal)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertEqual(b"one $x" in os.read(leader, 4096), shown)

    def test_a_mount_that_is_none_is_never_read_as_one(self):
        fake = self.folder / "fake"
        (fake / SCOPE).mkdir(parents=True)
        (fake / SCOPE / "A").write_bytes(b"planted")
        self.refused(UNAVAILABLE, "export", "--scope", SCOPE, "--mount", fake, says="nothing is mounted")
        self.refused(USAGE, "export", "--scope", "acme/*/production", "--mount", fake, says="a project and a domain")

    def test_output_that_cannot_be_written_is_an_error(self):
        with open("/dev/full", "wb") as full:
            done = subprocess.run([PROGRAM, "export", "--scope", SCOPE], env=self.environment, stdout=full,
                                  stderr=subprocess.PIPE, check=False, timeout=60)
        self.assertEqual(done.returncode, FAILED)


if __name__ == "__main__":
    unittest.main()
