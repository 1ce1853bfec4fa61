# SPDX-License-Identifier: Apache-2.0
"""msmtp: its password by a command, and its configuration with a password in it."""
from certificate import self_signed
from mail_server import MailServer
from program_case import ProgramCase
from users import ADA

RULES = """
[[rule]]
name    = "the password for the mails of USER"
secrets = "acme/USER/test/MAIL_PASSWORD"
user    = "USER"
exe     = "/usr/bin/cat"  # that is what passwordeval runs

[[rule]]
name    = "msmtp has a whole configuration of USER"
secrets = "acme/USER/test/MSMTPRC"
user    = "USER"
exe     = "/usr/bin/msmtp"

[[rule]]
name    = "a configuration of USER that is shown too openly"
secrets = "acme/USER/test/OPEN_MSMTPRC"
user    = "USER"
mode    = "0444"
"""
MAIL = "Subject: hello\n\nIt works.\n"


class Msmtp(ProgramCase):
    programs = ("msmtp",)
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        self_signed(folder, "mail")
        cls.configuration = ("account default\nhost 127.0.0.1\nport 4650\ntls on\ntls_starttls off\n"
                             f"tls_trust_file {folder}/mail.crt\nauth plain\nuser app\nfrom app@example.org\n")
        whole = (cls.configuration + "password correct-horse\n").encode()
        return {"MAIL_PASSWORD": b"correct-horse\n", "MSMTPRC": whole, "OPEN_MSMTPRC": whole}

    def setUp(self):
        self.server = MailServer(4650, self.folder / "mail.crt", self.folder / "mail.key", "app", "correct-horse")
        self.addCleanup(self.server.close)

    def test_msmtp_asks_a_command_for_its_password(self):
        def send(user, file):
            self.give(user, user.home / ".msmtprc", self.configuration + f'passwordeval "cat {file}"\n')
            return self.run_as(user, "msmtp", "someone@example.org", stdin=MAIL)
        self.each_with_its_own("MAIL_PASSWORD", send, says="No such file or directory")
        self.assertEqual(len(self.server.mails), 2)
        self.assertIn("It works.", self.server.mails[0])

    def test_msmtp_has_its_configuration_in_the_mount(self):
        def send(user, file):
            return self.run_as(user, "msmtp", "-C", file, "someone@example.org", stdin=MAIL)
        self.each_with_its_own("MSMTPRC", send, says="No such file or directory")
        self.assertEqual(len(self.server.mails), 2)

    def test_msmtp_does_look_at_the_mode(self):
        done = self.run_as(ADA, "msmtp", "-C", ADA.file("OPEN_MSMTPRC"), "someone@example.org", stdin=MAIL)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("must have no more than user read/write permissions", done.stderr)
        self.assertEqual(self.server.mails, [])

    def test_the_configuration_is_for_msmtp_alone(self):
        self.for_its_program_alone("MSMTPRC")
