# SPDX-License-Identifier: Apache-2.0
"""Users of these tests: two who each have a folder of secrets, and one who runs servers and may read nothing."""
import pathlib
from typing import Iterator, NamedTuple

FOLDER = pathlib.Path("/run/programs")  # in a /run that is these tests' own


class User(NamedTuple):
    name: str
    uid: int

    @property
    def home(self) -> pathlib.Path:
        return FOLDER / "home" / self.name

    def secret(self, key: str) -> str:
        """Its name in the store."""
        return f"acme/{self.name}/test/{key}"

    def file(self, key: str) -> pathlib.Path:
        """Where it is shown."""
        return FOLDER / "mount" / self.secret(key)


ADA = User("coffer-ada", 61001)
BEN = User("coffer-ben", 61002)
SERVER = User("coffer-server", 61003)
READERS = (ADA, BEN)
ALL = (ADA, BEN, SERVER)


def account_files() -> Iterator[tuple[str, str, int]]:
    """This machine's accounts and these users: name in /etc, text, mode."""
    def with_users(name: str, line) -> str:
        kept = [old for old in pathlib.Path("/etc", name).read_text().splitlines()
                if old.split(":")[0] not in {user.name for user in ALL}]
        return "\n".join(kept + [line(user) for user in ALL]) + "\n"

    yield "passwd", with_users("passwd", lambda u: f"{u.name}:x:{u.uid}:{u.uid}::{u.home}:/bin/sh"), 0o644
    yield "group", with_users("group", lambda u: f"{u.name}:x:{u.uid}:"), 0o644
    yield "shadow", with_users("shadow", lambda u: f"{u.name}:*:19000:0:99999:7:::"), 0o600
