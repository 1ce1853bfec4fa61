# SPDX-License-Identifier: Apache-2.0
"""The entrypoint scripts of container images, which take NAME from the file that NAME_FILE names."""
from program_case import ProgramCase

RULES = """
[[rule]]
name    = "the entrypoint has the password of USER"
secrets = "acme/USER/test/DB_PASSWORD"
user    = "USER"
"""
# As the official images do it.
ENTRYPOINT = """#!/bin/bash
set -eu
file_env() {
    local var=$1 file_var=${1}_FILE
    if [ "${!var:-}" ] && [ "${!file_var:-}" ]; then
        echo >&2 "error: both $var and $file_var are set (but are exclusive)"
        exit 1
    fi
    local value=${2:-}
    if [ "${!var:-}" ]; then
        value=${!var}
    elif [ "${!file_var:-}" ]; then
        value=$(< "${!file_var}")
    fi
    export "$var=$value"
    unset "$file_var"
}
file_env DB_PASSWORD
exec "$@"
"""


class Entrypoint(ProgramCase):
    programs = ("bash",)
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        return {"DB_PASSWORD": b"correct horse\n"}

    def test_an_entrypoint_hands_the_file_on_as_a_variable(self):
        def start(user, file):
            script = self.give(user, user.home / "entrypoint.sh", ENTRYPOINT, mode=0o700)
            return self.run_as(user, script, "sh", "-c", 'echo "password: $DB_PASSWORD, file: ${DB_PASSWORD_FILE:-unset}"',
                               env={"DB_PASSWORD_FILE": file})
        self.each_with_its_own("DB_PASSWORD", start, shows="password: correct horse, file: unset",
                               says="No such file or directory")
