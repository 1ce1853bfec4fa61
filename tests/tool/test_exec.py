# SPDX-License-Identifier: Apache-2.0
"""exec: a program with secrets from the store. What comes through a mount is in tests/mount."""
import base64
import ctypes
import fcntl
import os
import pathlib
import pty
import resource
import select
import signal
import struct
import subprocess
import sys
import termios
import time
import unittest

from store_case import NOT_ALLOWED, NOT_FOUND, PROGRAM, UNAVAILABLE, USAGE, StoreCase

SCOPE = "acme/checkout/production"
PATIENCE = 60
MARK = b"[redacted]"


def without_lock_rights():
    """As an ordinary user, whom RLIMIT_MEMLOCK binds."""
    resource.setrlimit(resource.RLIMIT_MEMLOCK, (8 << 20, 8 << 20))
    cap_ipc_lock, pr_capbset_drop = 14, 24
    ctypes.CDLL(None).prctl(pr_capbset_drop, cap_ipc_lock, 0, 0, 0)


class ExecCase(StoreCase):
    def setUp(self):
        super().setUp()
        self.set(f"{SCOPE}/DB_PASSWORD", b"hunter2!")
        self.set("acme/*/*/PROXY_TOKEN", b"t0ken with blanks\n")
        self.identity_file = self.dir / "owner.identity"

    def words(self, *options):
        """The tool's words up to the program's."""
        return ["exec", "--identity", self.identity_file, "--scope", SCOPE, *options, "--"]

    def run_exec(self, options, *command, **more):
        return self.run_tool(*self.words(*options), *command, **more)

    def processes_of(self, word):
        """Of the tool, with this word in their command line."""
        found = []
        for folder in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                words = (folder / "cmdline").read_text().split("\0")
            except OSError:
                continue
            if words[0] == PROGRAM and word in words:
                found.append(int(folder.name))
        return found

    def has_locked_memory(self, pid):
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
        self.assertGreater(int(status.split("VmLck:")[1].split()[0]), 0, status)

    def variables(self, *options, **more):
        """The environment of a program, which shows it in a way that nothing redacts."""
        done = self.run_exec(options, sys.executable, "-c",
                             "import os; print({k: [ord(c) for c in v] for k, v in os.environ.items()})", **more)
        self.assertEqual(done.returncode, 0, done.stderr)
        return {name: "".join(map(chr, value)) for name, value in eval(done.stdout).items()}


class Variables(ExecCase):
    def test_all_secrets_of_the_place_are_variables_wider_ones_too(self):
        found = self.variables(env={"KEPT": "x"})
        self.assertEqual(found["DB_PASSWORD"], "hunter2!")
        self.assertEqual(found["PROXY_TOKEN"], "t0ken with blanks\n")
        self.assertEqual(found["KEPT"], "x")

    def test_the_narrowest_secret_of_a_name_counts(self):
        self.set("acme/*/*/DB_PASSWORD", b"the wide one")
        self.assertEqual(self.variables()["DB_PASSWORD"], "hunter2!")

    def test_what_is_asked_for_by_name_is_all_there_is(self):
        found = self.variables("--env", "PGPASSWORD=DB_PASSWORD")
        self.assertEqual(found["PGPASSWORD"], "hunter2!")
        self.assertNotIn("DB_PASSWORD", found)
        self.assertNotIn("PROXY_TOKEN", found)

    def test_only_prefix_and_pristine(self):
        found = self.variables("--only", "DB_PASSWORD", "--prefix", "APP_", "--pristine", env={"GONE": "x"})
        self.assertEqual({name for name in found if not name.startswith("LC_")}, {"APP_DB_PASSWORD"})
        found = self.variables("--only", "DB_PASSWORD,PROXY_TOKEN", "--env", "MORE=DB_PASSWORD", "--pristine")
        self.assertEqual({name for name in found if not name.startswith("LC_")}, {"DB_PASSWORD", "PROXY_TOKEN", "MORE"})

    def test_dots_and_dashes_of_a_key_become_what_shells_know(self):
        self.set(f"{SCOPE}/tls.key-2", b"the key")
        self.assertEqual(self.variables("--only", "tls.key-2")["tls_key_2"], "the key")
        self.set(f"{SCOPE}/tls_key-2", b"another")
        self.assertIn(b"given twice", self.run_exec((), "true").stderr)

    def test_files_are_paths_in_the_mount(self):
        found = self.variables("--mount", "/run/there/", "--file", "PASSWORD_FILE=DB_PASSWORD")
        self.assertEqual(found["PASSWORD_FILE"], f"/run/there/{SCOPE}/DB_PASSWORD")
        self.assertNotIn("DB_PASSWORD", found)

    def test_flyte_finds_its_names(self):
        found = self.variables("--flyte", "--mount", "/m")
        self.assertEqual(found["_FSEC_DB_PASSWORD"], "hunter2!")
        self.assertEqual(found["FLYTE_SECRETS_DEFAULT_DIR"], f"/m/{SCOPE}")
        self.assertNotIn("DB_PASSWORD", found)
        found = self.variables("--flyte", "--flyte-group", "Production", "--mount", "/m")
        self.assertEqual(found["_FSEC_PRODUCTION_DB_PASSWORD"], "hunter2!")
        self.assertEqual(found["FLYTE_SECRETS_DEFAULT_DIR"], "/m/acme/checkout")

    def test_kestra_finds_its_names(self):
        found = self.variables("--kestra", "--only", "DB_PASSWORD")
        self.assertEqual(found["SECRET_DB_PASSWORD"], base64.b64encode(b"hunter2!").decode())
        self.assertNotIn("DB_PASSWORD", found)

    def test_a_secret_that_would_choose_what_runs_is_refused_unless_it_is_meant(self):
        self.set(f"{SCOPE}/LD_PRELOAD", b"/tmp/evil.so")
        self.refused(NOT_ALLOWED, *self.words(), "true", says="--env LD_PRELOAD=LD_PRELOAD")
        self.assertEqual(self.variables("--prefix", "X_")["X_LD_PRELOAD"], "/tmp/evil.so")

    def test_restricted_secrets_are_left_out_and_refused_by_name(self):
        self.set(f"{SCOPE}/HIDDEN", b"never shown", "--visibility", "restricted")
        done = self.run_exec((), "sh", "-c", "test -z \"$HIDDEN\"")
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"HIDDEN is restricted and left out", done.stderr)
        self.refused(NOT_ALLOWED, *self.words("--env", "X=HIDDEN"), "true", says="restricted")


class Refusals(ExecCase):
    def test_malformed_choices(self):
        self.refused(USAGE, "exec", "--scope", SCOPE, says="expected -- and a command")
        self.refused(USAGE, "exec", "--scope", SCOPE, "--", says="expected -- and a command")
        self.refused(USAGE, "exec", "--", "true", says="--scope")
        self.refused(USAGE, "exec", "--scope", SCOPE, "true", says="a command comes after --")
        self.refused(USAGE, "exec", "--scope", "acme/checkout/*", "--", "true", says="a project and a domain")
        self.refused(USAGE, *self.words("--json"), "true", says="--json")
        self.refused(USAGE, *self.words("--env", "X"), "true", says="--env NAME=KEY")
        self.refused(USAGE, *self.words("--env", "=X"), "true", says="--env NAME=KEY")
        self.refused(USAGE, *self.words("--env", "X=.."), "true", says="KEY")
        self.refused(USAGE, *self.words("--flyte-group", "g"), "true", says="--flyte")
        self.refused(USAGE, *self.words("--kestra", "--prefix", "g"), "true", says="--prefix")
        self.refused(NOT_FOUND, *self.words("--env", "X=NONE"), "true", says=f"{SCOPE}/NONE")
        self.refused(NOT_FOUND, *self.words("--only", "NONE"), "true", says=f"{SCOPE}/NONE")

    def test_a_value_that_no_variable_can_hold(self):
        self.set(f"{SCOPE}/BINARY", b"hunter\0two")
        self.refused(USAGE, *self.words(), "true", says="--file NAME=BINARY")
        self.assertEqual(len(self.variables("--kestra", "--only", "BINARY")["SECRET_BINARY"]), 16)

    def test_a_program_that_is_not_there_or_no_program(self):
        for more in ((), ("--no-redact",)):
            self.refused(NOT_FOUND, *self.words(*more), "no-such-program", says="no-such-program")
            self.refused(NOT_ALLOWED, *self.words(*more), self.folder, says="cannot run")

    def test_without_a_mount_and_an_identity_nothing_runs(self):
        mark = self.folder / "ran"
        self.refused(UNAVAILABLE, "exec", "--scope", SCOPE, "--mount", self.folder, "--", "touch", mark,
                     says="nothing is mounted")
        self.assertFalse(mark.exists())

    def test_an_expired_secret_is_not_passed_on(self):
        self.set(f"{SCOPE}/OLD", b"expired value", "--expires", "1s")
        time.sleep(1.1)
        self.refused(1, *self.words(), "true", says="expired")


class Redaction(ExecCase):
    def test_both_outputs_lack_the_values_in_any_spelling(self):
        done = self.run_exec((), "sh", "-c", 'echo "a $DB_PASSWORD b"; printf %s "$DB_PASSWORD" | base64 >&2;'
                                             ' printf %s "$DB_PASSWORD" | od -An -tx1 | tr -d " "; echo "$PROXY_TOKEN"')
        self.assertEqual(done.stdout, b"a [redacted] b\n[redacted]\n[redacted]\n")
        self.assertEqual(done.stderr, b"[redacted]=\n")

    def test_a_value_is_found_across_writes_and_in_a_large_output(self):
        script = ("import os,sys\nv=os.environ['DB_PASSWORD'].encode()\n"
                  "for c in v: os.write(1, bytes([c]))\n"
                  "os.write(1, (b'x' * 4093 + v) * 5000)\n")
        done = self.run_exec((), sys.executable, "-c", script)
        self.assertEqual(done.stdout, MARK + (b"x" * 4093 + MARK) * 5000)

    def test_what_may_become_a_value_is_not_held_while_nothing_comes(self):
        with subprocess.Popen([PROGRAM, *map(str, self.words()), "sh", "-c", "printf 'name? hunt'; read answer; echo $answer"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=self.environment) as process:
            seen = b""
            while seen != b"name? hunt":
                self.assertTrue(select.select([process.stdout], [], [], PATIENCE)[0], seen)
                seen += os.read(process.stdout.fileno(), 100)
            self.assertEqual(process.communicate(b"me\n", PATIENCE)[0], b"me\n")

    def test_a_value_is_found_across_writes_while_the_output_is_read_slowly(self):
        script = ("import os\nos.write(1, b'x' * 65536 * 3)\n"
                  "for i in range(6):\n os.write(1, b'x' * 65532 + b'hunt')\n os.write(1, b'er2!')\n")
        with subprocess.Popen([PROGRAM, *map(str, self.words()), sys.executable, "-c", script], stdout=subprocess.PIPE,
                              env=self.environment) as process:
            seen = b""
            while chunk := os.read(process.stdout.fileno(), 70000):
                seen += chunk
                time.sleep(0.06)
        self.assertEqual(seen.replace(b"x", b""), MARK * 6)

    def test_a_short_value_is_said_not_to_be_redacted(self):
        self.set(f"{SCOPE}/PIN", b"123")
        done = self.run_exec((), "sh", "-c", "echo $PIN")
        self.assertEqual(done.stdout, b"123\n")
        self.assertIn(b"warning: the value of PIN is shorter than 4 bytes and is not redacted", done.stderr)

    def test_no_redact_becomes_the_program(self):
        with subprocess.Popen([PROGRAM, *map(str, self.words("--no-redact")), "sh", "-c", "echo $$ $DB_PASSWORD"],
                              stdout=subprocess.PIPE, env=self.environment) as process:
            self.assertEqual(process.communicate(timeout=PATIENCE)[0], f"{process.pid} hunter2!\n".encode())


class Passing(ExecCase):
    def start(self, *command, **options):
        process = subprocess.Popen([PROGRAM, *map(str, self.words()), *command], stdout=subprocess.PIPE,
                                   env=self.environment, **options)
        self.addCleanup(process.stdout.close)
        self.addCleanup(self.end, process)
        return process

    def end(self, process):
        """With its program, which would live on after a SIGKILL of coffer."""
        process.terminate()
        try:
            process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def test_the_status_is_passed_on(self):
        for status in (0, 1, 3, 77, 255):
            self.assertEqual(self.run_exec((), "sh", "-c", f"exit {status}").returncode, status)

    def test_the_signal_that_ended_it_is_passed_on(self):
        for number in (signal.SIGTERM, signal.SIGKILL, signal.SIGINT, signal.SIGPIPE, signal.SIGSEGV):
            self.assertEqual(self.run_exec((), "sh", "-c", f"kill -{int(number)} $$").returncode, -number)

    def test_signals_are_forwarded(self):
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2, signal.SIGQUIT):
            process = self.start("sh", "-c", f"trap 'echo got it; exit 9' {int(number)}; echo ready; while :; do sleep 0.02; done")
            self.assertEqual(process.stdout.readline(), b"ready\n")
            process.send_signal(number)
            self.assertEqual(process.wait(PATIENCE), 9)
            self.assertEqual(process.stdout.readline(), b"got it\n")

    def test_the_program_starts_with_the_signals_and_limits_that_there_were(self):
        # Without the two signals that the C library keeps for itself.
        script = ("import os, resource; print([int(line.split()[1], 16) & 0x7fffffff for line in open('/proc/self/status')"
                  " if line.startswith(('SigBlk', 'SigIgn'))], resource.getrlimit(resource.RLIMIT_CORE), os.listdir('/proc/self/fd'))")
        self.assertEqual(self.run_exec((), sys.executable, "-c", script).stdout,
                         subprocess.run([sys.executable, "-c", script], stdin=subprocess.DEVNULL, capture_output=True,
                                        check=True).stdout)

    def test_what_was_ignored_stays_ignored(self):
        # systemd starts services so, unless IgnoreSIGPIPE= says otherwise.
        show = ("grep", "SigIgn", "/proc/self/status")
        for command in (show, [PROGRAM, *map(str, self.words()), *show], [PROGRAM, *map(str, self.words("--no-redact")), *show]):
            done = subprocess.run(command, stdout=subprocess.PIPE, env=self.environment, timeout=PATIENCE, check=True,
                                  restore_signals=False, preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
            self.assertTrue(int(done.stdout.split()[1], 16) & 1 << signal.SIGPIPE - 1, command)

    def test_who_writes_to_its_stdin_learns_when_it_reads_no_more(self):
        read, write = os.pipe()
        process = self.start("sh", "-c", "exec <&-; echo closed; while :; do sleep 0.02; done", stdin=read)
        os.close(read)
        self.assertEqual(process.stdout.readline(), b"closed\n")
        poll = select.poll()
        poll.register(write, 0)
        self.assertEqual(poll.poll(PATIENCE * 1000), [(write, select.POLLERR)])
        os.close(write)

    def test_closed_outputs_stay_closed_and_nothing_else_is_there(self):
        def close(*numbers):
            return lambda: [os.close(number) for number in numbers]
        show = "import os, sys\ntry: os.write(1, b'x')\nexcept OSError: os.write(2, b'no stdout')"
        words = [PROGRAM, *map(str, self.words()), sys.executable, "-c", show]
        done = subprocess.run(words, stderr=subprocess.PIPE, env=self.environment, timeout=PATIENCE, preexec_fn=close(0, 1), check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b"no stdout"))
        for numbers in ((0, 1), (0, 1, 2), (1, 2), (2,)):
            words = [PROGRAM, *map(str, self.words()), "sh", "-c", "readlink /proc/$$/fd/* | sort -u > \"$0\"", self.folder / "open"]
            subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           env=self.environment, timeout=PATIENCE, preexec_fn=close(*numbers), check=True)
            for line in (self.folder / "open").read_text().splitlines():
                self.assertRegex(line, r"^(/dev/null|pipe:.*|/proc/\d+/fd)$", numbers)

    def test_stdin_is_its_own_and_words_are_as_they_are(self):
        self.assertEqual(self.run_exec((), "cat", stdin=b"\0some input").stdout, b"\0some input")
        words = ["[a,b]", "--json", "--", "%%", "", "a b", "{}"]
        done = self.run_exec((), "printf", "<%s>", *words)
        self.assertEqual(done.stdout.decode(), "".join(f"<{word}>" for word in words))

    def test_a_closed_output_reaches_the_program(self):
        process = self.start("sh", "-c", "yes; exit $?")
        self.assertEqual(process.stdout.readline(), b"y\n")
        process.stdout.close()
        self.assertIn(process.wait(PATIENCE), (141, 1))

    def test_what_outlives_the_program_is_not_waited_for_and_not_lost(self):
        out = self.folder / "out"
        gate = self.folder / "gate"
        os.mkfifo(gate)
        with out.open("wb") as file:
            done = subprocess.run([PROGRAM, *map(str, self.words()), "sh", "-c",
                                   f"(read go < {gate}; echo late $DB_PASSWORD) & echo early"],
                                  stdout=file, env=self.environment, timeout=PATIENCE, check=False)
        self.assertEqual((done.returncode, out.read_bytes()), (0, b"early\n"))
        gate.write_text("go\n")
        end = time.monotonic() + PATIENCE
        while out.read_bytes() != b"early\nlate [redacted]\n":
            self.assertLess(time.monotonic(), end, out.read_bytes())
            time.sleep(0.01)


    def test_what_stays_for_it_has_its_memory_locked_and_forgets_the_values(self):
        gate = self.folder / "gate"
        os.mkfifo(gate)
        process = self.start("sh", "-c", f"(read go < {gate}) & echo early", preexec_fn=without_lock_rights)
        held = os.open(gate, os.O_RDWR)  # once it is closed, the reader ends
        self.addCleanup(os.close, held)
        self.assertEqual(process.wait(PATIENCE), 0)
        stays = self.processes_of(str(self.identity_file))
        self.assertEqual(len(stays), 1)
        self.has_locked_memory(stays[0])
        self.assertEqual([link for link in map(os.readlink, pathlib.Path(f"/proc/{stays[0]}/fd").iterdir()) if "store.db" in link], [])


class Terminal:
    """The tool in a session of its own, as a shell's job would be, on a terminal of its own."""

    def __init__(self, case, *words, before=lambda: None):
        self.case, self.seen = case, b""
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            before()
            os.execve(PROGRAM, [PROGRAM, *map(str, words)], case.environment)
        case.addCleanup(self.clean)

    def clean(self):
        if self.pid:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            os.close(self.fd)

    def read_until(self, text):
        end = time.monotonic() + PATIENCE
        while text not in self.seen:
            self.case.assertTrue(select.select([self.fd], [], [], max(0, end - time.monotonic()))[0],
                                 f"waited for {text!r}, saw {self.seen!r}")
            try:
                self.seen += os.read(self.fd, 4096)
            except OSError:
                self.case.fail(f"ended before {text!r}: {self.seen!r}")
        before, self.seen = self.seen.split(text, 1)
        return before

    def type(self, text):
        os.write(self.fd, text)

    def is_raw(self):
        return not termios.tcgetattr(self.fd)[3] & termios.ICANON

    def end(self):
        while True:
            try:
                chunk = os.read(self.fd, 4096)
            except OSError:
                chunk = b""
            if not chunk:
                break
            self.seen += chunk
        pid, self.pid = self.pid, 0
        os.close(self.fd)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


class AtATerminal(ExecCase):
    def terminal(self, *command):
        return Terminal(self, *self.words(), *command)

    def test_the_program_sees_a_terminal_and_what_it_writes_is_redacted(self):
        tty = self.terminal("sh", "-c", 'test -t 0 -a -t 1 -a -t 2 && echo "it is: $DB_PASSWORD"; echo err $DB_PASSWORD >&2;'
                                        ' echo direct $DB_PASSWORD > /dev/tty; exit 5')
        self.assertEqual(tty.end(), 5)
        self.assertEqual(tty.seen, b"it is: [redacted]\r\nerr [redacted]\r\ndirect [redacted]\r\n")

    def test_what_is_typed_reaches_it_with_its_own_modes(self):
        tty = self.terminal("sh", "-c", "stty -echo; echo ready; read x; stty echo; echo \"<$x>\"; read y; echo \"<$y>\"")
        tty.read_until(b"ready\r\n")
        self.assertTrue(tty.is_raw())
        tty.type(b"one\n")
        tty.read_until(b"<one>\r\n")
        tty.type(b"two\n")
        tty.read_until(b"two\r\n<two>\r\n")
        self.assertEqual(tty.end(), 0)

    def test_the_terminal_is_given_back_as_it_was(self):
        tty = Terminal(self, *self.words(), "sh", "-c", "echo ready; read x; kill -9 $$")
        held = os.dup(tty.fd)
        tty.read_until(b"ready")
        self.assertTrue(tty.is_raw())
        tty.type(b"\n")
        self.assertEqual(tty.end(), -signal.SIGKILL)
        self.assertTrue(termios.tcgetattr(held)[3] & termios.ICANON)
        os.close(held)

    def test_an_interrupt_is_the_programs(self):
        tty = self.terminal("sh", "-c", "trap 'echo interrupted; exit 4' INT; echo ready; while :; do sleep 0.02; done")
        tty.read_until(b"ready")
        tty.type(b"\x03")
        tty.read_until(b"interrupted")
        self.assertEqual(tty.end(), 4)
        tty = self.terminal("sh", "-c", "echo ready; exec sleep 1000")
        tty.read_until(b"ready")
        tty.type(b"\x03")
        self.assertEqual(tty.end(), -signal.SIGINT)

    def test_a_value_of_short_lines_is_redacted_as_a_terminal_shows_it(self):
        self.set(f"{SCOPE}/LINES", b"ab\ncd\nef\ngh")
        tty = self.terminal("sh", "-c", 'echo "<$LINES>"')
        self.assertEqual((tty.end(), tty.seen), (0, b"<[redacted]>\r\n"))

    def test_a_terminal_that_is_gone_is_gone_for_the_program_too(self):
        # Also for one that does not heed SIGHUP, whether it writes or reads.
        for work in ("yes", "cat"):
            mark = self.folder / work
            tty = self.terminal("sh", "-c", f"trap '' HUP; echo ready; {work}; echo ended > {mark}")
            tty.read_until(b"ready")
            os.close(tty.fd)
            pid, tty.pid = tty.pid, 0
            self.addCleanup(self.end_of, pid)
            self.end_of(pid, mark)

    def end_of(self, pid, mark=None):
        """Waits for a process, with patience; it is killed and the test fails where that is over."""
        try:
            end = time.monotonic() + PATIENCE / 4
            while os.waitpid(pid, os.WNOHANG)[0] == 0:
                if time.monotonic() > end:
                    os.kill(pid, signal.SIGKILL)
                    os.waitpid(pid, 0)
                    self.fail("it does not end")
                time.sleep(0.01)
        except ChildProcessError:
            return
        self.assertEqual(mark.read_text(), "ended\n")

    def test_the_leader_of_a_session_passes_on_that_its_terminal_is_gone(self):
        out = self.folder / "out"
        pid, fd = pty.fork()
        if pid == 0:
            os.dup2(os.open(out, os.O_WRONLY | os.O_CREAT), 1)
            os.execve(PROGRAM, [PROGRAM, *map(str, self.words()), "sh", "-c",
                                "trap 'echo gone; exit 3' HUP; echo ready; for i in $(seq 500); do sleep 0.02; done"], self.environment)
        end = time.monotonic() + PATIENCE
        while not out.exists() or out.read_bytes() != b"ready\n":
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        os.close(fd)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 3)
        self.assertEqual(out.read_bytes(), b"ready\ngone\n")

    def test_the_session_of_the_program_is_led_with_locked_memory(self):
        tty = Terminal(self, *self.words(), "sh", "-c", "echo ready; read x", before=without_lock_rights)
        tty.read_until(b"ready")
        ours = self.processes_of(str(self.identity_file))
        self.assertEqual(len(ours), 2)
        for pid in ours:
            self.has_locked_memory(pid)
        tty.type(b"\n")
        self.assertEqual(tty.end(), 0)

    def test_its_size_and_changes_of_it_pass_through(self):
        tty = self.terminal("bash", "-c", "trap 'stty size' WINCH; stty size; echo ready; while :; do read -t 0.05 x && exit; done")
        tty.read_until(b"ready")
        fcntl.ioctl(tty.fd, termios.TIOCSWINSZ, struct.pack("HHHH", 33, 111, 0, 0))
        tty.read_until(b"33 111")
        tty.type(b"\n")
        tty.end()

    def test_a_job_can_be_stopped_and_goes_on(self):
        # A shell with job control watches: it sees the job stop, has the terminal, and brings the job back.
        words = " ".join(f"'{word}'" for word in [PROGRAM, *map(str, self.words())])
        shell = Terminal.__new__(Terminal)
        shell.case, shell.seen = self, b""
        shell.pid, shell.fd = pty.fork()
        if shell.pid == 0:
            os.execve("/bin/bash", ["bash", "--norc", "--noprofile", "-i"], dict(self.environment, PS1="$ ", TERM="dumb"))
        self.addCleanup(shell.clean)
        shell.read_until(b"$ ")
        shell.type(words.encode() + b" sh -c 'echo be\"\"gun; read x; echo \"got <$x>\"; exit 6'\n")
        shell.read_until(b"begun")
        self.assertTrue(shell.is_raw())
        shell.type(b"\x1a")
        shell.read_until(b"Stopped")
        shell.read_until(b"$ ")
        shell.type(b"echo in\"\" the shell; fg\n")
        shell.read_until(b"in the shell")
        end = time.monotonic() + PATIENCE
        while not shell.is_raw():
            self.assertLess(time.monotonic(), end)
            time.sleep(0.01)
        shell.type(b"a line\n")
        shell.read_until(b"got <a line>")
        shell.read_until(b"$ ")
        shell.type(b"echo status $?\n")
        shell.read_until(b"status 6")
        shell.type(b"exit\n")
        self.assertEqual(shell.end(), 0)

    def test_stdin_from_elsewhere_stays_while_the_output_is_a_terminal(self):
        tty = Terminal.__new__(Terminal)
        tty.case, tty.seen = self, b""
        read, write = os.pipe()
        os.write(write, b"from a pipe")
        os.close(write)
        tty.pid, tty.fd = pty.fork()
        if tty.pid == 0:
            os.dup2(read, 0)
            os.execve(PROGRAM, [PROGRAM, *map(str, self.words()), "sh", "-c", "cat; test -t 1 && echo ' on a terminal'"],
                      self.environment)
        os.close(read)
        self.addCleanup(tty.clean)
        self.assertEqual(tty.end(), 0)
        self.assertEqual(tty.seen, b"from a pipe on a terminal\r\n")


if __name__ == "__main__":
    unittest.main()
