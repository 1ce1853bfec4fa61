# SPDX-License-Identifier: Apache-2.0
"""The mount that all cases look at: its nodes, its callers, and who sees which."""
import contextlib
import ctypes
import json
import os
import pathlib
import random
import signal
import sys
import traceback
from typing import Callable, NamedTuple

from mounted_store import MountedStore
from users import ADA, BEN

FOLDER = pathlib.Path("/run/conformance")
MOUNT = FOLDER / "mount"
PATIENCE = 120
LONG = os.environ.get("COFFER_TEST_LONG") == "1"
SEED = int(os.environ.get("COFFER_TEST_SEED") or random.SystemRandom().getrandbits(32))
TEST = "acme/coffer-ada/test"
TEMPLATE_VALUE = b"one line"
MANY = 400  # names in one directory: more than a listing's buffer takes


class Caller(NamedTuple):
    name: str
    uid: int


CALLERS = (Caller("ada", ADA.uid), Caller("ben", BEN.uid), Caller("root", 0))

# The kind of each node for Ada, who may read all below acme/coffer-ada; for Ben, who sees her folder for one KEY there;
# and for root, to whom no rule gives anything but who is of /.coffer.
NODES = {
    "": ("root", "root", "root"),
    "acme": ("directory", "directory", "hidden directory"),
    "acme/coffer-ada": ("directory", "directory", "unreachable"),
    TEST: ("directory", "directory", "unreachable"),
    f"{TEST}/KNOWN": ("KEY", "KEY", "unreachable"),
    f"{TEST}/SECRET": ("KEY", "absent", "unreachable"),
    f"{TEST}/EMPTY": ("empty KEY", "absent", "unreachable"),
    f"{TEST}/LARGE": ("KEY", "absent", "unreachable"),
    f"{TEST}/WIDE": ("KEY", "absent", "unreachable"),
    f"{TEST}/SHOWN_TO_ALL": ("KEY of another owner", "KEY of another owner", "unreachable"),
    f"{TEST}/app.conf": ("rendered", "absent", "unreachable"),
    f"{TEST}/NOTHING": ("absent", "absent", "unreachable"),
    "acme/coffer-ada/many": ("directory", "hidden directory", "unreachable"),
    "acme/hidden": ("absent", "absent", "unreachable"),
    "acme/hidden/test": ("unreachable", "unreachable", "unreachable"),
    "acme/hidden/test/KEY": ("unreachable", "unreachable", "unreachable"),
    "nowhere": ("absent", "absent", "absent"),
    ".coffer": ("absent", "absent", "directory"),
    ".coffer/status.json": ("unreachable", "unreachable", "status"),
    ".coffer/metrics": ("unreachable", "unreachable", "status"),
    ".coffer/revision": ("unreachable", "unreachable", "status"),
    ".coffer/nothing": ("unreachable", "unreachable", "absent"),
}

SIZES = (0, 1, 2, 63, 64, 65, 255, 256, 257, 1023, 1024, 4095, 4096, 4097, 16383, 16384, 16385, 65536, 131073, 1 << 20)


def value_of(size: int) -> bytes:
    return random.Random(f"{SEED} {size}").randbytes(size)


VALUES = {f"SIZE_{size}": value_of(size) for size in SIZES}

RULES = f"""
[[rule]]
name = "Ada's own"
secrets = "acme/coffer-ada/**"
uid = {ADA.uid}

[[rule]]
name = "as others present it"
secrets = "{TEST}/SHOWN_TO_ALL"
uid = [{ADA.uid}, {BEN.uid}]
mode = "0440"
owner = "root"
owner_group = "root"

[[rule]]
name = "what may be mapped"
secrets = "acme/coffer-ada/cached/**"
uid = {ADA.uid}
cached = true
"""


def furnish() -> None:
    FOLDER.mkdir()
    for name in ("conformance-source", "conformance-target.file"):
        pathlib.Path("/run", name).touch(0o666)
    pathlib.Path("/run/conformance-source").chmod(0o666)
    pathlib.Path("/run/conformance-target").mkdir()


@contextlib.contextmanager
def store():
    one = MountedStore(FOLDER)
    one.policy += RULES
    import_values(one, TEST, {"SECRET": b"the value that is Ada's", "EMPTY": b"", "LARGE": bytes(100000),
                              "SHOWN_TO_ALL": b"shown", "LINE": TEMPLATE_VALUE})
    import_values(one, "acme/coffer-ada/many", {f"KEY_{i:04}": b"%d" % i for i in range(MANY)})
    for domain in ("sizes", "cached"):
        import_values(one, f"acme/coffer-ada/{domain}", VALUES)
    import_values(one, "acme/*/*", {"WIDE": b"of the whole organisation"})
    import_values(one, "acme/hidden/test", {"KEY": b"nobody's"})
    template = FOLDER / "app.conf.template"
    template.write_text("line={{ secret('LINE') }}\n")
    template.chmod(0o644)
    with (FOLDER / "store/coffer.toml").open("a") as configuration:
        configuration.write(f'\n[[template]]\npath = "{TEST}/app.conf"\nsource = "{template}"\n')
    with one:
        yield one


def import_values(one: MountedStore, scope: str, values: dict[str, bytes]) -> None:
    folder = FOLDER / "import"
    folder.mkdir()
    for key, value in values.items():
        (folder / key).write_bytes(value)
    one.tool("import", folder, "--format", "dir", "--scope", scope)
    for key in values:
        (folder / key).unlink()
    folder.rmdir()


def as_caller(caller: Caller, work: Callable[[], object]):
    """What `work` returns in a process of that user. One that hangs is killed, and a failure."""
    reading, writing = os.pipe()
    sys.stdout.flush()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setgroups([])
            os.setresgid(caller.uid, caller.uid, caller.uid)
            os.setresuid(caller.uid, caller.uid, caller.uid)
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)  # PR_SET_DUMPABLE: else /proc/self/fd were root's
            signal.alarm(PATIENCE * (10 if LONG else 1))
            answer = json.dumps(work())
            with os.fdopen(writing, "w") as out:
                out.write(answer)
            status = 0
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as answer:
        text = answer.read()
    status = os.waitpid(child, 0)[1]
    if status != 0:
        raise AssertionError(f"{caller.name}'s process ended with status {status:#x}")
    return json.loads(text)
