# SPDX-License-Identifier: Apache-2.0
"""An ordinary user on a laptop: init at home, cofferd through fusermount3, a policy for the user's own programs."""
import ctypes
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tempfile
import time
import unittest

from store_case import DONE, SOURCE, UNAVAILABLE, StoreCase

NOBODY = 65534  # fusermount3 wants a user that has a name
OTHER = 60001
PATIENCE = 60
PATH = "me/laptop/home/TOKEN"
CLONE_NEWNS = 0x00020000
CAT = os.path.realpath(shutil.which("cat"))
CGROUPS = pathlib.Path("/sys/fs/cgroup/systemd" if os.path.exists("/sys/fs/cgroup/systemd/cgroup.procs") else "/sys/fs/cgroup")


def setUpModule():
    """Mounts of this process's own, with /dev/fuse as udev makes it, open to everybody."""
    if os.geteuid() != 0 or not os.path.exists("/dev/fuse"):
        raise unittest.SkipTest("SKIPPED: needs root, to become another user, and /dev/fuse")
    if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    folder = tempfile.mkdtemp(prefix="coffer-rootless-")
    unittest.addModuleCleanup(os.rmdir, folder)
    for words in (["mount", "--make-rprivate", "/"], ["mount", "-t", "tmpfs", "-o", "mode=0755", "none", folder],
                  ["mknod", "-m", "0666", f"{folder}/fuse", "c", "10", "229"],
                  ["mount", "--bind", f"{folder}/fuse", "/dev/fuse"]):
        subprocess.run(words, check=True)
    unittest.addModuleCleanup(subprocess.run, ["umount", "-l", folder], check=True)
    if not os.path.lexists("/etc/mtab"):  # without it fusermount3 unmounts for root alone
        os.symlink("/proc/self/mounts", "/etc/mtab")
        unittest.addModuleCleanup(os.unlink, "/etc/mtab")


class RootlessCase(StoreCase):
    makes_store = False

    def setUp(self):
        super().setUp()
        self.folder.chmod(0o755)
        self.home, self.runtime = self.folder / "home", self.folder / "run"
        self.runtime.mkdir()
        for folder in (self.home, self.runtime):
            folder.chmod(0o700)
            os.chown(folder, NOBODY, NOBODY)
        # This checkout may lie where that user may not go.
        self.coffer, self.cofferd = (shutil.copy(os.environ[name], self.folder)
                                     for name in ("COFFER_PROGRAM", "COFFERD_PROGRAM"))
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "XDG_RUNTIME_DIR": str(self.runtime)}
        self.config, self.mount = self.home / ".config/coffer", self.runtime / "coffer"

    def run_tool(self, *arguments, stdin=b"", **options):
        return self.as_user(self.coffer, *arguments, stdin=stdin)

    def as_user(self, *words, stdin=b""):
        return subprocess.run([str(word) for word in words], input=stdin, env=self.environment, user=NOBODY, group=NOBODY,
                              extra_groups=[], cwd="/", capture_output=True, timeout=PATIENCE, check=False)

    def init(self, *more):
        return self.json("init", "--org", "me", "--owner", "anna", "--host", "laptop", "--no-passphrase", *more)

    def policy(self, *rules):
        file = self.config / "policy.d/own.toml"
        new = file.with_suffix(".new")
        new.write_text("\n".join(f"[[rule]]\nname = \"{number}\"\n{rule}\n" for number, rule in enumerate(rules)))
        new.chmod(0o600)
        os.chown(new, NOBODY, NOBODY)
        new.rename(file)

    def serve(self):
        """cofferd, until it says that it serves."""
        log = self.folder / "cofferd.log"
        with open(log, "wb") as out:
            daemon = subprocess.Popen([self.cofferd, "--foreground"], env=self.environment, user=NOBODY, group=NOBODY,
                                      extra_groups=[], cwd="/", stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.log = log
        self.addCleanup(subprocess.run, ["umount", "-l", self.mount], stderr=subprocess.DEVNULL, check=False)
        self.addCleanup(daemon.wait)
        self.addCleanup(daemon.kill)
        self.soon(lambda: "serving" in log.read_text() or daemon.poll() is not None)
        self.assertIn("serving", log.read_text())
        return daemon

    def soon(self, holds):
        end = time.monotonic() + PATIENCE
        while not holds():
            self.assertLess(time.monotonic(), end, "it did not come true")
            time.sleep(0.02)

    def is_mounted(self):
        return f" {self.mount} " in pathlib.Path("/proc/self/mountinfo").read_text()


class AtHome(RootlessCase):
    def test_init_puts_everything_into_the_home(self):
        made = self.init()
        self.assertEqual(made["config"], str(self.config / "coffer.toml"))
        self.assertEqual(made["store"], str(self.home / ".local/share/coffer/store.db"))
        for path in (".config/coffer/owner.identity", ".config/coffer/host.identity", ".config/coffer/policy.d/README",
                     ".local/share/coffer/store.db", ".local/state/coffer/tool/view.db"):
            self.assertEqual((self.home / path).stat().st_uid, NOBODY, path)
        for path in (".config/coffer", ".local/share/coffer", ".local/state/coffer"):
            self.assertEqual(stat.S_IMODE((self.home / path).stat().st_mode), 0o700, path)
        self.assertIn(f'mount = "{self.mount}"', (self.config / "coffer.toml").read_text())
        self.do("set", PATH, stdin=b"value")
        self.assertEqual(self.do("get", "--reveal", PATH), "value")
        self.assertTrue(self.json("verify")["ok"])

    def test_the_folders_of_the_environment_are_taken(self):
        self.environment.update(XDG_DATA_HOME=str(self.home / "data"), XDG_STATE_HOME=str(self.home / "state"))
        del self.environment["XDG_RUNTIME_DIR"]
        self.assertEqual(self.init()["store"], str(self.home / "data/coffer/store.db"))
        self.assertTrue((self.home / "state/coffer/tool/view.db").exists())
        self.assertIn(f'mount = "{self.home}/secrets"', (self.config / "coffer.toml").read_text())

    def test_the_example_of_a_policy_is_one(self):
        self.init()
        readme = (self.config / "policy.d/README").read_text()
        rules = "".join(line[4:] for line in readme.splitlines(True) if line.startswith("    ") or line == "\n")
        self.assertIn('user      = "nobody"', rules)
        self.assertIn("user_unit", rules)
        file = self.config / "policy.d/own.toml"
        file.write_text(rules)
        os.chown(file, NOBODY, NOBODY)
        file.chmod(0o600)
        self.assertEqual(self.json("policy", "check")["rules"], 2)


class Serving(RootlessCase):
    def setUp(self):
        super().setUp()
        self.init()
        self.do("set", PATH, stdin=b"for one program")
        self.file = self.mount / PATH

    def test_the_user_s_program_that_is_named_reads_and_no_other_does(self):
        self.policy(f'secrets = "{PATH}"\nuid = {NOBODY}\nexe = "{CAT}"')
        daemon = self.serve()
        self.assertEqual(self.as_user("cat", self.file).stdout, b"for one program")
        self.assertIn(b"No such file", self.as_user("head", self.file).stderr)
        # The kernel's word: without user_allow_other nobody else sees the mount, root included.
        with self.assertRaises(PermissionError):
            os.listdir(self.mount)
        self.do("set", PATH, stdin=b"anew")
        self.soon(lambda: self.as_user("cat", self.file).stdout == b"anew")
        daemon.send_signal(signal.SIGTERM)
        self.assertEqual(daemon.wait(PATIENCE), 0)
        self.assertFalse(self.is_mounted())

    def test_others_see_the_mount_only_where_root_has_allowed_it(self):
        self.policy(f'secrets = "{PATH}"\nuid = [{NOBODY}, {OTHER}]')
        conf = self.folder / "fuse.conf"
        for text, allowed in (("#user_allow_other\n", False), ("mount_max = 10\n  user_allow_other\n", True)):
            conf.write_text(text)
            subprocess.run(["mount", "--bind", conf, "/etc/fuse.conf"], check=True)
            self.addCleanup(subprocess.run, ["umount", "/etc/fuse.conf"], check=True)
            daemon = self.serve()
            self.runtime.chmod(0o711)
            done = subprocess.run(["cat", self.file], user=OTHER, group=OTHER, extra_groups=[], cwd="/", timeout=PATIENCE,
                                  capture_output=True, check=False)
            self.assertEqual(done.stdout, b"for one program" if allowed else b"", done.stderr)
            self.assertEqual("user_allow_other" in self.log.read_text(), not allowed)
            self.assertNotIn("fusermount3:", self.log.read_text())
            daemon.send_signal(signal.SIGTERM)
            self.assertEqual(daemon.wait(PATIENCE), 0)

    def test_a_user_unit_is_told_from_the_user_s_other_programs(self):
        unit = "coffer-test-backup.service"
        path, made = CGROUPS, []
        for part in ("user.slice", f"user-{NOBODY}.slice", f"user@{NOBODY}.service", "app.slice", unit):
            path /= part
            try:
                path.mkdir()
                made.append(path)
            except FileExistsError:
                pass
            except OSError as error:
                self.skipTest(f"SKIPPED: no cgroup can be made here: {error}")
        for folder in made:  # cleanups run backwards: from the innermost out
            self.addCleanup(folder.rmdir)
        self.policy(f'secrets = "{PATH}"\nuid = {NOBODY}\nuser_unit = "{unit}"')
        self.serve()
        enter = ('echo $$ >"$1/cgroup.procs" && exec setpriv --reuid 65534 --regid 65534 --clear-groups'
                 ' cat "$2"')
        done = subprocess.run(["sh", "-c", enter, "sh", path, self.file], env=self.environment, cwd="/",
                              capture_output=True, timeout=PATIENCE, check=False)
        self.assertEqual(done.stdout, b"for one program", done.stderr)
        self.assertIn(b"No such file", self.as_user("cat", self.file).stderr)

    def test_status_and_doctor_see_the_user_s_own_daemon(self):
        self.assertIn(b"systemctl --user start cofferd", self.as_user(self.coffer, "doctor").stdout)
        self.policy(f'secrets = "{PATH}"\nuid = {NOBODY}')
        self.serve()
        status = self.json("status")
        self.assertEqual((status["state"], status["daemon"]["host"]), ("serving", "laptop"))
        done = self.as_user(self.coffer, "doctor", "--json")
        report = json.loads(done.stdout)
        self.fits_the_schema(("doctor",), report)
        self.assertEqual(done.returncode, DONE, report)
        weights = {one["what"]: one["weight"] for one in report["findings"]}
        self.assertEqual({weights[what] for what in ("fuse", "fusermount3", "store", "host", "policy", "audit", "mount")}, {"ok"})

    def test_after_a_kill_the_mount_is_taken_off_as_the_unit_does_it(self):
        daemon = self.serve()
        daemon.kill()
        daemon.wait(PATIENCE)
        self.assertEqual(self.run_tool("status").returncode, UNAVAILABLE)
        unit = (SOURCE / "systemd/user/cofferd.service").read_text()
        stop = re.search(r"^ExecStopPost=-/usr/sbin/cofferd (.+)$", unit, re.MULTILINE)[1]
        for _ in ("a dead mount", "no mount"):
            done = self.as_user(self.cofferd, *stop.split())
            self.assertEqual((done.returncode, done.stderr), (0, b""))
            self.assertFalse(self.is_mounted())
        self.serve()

    def test_a_start_after_a_kill_takes_the_dead_mount_off_itself(self):
        self.policy(f'secrets = "{PATH}"\nuid = {NOBODY}')
        daemon = self.serve()
        daemon.kill()
        daemon.wait(PATIENCE)
        self.assertTrue(self.is_mounted())
        self.serve()
        self.assertIn("has left mounted", self.log.read_text())
        self.assertEqual(self.as_user("cat", self.file).stdout, b"for one program")

    def test_a_mount_that_is_served_or_another_s_is_not_taken_off(self):
        self.policy(f'secrets = "{PATH}"\nuid = {NOBODY}')
        self.serve()
        done = self.as_user(self.cofferd, "--unmount")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"serves", done.stderr)
        done = self.as_user(self.cofferd, "--foreground")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"is mounted on", done.stderr)
        self.assertEqual(self.as_user("cat", self.file).stdout, b"for one program")
        done = self.as_user(self.cofferd, "--unmount", "--mount", "/proc")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"none of coffer's", done.stderr)


if __name__ == "__main__":
    unittest.main()
