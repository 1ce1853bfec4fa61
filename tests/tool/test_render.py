# SPDX-License-Identifier: Apache-2.0
"""`coffer render` where there is nothing to read through: what it says. What it writes is in tests/mount."""
import os
import unittest

from store_case import NOT_FOUND, StoreCase, UNAVAILABLE, USAGE

SCOPE = "acme/checkout/production"


class Render(StoreCase):
    def template(self, text):
        file = self.folder / "app.conf"
        file.write_bytes(text)
        return file

    def test_a_mistake_in_the_template_is_told_with_its_place(self):
        self.refused(USAGE, "render", self.template(b"a\n{{ secret('A' }}"), "--scope", SCOPE, "--mount", self.folder,
                     says="app.conf:2:15: expected , and a scope, or ), found")
        self.refused(USAGE, "render", "-", "--scope", SCOPE, stdin=b"{{ 1 }}", says="stdin:1:4: expected secret('KEY')")

    def test_a_template_that_is_not_there_is_said_so(self):
        self.refused(NOT_FOUND, "render", self.folder / "none", says="none")
        self.refused(USAGE, "render", self.folder, says="not a regular file")

    def test_a_scope_is_a_directory_of_the_mount(self):
        file = self.template(b"{{ secret('A') }}")
        for scope in ("acme", "acme/*/production", "acme/checkout/production/KEY", ""):
            self.refused(USAGE, "render", file, "--scope", scope)

    def test_a_mode_is_octal_and_of_a_file(self):
        file = self.template(b"x")
        for mode in ("rw", "99", "8", "0999", "-1", "10600", ""):
            self.refused(USAGE, "render", file, "--out", self.folder / "out", f"--mode={mode}")
        self.refused(USAGE, "render", file, "--mode", "0600", says="--out")
        self.assertFalse((self.folder / "out").exists())

    def test_only_a_file_is_replaced(self):
        file, link, pipe = self.template(b"x"), self.folder / "link", self.folder / "pipe"
        link.symlink_to("/dev/null")
        os.mkfifo(pipe)
        for out, says in ((link, "is a link"), (pipe, "is a device or the like"), (self.folder, "is a folder")):
            self.refused(USAGE, "render", file, "--out", out, says=says)
        self.assertTrue(link.is_symlink() and pipe.is_fifo())

    def test_without_a_mount_it_says_what_to_do(self):
        file = self.template(b"{{ secret('A') }}")
        self.refused(USAGE, "render", file, "--scope", SCOPE, says="give --mount DIR")
        self.refused(UNAVAILABLE, "render", file, "--scope", SCOPE, "--mount", self.folder,
                     says="nothing is mounted at")
        self.refused(UNAVAILABLE, "render", file, "--scope", SCOPE, "--mount", "/proc", says="is proc and not coffer's")


if __name__ == "__main__":
    unittest.main()
