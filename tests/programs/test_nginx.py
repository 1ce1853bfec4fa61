# SPDX-License-Identifier: Apache-2.0
"""nginx: its certificate and key, with rotation; a part of its configuration, which it reads by the size it is told."""
import signal

from certificate import self_signed
from patience import soon
from program_case import ProgramCase
from users import ADA, BEN, READERS, SERVER

RULES = """
[[rule]]
name    = "nginx, run by USER, has its key and a part of its configuration"
secrets = ["acme/USER/test/NGINX_PEM", "acme/USER/test/NGINX_TOKEN"]
user    = "USER"
exe     = "/usr/sbin/nginx"
"""


class Nginx(ProgramCase):
    programs = ("nginx", "curl")
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        key, cls.certificate = self_signed(folder, "nginx-1")
        return {"NGINX_PEM": key + cls.certificate, "NGINX_TOKEN": b"# upstream\nset $token 'a token';\n"}

    def nginx(self, user, server, *options):
        """The command of an nginx of that user's, with this text as its server."""
        temporary = " ".join(f"{kind}_temp_path {user.home}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = self.give(user, user.home / "nginx.conf", f"""
            daemon off; pid {user.home}/nginx.pid; worker_processes 1; error_log stderr;
            events {{ worker_connections 64; }}
            http {{ access_log off; {temporary}
                server {{ {server} }} }}""")
        return ["nginx", "-e", "stderr", "-p", user.home, "-c", configuration, *options]

    def with_tls(self, user, file, *options):
        # One secret for both: key and certificate never differ in age.
        return self.nginx(user, f"listen 127.0.0.1:8443 ssl; ssl_certificate {file}; ssl_certificate_key {file}; "
                          "location / { return 200 'over TLS'; }", *options)

    def fetch(self, certificate):
        """With a client that trusts that certificate alone."""
        trusted = self.give(SERVER, SERVER.home / "trusted.crt", certificate.decode())
        return self.run_as(SERVER, "curl", "-sS", "--cacert", trusted, "https://127.0.0.1:8443/").stdout

    def test_nginx_serves_with_its_key(self):
        for user in READERS:
            with self.subTest(user=user.name):
                server = self.serve(user, 8443, *self.with_tls(user, user.file("NGINX_PEM")))
                self.assertEqual(self.fetch(self.certificate), "over TLS")
                self.end(server)

    def test_nginx_does_not_start_with_the_key_of_another(self):
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                command = self.with_tls(user, other.file("NGINX_PEM"), "-t")
                self.refused(user, other, "NGINX_PEM", lambda: self.run_as(user, *command), "No such file or directory")

    def test_the_key_is_for_nginx_alone(self):
        self.for_its_program_alone("NGINX_PEM")

    def test_a_reload_serves_the_new_certificate(self):
        server = self.serve(ADA, 8443, *self.with_tls(ADA, ADA.file("NGINX_PEM")))
        self.assertEqual(self.fetch(self.certificate), "over TLS")
        key, certificate = self_signed(self.folder, "nginx-2")
        self.assertEqual(self.fetch(certificate), "")
        self.store.set(ADA, "NGINX_PEM", key + certificate)

        def new_one_is_served():
            server.send_signal(signal.SIGHUP)  # as nginx -s reload does
            return self.fetch(certificate) == "over TLS"
        self.assertTrue(soon(new_one_is_served))
        self.store.set(ADA, "NGINX_PEM", (self.folder / "nginx-1.key").read_bytes() + self.certificate)

    def test_nginx_includes_a_file_by_its_size(self):
        def include(user, file, *options):
            return self.nginx(user, f"listen 127.0.0.1:8080; include {file}; location / {{ return 200 $token; }}", *options)
        for user, other in ((ADA, BEN), (BEN, ADA)):
            with self.subTest(user=user.name):
                server = self.serve(user, 8080, *include(user, user.file("NGINX_TOKEN")))
                self.assertEqual(self.do_as(SERVER, "curl", "-sS", "http://127.0.0.1:8080/"), "a token")
                self.end(server)
                command = include(user, other.file("NGINX_TOKEN"), "-t")
                self.refused(user, other, "NGINX_TOKEN", lambda: self.run_as(user, *command), "No such file or directory")
