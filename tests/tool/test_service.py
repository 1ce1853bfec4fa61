# SPDX-License-Identifier: Apache-2.0
"""The tool on a host where coffer-stored alone writes the store: init, members, and what they are told."""
import os
import shutil
import subprocess
import unittest

from store_case import CONFLICT, NOT_ALLOWED, PROGRAM, UNAVAILABLE, StoreCase

STORED = os.environ["COFFER_STORED_PROGRAM"]
STORE_USER, STORE_GROUP, MEMBERS, ALICE, EVE = 60010, 60011, 60012, 60001, 60003

# The host as systemd would set it up, in a mount namespace of its own; then what the test gives, as shell.
HOST = f"""set -e
scratch=$1 stored=$1/coffer-stored tool=$1/coffer
mount -t tmpfs none "$scratch/over"; cp -a /etc "$scratch/over/etc"; mount --bind "$scratch/over/etc" /etc
mount -t tmpfs none /var/lib; mount -t tmpfs -o mode=1777 none /run
unset COFFER_CONFIG
mkdir -m 0750 /var/lib/coffer-store; chown {STORE_USER}:{STORE_GROUP} /var/lib/coffer-store
setpriv --reuid {STORE_USER} --regid {MEMBERS} --groups {STORE_GROUP} "$stored" --socket /run/coffer-store.sock &
service=$!
trap 'kill $service; wait $service' EXIT
for try in $(seq 600); do test -S /run/coffer-store.sock && break; sleep 0.1; done
as() {{ # UID GROUP COMMAND...
    uid=$1 group=$2; shift 2
    HOME=$scratch/home-$uid setpriv --reuid "$uid" --regid "$uid" --groups "$group" "$@"
}}
"""


@unittest.skipUnless(os.geteuid() == 0, "needs root: other users, and a mount namespace of its own")
class Service(StoreCase):
    makes_store = False

    def setUp(self):
        super().setUp()
        self.scratch = self.folder / "scratch"
        (self.scratch / "over").mkdir(parents=True)
        for uid in (ALICE, EVE):
            (self.scratch / f"home-{uid}").mkdir()
            os.chown(self.scratch / f"home-{uid}", uid, uid)
        # Where those users may go; the checkout may lie elsewhere.
        shutil.copy(PROGRAM, self.scratch / "coffer")
        shutil.copy(STORED, self.scratch / "coffer-stored")
        self.folder.chmod(0o711)
        self.scratch.chmod(0o711)

    def on_host(self, script):
        return subprocess.run(["unshare", "--mount", "bash", "-c", HOST + script, "bash", str(self.scratch)],
                              env=self.environment, capture_output=True, text=True, timeout=120, check=False)

    def test_init_makes_the_store_through_the_service_and_members_use_it(self):
        done = self.on_host(f"""
            "$tool" init --org acme --no-passphrase --owner olga --host web1 >/dev/null
            grep -q '^store = "/var/lib/coffer-store/store.db"' /etc/coffer/coffer.toml
            grep -q '^store_socket = "/run/coffer-store.sock"' /etc/coffer/coffer.toml
            test "$(stat -c %a:%u /etc/credstore/coffer.host.identity.plain)" = 400:0
            test ! -e /var/lib/coffer
            printf v | "$tool" set 'acme/*/*/K' >/dev/null
            test "$("$tool" get --reveal 'acme/*/*/K')" = v
            test "$(stat -c %a:%u /var/lib/coffer-store/store.db)" = 640:{STORE_USER}
            as {ALICE} {MEMBERS} "$tool" identity new "$scratch/home-{ALICE}/id" --no-passphrase >/dev/null
            recipient=$(as {ALICE} {MEMBERS} "$tool" identity show "$scratch/home-{ALICE}/id" --json |
                sed -n 's/.*"recipient": *"\\([^"]*\\)".*/\\1/p')
            pin=$("$tool" member add alice --role admin --pattern 'acme/*/*' "$recipient" --json |
                sed -n 's/.*"pin": *"\\([^"]*\\)".*/\\1/p')
            as {ALICE} {MEMBERS} "$tool" init --join "$pin" --store /var/lib/coffer-store/store.db \\
                --identity "$scratch/home-{ALICE}/id" >/dev/null
            printf 'by alice' | as {ALICE} {MEMBERS} "$tool" set 'acme/*/*/K' >/dev/null
            test "$("$tool" get --reveal 'acme/*/*/K')" = "by alice"
            as {ALICE} {MEMBERS} "$tool" purge --yes 'acme/*/*/K' 1 >/dev/null
            as {ALICE} {MEMBERS} "$tool" verify
            "$tool" verify
            "$tool" doctor 2>/dev/null | grep 'service: coffer-stored listens'""")
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_an_import_goes_through_the_service_and_comes_out_again(self):
        tree = self.scratch / "tree"
        tree.mkdir()
        values = {f"K{i:04d}": b"value %d\n" % i for i in range(1500)} | {f"LARGE{i}": os.urandom(1 << 20) for i in range(15)}
        for key, value in values.items():
            (tree / key).write_bytes(value)
        done = self.on_host("""
            "$tool" init --org acme --no-passphrase --owner olga --host web1 >/dev/null
            "$tool" import --scope acme/checkout/production "$scratch/tree" 2>&1
            "$tool" import --scope acme/checkout/production "$scratch/tree" 2>&1
            "$tool" export --scope acme/checkout/production --out "$scratch/out" >/dev/null
            "$tool" verify >/dev/null
            kill $service; wait $service || true
            trap - EXIT
            echo more > "$scratch/tree/MORE"
            "$tool" import --scope acme/checkout/production "$scratch/tree" || exit $?""")
        self.assertEqual(done.returncode, UNAVAILABLE, done.stdout + done.stderr)
        self.assertIn("(1515 new, 0 changed; 0 were the same)", done.stdout)
        self.assertIn("(0 new, 0 changed; 1515 were the same)", done.stdout)
        self.assertIn("coffer-stored does not listen", done.stderr)
        self.assertEqual({file.name: file.read_bytes() for file in (self.scratch / "out").iterdir()}, values)

    def test_a_second_store_is_refused_and_nothing_is_made(self):
        done = self.on_host("""
            "$tool" init --org acme --no-passphrase --owner olga --host web1 >/dev/null
            rm -r /etc/coffer /etc/credstore "$HOME/.config"
            "$tool" init --org acme --no-passphrase --owner olga --host web1 || status=$?
            ls -d /etc/coffer /etc/credstore "$HOME/.config" 2>/dev/null && exit 99
            exit $status""")
        self.assertEqual(done.returncode, CONFLICT, done.stderr)
        self.assertIn("--join", done.stderr)

    def test_who_is_no_member_of_the_group_is_told_which(self):
        done = self.on_host(f"""
            "$tool" init --org acme --no-passphrase --owner olga --host web1 >/dev/null
            as {EVE} {EVE} "$tool" identity new "$scratch/home-{EVE}/id" --no-passphrase >/dev/null
            COFFER_IDENTITY=$scratch/home-{EVE}/id as {EVE} {EVE} "$tool" set 'acme/*/*/K' --value x || exit $?""")
        self.assertEqual(done.returncode, NOT_ALLOWED, done.stderr)
        self.assertIn("coffer-members", done.stderr)

    def test_a_service_that_does_not_run_is_said_to_be_that(self):
        done = self.on_host("""
            "$tool" init --org acme --no-passphrase --owner olga --host web1 >/dev/null
            kill $service; wait $service
            trap - EXIT
            "$tool" ls >/dev/null
            printf v | "$tool" set 'acme/*/*/K' || exit $?""")
        self.assertEqual(done.returncode, UNAVAILABLE, done.stderr)
        self.assertIn("coffer-stored does not listen", done.stderr)


if __name__ == "__main__":
    unittest.main()
