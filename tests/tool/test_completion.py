# SPDX-License-Identifier: Apache-2.0
"""completion: the scripts, and the words that complete a path; in bash as a person presses the key."""
import subprocess
import unittest

from store_case import PROGRAM, SOURCE, USAGE, StoreCase

SCRIPTS = {"bash": "coffer.bash", "zsh": "_coffer", "fish": "coffer.fish"}


class Scripts(StoreCase):
    makes_store = False

    def test_what_is_printed_is_what_is_installed(self):
        for shell, file in SCRIPTS.items():
            text = (SOURCE / "tools/completions" / file).read_text()
            self.assertEqual(self.do("completion", shell), text)
            self.assertEqual(self.json("completion", shell), {"shell": shell, "script": text})
        self.refused(USAGE, "completion", "tcsh", says="bash, zsh, fish")


class Paths(StoreCase):
    def setUp(self):
        super().setUp()
        for path in ("acme/*/*/PROXY", "acme/checkout/production/DB_PASSWORD", "acme/checkout/production/DB_USER",
                     "acme/checkout/staging/DB_USER", "acme/web/staging/TLS"):
            self.do("set", path, stdin=b"x")
        self.do("set", "acme/gone/production/GONE", stdin=b"x")
        self.do("rm", "--yes", "acme/gone/production/GONE")

    def words(self, what, typed):
        return self.do("completion", what, typed).splitlines()

    def bash(self, *words):
        script = f"""source {SOURCE}/tools/completions/coffer.bash
            coffer() {{ "{PROGRAM}" "$@"; }}
            COMP_WORDS=(coffer "$@"); COMP_CWORD=$#; _coffer; printf '%s\\n' "${{COMPREPLY[@]}}" """
        done = subprocess.run(["bash", "-c", script, "bash", *words], env=self.environment, capture_output=True, text=True,
                              check=True, timeout=60)
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_a_path_is_completed_a_segment_at_a_time(self):
        self.assertEqual(self.words("paths", ""), ["acme/"])
        self.assertEqual(self.words("paths", "acme/"), ["acme/*/", "acme/checkout/", "acme/web/"])
        self.assertEqual(self.words("paths", "acme/c"), ["acme/checkout/"])
        self.assertEqual(self.words("paths", "acme/checkout/production/DB_P"), ["acme/checkout/production/DB_PASSWORD"])
        self.assertEqual(self.words("paths", "acme/*/*/"), ["acme/*/*/PROXY"])
        self.assertEqual(self.words("paths", "other"), [])
        self.assertEqual(self.words("scopes", "acme/checkout/"), ["acme/checkout/production", "acme/checkout/staging"])

    def test_bash_completes_paths_and_scopes(self):
        self.assertEqual(self.bash("get", "acme/w"), ["acme/web/"])
        self.assertEqual(self.bash("get", "acme/\\*/\\*/"), ["acme/*/*/PROXY"])
        self.assertEqual(self.bash("rm", "acme/checkout/staging/"), ["acme/checkout/staging/DB_USER"])
        self.assertEqual(self.bash("rm", "-r", "acme/checkout/s"), ["acme/checkout/staging"])
        self.assertEqual(self.bash("scope", "add", "acme/web/"), ["acme/web/staging"])
        self.assertEqual(self.bash("rotate", "acme/we"), ["acme/web/"])
        self.assertEqual(self.bash("completion", "f"), ["fish"])

    def test_where_there_is_no_store_there_are_no_words_and_no_noise(self):
        del self.environment["COFFER_CONFIG"]
        self.assertEqual(self.bash("get", "acme/"), [])
        self.assertEqual(self.bash("--config", str(self.dir / "coffer.toml"), "get", "acme/w"), [])
        self.assertEqual(self.bash("get", "--config", str(self.dir / "coffer.toml"), "acme/w"), ["acme/web/"])


if __name__ == "__main__":
    unittest.main()
