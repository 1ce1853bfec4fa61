# SPDX-License-Identifier: Apache-2.0
"""PostgreSQL: the client's password file, the server's TLS key."""
import pathlib
import shutil
import signal

from certificate import self_signed
from patience import soon
from program_case import ProgramCase
from users import ADA, BEN, SERVER

RULES = """
[[rule]]
name    = "psql has the password of USER"
secrets = "acme/USER/test/PGPASS"
user    = "USER"
exe     = "/usr/lib/postgresql/*/bin/psql"  # /usr/bin/psql is a script that runs it

[[rule]]
name    = "a password of USER for psql that is shown too openly"
secrets = "acme/USER/test/OPEN_PGPASS"
user    = "USER"
mode    = "0440"

[[rule]]
name    = "postgres, run by USER, has its key"
secrets = "acme/USER/test/POSTGRES_PEM"
user    = "USER"
exe     = "/usr/lib/postgresql/*/bin/postgres"

[[rule]]
name        = "postgres, run by USER, has a key of root's and a group's"
secrets     = "acme/USER/test/POSTGRES_ROOT_PEM"
user        = "USER"
exe         = "/usr/lib/postgresql/*/bin/postgres"
owner       = "root"
owner_group = "USER"
mode        = "0440"
"""
BINARIES = max(pathlib.Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name), default=None)


class PostgreSql(ProgramCase):
    programs = ("psql", f"{BINARIES}/postgres", f"{BINARIES}/initdb")
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        key, cls.certificate = self_signed(folder, "postgres-1")
        (folder / "postgres.crt").write_bytes(cls.certificate)
        password = b"# host:port:database:user:password\n127.0.0.1:5432:*:app:correct horse\n"
        return {"PGPASS": password, "OPEN_PGPASS": password, "POSTGRES_PEM": key + cls.certificate,
                "POSTGRES_ROOT_PEM": key + cls.certificate}

    def cluster(self, user):
        """A new cluster of that user's, with a role `app` that has a password."""
        data = user.home / "cluster"
        template = SERVER.home / "cluster"
        if not template.exists():
            self.give(SERVER, SERVER.home / "password", "correct horse\n")
            self.do_as(SERVER, BINARIES / "initdb", "--no-sync", "--auth=scram-sha-256", "--username=app", "--encoding=UTF8",
                       "--locale=C", "--pwfile", SERVER.home / "password", "-D", template)
        if user != SERVER and not data.exists():
            shutil.copytree(template, data)
            for path in [data, *data.rglob("*")]:
                shutil.chown(path, user.uid, user.uid)
        return data

    def server(self, user, *options):
        return [BINARIES / "postgres", "-D", self.cluster(user), "-c", "listen_addresses=127.0.0.1", "-c", "port=5432",
                "-c", "unix_socket_directories=", "-c", "fsync=off", *options]

    @staticmethod
    def query(*command):
        return ["psql", "-w", "-X", "-At", "-c", "select 'forty' || 'two'", *command]

    def test_psql_has_its_password_from_a_file(self):
        self.serve(SERVER, 5432, *self.server(SERVER))

        def query(user, file):
            return self.run_as(user, *self.query("-h", "127.0.0.1", "-U", "app", "postgres"), env={"PGPASSFILE": file})
        self.each_with_its_own("PGPASS", query, shows="fortytwo", says="no password supplied")

    def test_the_password_is_for_psql_alone(self):
        self.for_its_program_alone("PGPASS")

    def test_psql_does_look_at_the_mode(self):
        self.serve(SERVER, 5432, *self.server(SERVER))
        done = self.run_as(ADA, *self.query("-h", "127.0.0.1", "-U", "app", "postgres"),
                           env={"PGPASSFILE": ADA.file("OPEN_PGPASS")})
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("has group or world access", done.stderr)

    def with_key(self, file):
        return ["-c", "ssl=on", "-c", f"ssl_key_file={file}", "-c", f"ssl_cert_file={self.folder}/postgres.crt"]

    def test_postgres_has_its_tls_key_in_the_mount(self):
        for user, key in ((ADA, "POSTGRES_PEM"), (BEN, "POSTGRES_PEM"), (ADA, "POSTGRES_ROOT_PEM")):
            with self.subTest(user=user.name, key=key):
                server = self.serve(user, 5432, *self.server(user, *self.with_key(user.file(key))))
                self.assertTrue(self.served(self.certificate))
                self.end(server)

    def test_postgres_does_not_start_with_the_key_of_another(self):
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                file = other.file("POSTGRES_PEM")
                command = self.server(user, *self.with_key(file))
                self.refused(user, other, "POSTGRES_PEM", lambda: self.run_as(user, *command),
                             f'"{file}": No such file or directory')

    def test_a_reload_serves_the_new_key_and_certificate(self):
        file = ADA.file("POSTGRES_PEM")
        server = self.serve(ADA, 5432, *self.server(ADA, "-c", "ssl=on", "-c", f"ssl_key_file={file}",
                                                    "-c", f"ssl_cert_file={file}"))
        self.assertTrue(self.served(self.certificate))
        key, certificate = self_signed(self.folder, "postgres-2")
        self.store.set(ADA, "POSTGRES_PEM", key + certificate)

        def new_one_is_served():
            server.send_signal(signal.SIGHUP)
            return self.served(certificate)
        self.assertTrue(soon(new_one_is_served))
        self.store.set(ADA, "POSTGRES_PEM", (self.folder / "postgres-1.key").read_bytes() + self.certificate)

    def served(self, certificate):
        """Whether psql, which trusts that certificate alone, accepts the server's."""
        trusted = self.give(SERVER, SERVER.home / "trusted.crt", certificate.decode())
        where = f"host=127.0.0.1 user=app dbname=postgres sslmode=verify-full sslrootcert={trusted}"
        return self.run_as(SERVER, *self.query(where), env={"PGPASSWORD": "correct horse"}).stdout == "fortytwo\n"
