# SPDX-License-Identifier: Apache-2.0
"""rsync: the client's password, and the daemon's passwords."""
from program_case import ProgramCase
from users import ADA, BEN, SERVER

RULES = """
[[rule]]
name    = "rsync has the password of USER, and its daemon, run by USER, all passwords"
secrets = ["acme/USER/test/RSYNC_PASSWORD", "acme/USER/test/RSYNCD_SECRETS"]
user    = "USER"
exe     = "/usr/bin/rsync"

[[rule]]
name    = "a password of USER for rsync that is shown too openly"
secrets = "acme/USER/test/OPEN_RSYNC_PASSWORD"
user    = "USER"
mode    = "0444"
"""


class Rsync(ProgramCase):
    programs = ("rsync",)
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        return {"RSYNC_PASSWORD": b"correct horse\n", "OPEN_RSYNC_PASSWORD": b"correct horse\n",
                "RSYNCD_SECRETS": b"app:correct horse\n"}

    def daemon(self, user, secrets_file):
        """Of that user's, with one file to fetch."""
        self.give(user, user.home / "module/greeting", "hello from there\n")
        configuration = self.give(user, user.home / "rsyncd.conf", f"""
            use chroot = no
            [files]
            path = {user.home}/module
            auth users = app
            secrets file = {secrets_file}
            """)
        return self.serve(user, 8730, "rsync", "--daemon", "--no-detach", "--config", configuration, "--port", "8730",
                          "--address", "127.0.0.1", "--log-file", "/dev/stderr")

    def fetch(self, user, password_file):
        return self.run_as(user, "sh", "-ec", 'rsync --password-file "$1" rsync://app@127.0.0.1:8730/files/greeting got; '
                           "cat got; rm got", "fetch", password_file)

    def plain_daemon(self):
        self.daemon(SERVER, self.give(SERVER, SERVER.home / "secrets", "app:correct horse\n"))

    def test_rsync_has_its_password_from_a_file(self):
        self.plain_daemon()
        self.each_with_its_own("RSYNC_PASSWORD", self.fetch, shows="hello from there", says="No such file or directory")

    def test_rsync_does_look_at_the_mode(self):
        self.plain_daemon()
        done = self.fetch(ADA, ADA.file("OPEN_RSYNC_PASSWORD"))
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("must not be other-accessible", done.stderr)

    def test_the_daemon_has_its_passwords_from_a_file(self):
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                server = self.daemon(user, user.file("RSYNCD_SECRETS"))
                done = self.fetch(SERVER, self.give(SERVER, SERVER.home / "password", "correct horse\n"))
                self.assertIn("hello from there", done.stdout, done.stderr)
                self.end(server)
                server = self.daemon(user, other.file("RSYNCD_SECRETS"))
                self.refused(user, other, "RSYNCD_SECRETS", lambda: self.fetch(SERVER, SERVER.home / "password"),
                             "auth failed")
                self.end(server)

    def test_both_are_for_rsync_alone(self):
        for key in ("RSYNC_PASSWORD", "RSYNCD_SECRETS"):
            self.for_its_program_alone(key)
