# SPDX-License-Identifier: Apache-2.0
"""The manual page and the completions name every verb and every option that the tool has, and no other."""
import pathlib
import re
import subprocess
import unittest

from store_case import StoreCase

SOURCE = pathlib.Path(__file__).resolve().parents[2]
# What the page says once, for every verb or for several.
COMMON = {"--config", "--identity", "--passphrase-file", "--json", "--help", "--org", "--project", "--domain", "--policy"}


class Documents(StoreCase):
    makes_store = False

    def setUp(self):
        super().setUp()
        self.verbs = {}  # "scope add": its options
        for verb in self.subcommands():
            for words in [(verb, second) for second in self.subcommands(verb)] or [(verb,)]:
                self.verbs[words] = set(re.findall(r"--[a-z][a-z-]*", self.options_of(self.help(*words))))

    def help(self, *words):
        return self.do(*words, "--help")

    def subcommands(self, *words):
        parts = self.help(*words).split("Subcommands:\n")
        return re.findall(r"^  ([a-z-]+) ", parts[1], re.MULTILINE) if len(parts) == 2 else []

    def options_of(self, text):
        """The names alone: not what the descriptions mention."""
        return "\n".join(re.findall(r"^  (-[^ ]+)", text, re.MULTILINE))

    def entry(self, page, verb):
        """What the page has under that verb's synopses: up to the next verb or heading."""
        return "\n".join(text for text in re.findall(r"^(?:\*.*\n)+\n?(?:\t.*\n|\n(?=\t))*", page, re.MULTILINE)
                         if re.search(rf"^(\*.*, )?{re.escape(verb)}", text, re.MULTILINE))

    def test_the_tool_has_the_verbs_that_are_documented(self):
        self.assertEqual(len(self.verbs), 37)
        self.assertIn("--visibility", self.verbs[("set",)])
        self.assertIn("--role", self.verbs[("member", "add")])

    def test_the_manual_page_has_each_verb_and_each_option(self):
        page = (SOURCE / "docs/man/coffer.1.scd").read_text().replace("\\", "")
        for words, options in self.verbs.items():
            self.assertIn(" ".join(f"*{word}*" for word in words), page)
            for option in options:
                self.assertIn(f"*{option}*", page, words)
        for words, options in self.verbs.items():
            own = self.entry(page, " ".join(f"*{word}*" for word in words))
            for option in options - COMMON:
                self.assertIn(f"*{option}*", own, words)
        known = set().union(*self.verbs.values()) | {"--version"}
        self.assertEqual(set(re.findall(r"\*(--[a-z-]+)\*", page)) - known, set())

    def test_bash_completes_exactly_the_options_of_each_verb(self):
        script = f"""source {SOURCE}/tools/completions/coffer.bash
            COMP_WORDS=(coffer "$@" --); COMP_CWORD=$(($# + 1)); _coffer; printf '%s\\n' "${{COMPREPLY[@]}}" """
        for words, options in self.verbs.items():
            done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True,
                                  check=True, timeout=60)
            self.assertEqual(set(done.stdout.split()), options, words)

    def test_bash_completes_the_verbs(self):
        script = f"""source {SOURCE}/tools/completions/coffer.bash
            COMP_WORDS=(coffer "$@" ""); COMP_CWORD=$(($# + 1)); _coffer; printf '%s\\n' "${{COMPREPLY[@]}}" """
        for first in [()] + sorted({(words[0],) for words in self.verbs if len(words) == 2}):
            done = subprocess.run(["bash", "-c", script, "bash", *first], capture_output=True, text=True,
                                  check=True, timeout=60)
            expected = {words[len(first)] for words in self.verbs if words[:len(first)] == first}
            self.assertEqual(set(done.stdout.split()) - {"--help", "--version"}, expected)

    def test_zsh_and_fish_know_each_verb_and_option(self):
        zsh = (SOURCE / "tools/completions/_coffer").read_text()
        fish = (SOURCE / "tools/completions/coffer.fish").read_text()
        for words, options in self.verbs.items():
            self.assertRegex(zsh, rf"""['"]{words[0]}:""")
            self.assertRegex(fish, rf"-a {words[0]} ")
            for option in options:
                self.assertIn(option, zsh, words)
                self.assertRegex(fish, rf"-l {option[2:]}\b", words)


if __name__ == "__main__":
    unittest.main()
