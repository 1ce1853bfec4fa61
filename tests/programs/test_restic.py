# SPDX-License-Identifier: Apache-2.0
"""restic: the password of its repository."""
from program_case import ProgramCase
from users import READERS

RULES = """
[[rule]]
name    = "restic has the password of USER's repository"
secrets = "acme/USER/test/RESTIC_PASSWORD"
user    = "USER"
exe     = "/usr/bin/restic"
"""


class Restic(ProgramCase):
    programs = ("restic",)
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        return {"RESTIC_PASSWORD": b"correct horse\n"}

    def restic(self, user, file, *arguments):
        return self.run_as(user, "restic", "--no-cache", "--repo", user.home / "backups", "--password-file", file,
                           *arguments)

    def test_restic_backs_up_and_restores(self):
        for user in READERS:
            self.give(user, user.home / "work/letter", "a letter\n")
            made = self.restic(user, user.file("RESTIC_PASSWORD"), "init")
            self.assertEqual(made.returncode, 0, made.stderr)
            saved = self.restic(user, user.file("RESTIC_PASSWORD"), "backup", "--quiet", "work")
            self.assertEqual(saved.returncode, 0, saved.stderr)

        def restore(user, file):
            return self.restic(user, file, "dump", "latest", "/work/letter")
        self.each_with_its_own("RESTIC_PASSWORD", restore, shows="a letter", says="does not exist")

    def test_the_password_is_for_restic_alone(self):
        self.for_its_program_alone("RESTIC_PASSWORD")
