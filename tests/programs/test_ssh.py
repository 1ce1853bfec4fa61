# SPDX-License-Identifier: Apache-2.0
"""OpenSSH: the key of its user; and git over ssh."""
import pathlib
import subprocess

from program_case import ProgramCase
from users import ADA, READERS

RULES = """
[[rule]]
name    = "ssh has the key of USER"
secrets = "acme/USER/test/SSH_KEY"
user    = "USER"
exe     = "/usr/bin/ssh"

[[rule]]
name    = "a key of USER that is shown too openly"
secrets = "acme/USER/test/OPEN_SSH_KEY"
user    = "USER"
mode    = "0444"
"""


def new_key(folder, name):
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", folder / name], check=True)
    return (folder / name).read_bytes(), (folder / f"{name}.pub").read_text()


class Ssh(ProgramCase):
    programs = ("ssh", "ssh-keygen", "sshd", "git")
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        key, cls.public_key = new_key(folder, "user_key")
        return {"SSH_KEY": key, "OPEN_SSH_KEY": key}

    def setUp(self):
        if not (self.folder / "host_key").exists():
            new_key(self.folder, "host_key")
        host = (self.folder / "host_key.pub").read_text()
        config = self.folder / "sshd_config"
        config.write_text(f"Port 2222\nListenAddress 127.0.0.1\nHostKey {self.folder}/host_key\nPidFile none\nUsePAM no\n"
                          "PasswordAuthentication no\nKbdInteractiveAuthentication no\n")
        for user in READERS:
            self.give(user, user.home / ".ssh/authorized_keys", self.public_key)
            self.give(user, user.home / ".ssh/known_hosts", f"[127.0.0.1]:2222 {host}")
        pathlib.Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        self.serve(None, 2222, "/usr/sbin/sshd", "-D", "-e", "-f", config)

    def configure(self, user, key_file):
        """As people do: in ~/.ssh/config."""
        self.give(user, user.home / ".ssh/config", "Host box\n  HostName 127.0.0.1\n  Port 2222\n  BatchMode yes\n"
                  f"  IdentityFile {key_file}\n  IdentitiesOnly yes\n")

    def test_ssh_logs_in_with_its_identity_file(self):
        def log_in(user, file):
            self.configure(user, file)
            return self.run_as(user, "ssh", "box", "echo logged in as $(id -un)")
        self.each_with_its_own("SSH_KEY", log_in, shows="logged in as coffer-", says="Permission denied (publickey)")

    def test_the_key_is_for_ssh_alone(self):
        self.for_its_program_alone("SSH_KEY")

    def test_ssh_does_look_at_the_mode(self):
        self.configure(ADA, ADA.file("OPEN_SSH_KEY"))
        done = self.run_as(ADA, "ssh", "box", "true")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("UNPROTECTED PRIVATE KEY FILE", done.stderr)

    def test_git_clones_and_pushes_over_ssh(self):
        for user in READERS:
            self.do_as(user, "git", "init", "-q", "--bare", "-b", "main", "there.git")

        def clone_and_push(user, file):
            self.configure(user, file)
            return self.run_as(user, "sh", "-ec", """
                rm -rf here
                git clone -q box:there.git here 2>&1
                cd here
                git -c user.name=x -c user.email=x@example.org commit -q --allow-empty -m "one more"
                git push -q origin HEAD:main 2>&1
                git ls-remote origin main""")
        self.each_with_its_own("SSH_KEY", clone_and_push, shows="refs/heads/main", says="Permission denied (publickey)")
