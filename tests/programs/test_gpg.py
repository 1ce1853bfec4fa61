# SPDX-License-Identifier: Apache-2.0
"""gpg: its passphrase from a file."""
from program_case import ProgramCase

RULES = """
[[rule]]
name    = "gpg has the passphrase of USER"
secrets = "acme/USER/test/PASSPHRASE"
user    = "USER"
exe     = "/usr/bin/gpg"
"""


class Gpg(ProgramCase):
    programs = ("gpg", "gpg-agent", "gpgconf")
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        return {"PASSPHRASE": b"correct horse\n"}

    def gpg(self, user, file, *arguments, **options):
        return self.run_as(user, "gpg", "--batch", "--quiet", "--no-symkey-cache", "--pinentry-mode", "loopback",
                           "--passphrase-file", file, *arguments, **options)

    def test_gpg_decrypts_with_its_passphrase_file(self):
        def decrypt(user, file):
            plain = self.give(user, user.home / "passphrase", "correct horse\n")
            sealed = self.gpg(user, plain, "--symmetric", "--armor", stdin="a letter\n")
            self.assertIn("BEGIN PGP MESSAGE", sealed.stdout, sealed.stderr)
            return self.gpg(user, file, "--decrypt", stdin=sealed.stdout)
        self.each_with_its_own("PASSPHRASE", decrypt, shows="a letter", says="No such file or directory")

    def test_gpg_signs_with_a_key_that_the_passphrase_opens(self):
        def sign(user, file):
            plain = self.give(user, user.home / "passphrase", "correct horse\n")
            if not self.do_as(user, "gpg", "--batch", "--quiet", "--list-secret-keys"):
                made = self.gpg(user, plain, "--quick-gen-key", "app@example.org", "ed25519", "sign", "never")
                self.assertEqual(made.returncode, 0, made.stderr)
            self.do_as(user, "gpgconf", "--kill", "gpg-agent")  # which may remember
            return self.gpg(user, file, "--clear-sign", stdin="a contract\n")
        self.each_with_its_own("PASSPHRASE", sign, shows="BEGIN PGP SIGNATURE", says="No such file or directory")

    def test_the_passphrase_is_for_gpg_alone(self):
        self.for_its_program_alone("PASSPHRASE")
