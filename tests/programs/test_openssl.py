# SPDX-License-Identifier: Apache-2.0
"""openssl s_server with its key."""
from certificate import self_signed
from program_case import ProgramCase
from users import ADA, BEN, READERS, SERVER

RULES = """
[[rule]]
name    = "openssl has the key of USER"
secrets = "acme/USER/test/OPENSSL_KEY"
user    = "USER"
exe     = "/usr/bin/openssl"
"""


class OpenSsl(ProgramCase):
    programs = ("openssl",)
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        key, _ = self_signed(folder, "openssl")
        return {"OPENSSL_KEY": key}

    def server(self, key_file):
        return ["openssl", "s_server", "-www", "-accept", "127.0.0.1:4433", "-cert", self.folder / "openssl.crt",
                "-key", key_file]

    def test_s_server_has_its_key(self):
        for user in READERS:
            with self.subTest(user=user.name):
                server = self.serve(user, 4433, *self.server(user.file("OPENSSL_KEY")))
                done = self.do_as(SERVER, "openssl", "s_client", "-connect", "127.0.0.1:4433", "-verify_return_error",
                                  "-CAfile", self.folder / "openssl.crt", stdin="Q\n")
                self.assertIn("Verify return code: 0 (ok)", done)
                self.end(server)

    def test_s_server_does_not_start_with_the_key_of_another(self):
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                command = self.server(other.file("OPENSSL_KEY"))
                self.refused(user, other, "OPENSSL_KEY", lambda: self.run_as(user, *command), "No such file or directory")

    def test_openssl_signs_with_its_key(self):
        def sign(user, file):
            return self.run_as(user, "sh", "-ec", "echo text >text; rm -f signature; "
                               'openssl dgst -sha256 -sign "$1" -out signature text; openssl x509 -in "$2" -noout -pubkey >public; '
                               "openssl dgst -sha256 -verify public -signature signature text", "sign", file,
                               self.folder / "openssl.crt")
        self.each_with_its_own("OPENSSL_KEY", sign, shows="Verified OK", says="No such file or directory")

    def test_the_key_is_for_openssl_alone(self):
        self.for_its_program_alone("OPENSSL_KEY")
