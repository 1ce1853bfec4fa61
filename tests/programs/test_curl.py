# SPDX-License-Identifier: Apache-2.0
"""curl: its passwords, and its certificate."""
from certificate import self_signed
from program_case import ProgramCase
from users import SERVER

RULES = """
[[rule]]
name    = "curl has the passwords and the certificate of USER"
secrets = ["acme/USER/test/NETRC", "acme/USER/test/CLIENT_CERT", "acme/USER/test/CLIENT_KEY"]
user    = "USER"
exe     = "/usr/bin/curl"
"""


class Curl(ProgramCase):
    programs = ("curl", "nginx")
    rules = RULES

    @classmethod
    def make_secrets(cls, folder):
        self_signed(folder, "site")
        key, certificate = self_signed(folder, "client")
        netrc = b"machine 127.0.0.1 login app password correct-horse\n"
        return {"NETRC": netrc, "CLIENT_KEY": key, "CLIENT_CERT": certificate}

    def setUp(self):
        """A site that wants a password on one port and a certificate on another."""
        for name in ("site.key", "site.crt", "client.crt"):
            self.give(SERVER, SERVER.home / name, (self.folder / name).read_text())
        self.give(SERVER, SERVER.home / "passwords", "app:{PLAIN}correct-horse\n")
        (SERVER.home / "site").mkdir(exist_ok=True)
        self.give(SERVER, SERVER.home / "site/index.html", "come in")
        temporary = " ".join(f"{kind}_temp_path {SERVER.home}/{kind};"
                             for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        configuration = self.give(SERVER, SERVER.home / "site.conf", f"""
            daemon off; pid {SERVER.home}/site.pid; worker_processes 1; error_log stderr;
            events {{ worker_connections 64; }}
            http {{ access_log off; {temporary} root {SERVER.home}/site;
                ssl_certificate site.crt; ssl_certificate_key site.key;
                server {{ listen 127.0.0.1:8081; auth_basic site; auth_basic_user_file passwords; }}
                server {{ listen 127.0.0.1:8444 ssl; ssl_client_certificate client.crt; ssl_verify_client on; }} }}""")
        self.serve(SERVER, 8444, "nginx", "-e", "stderr", "-p", SERVER.home, "-c", configuration)

    def test_curl_has_its_password_from_a_netrc_file(self):
        def fetch(user, file):
            return self.run_as(user, "curl", "-sS", "--fail", "--netrc-file", file, "http://127.0.0.1:8081/")
        self.each_with_its_own("NETRC", fetch, shows="come in", says="401")

    def fetch_with(self, user, certificate, key):
        return self.run_as(user, "curl", "-sS", "--fail", "--cacert", self.folder / "site.crt", "--cert", certificate,
                           "--key", key, "https://127.0.0.1:8444/")

    def test_curl_shows_its_certificate(self):
        self.each_with_its_own("CLIENT_CERT", lambda user, file: self.fetch_with(user, file, user.file("CLIENT_KEY")),
                               shows="come in", says="could not load PEM client certificate")

    def test_curl_has_its_key(self):
        self.each_with_its_own("CLIENT_KEY", lambda user, file: self.fetch_with(user, user.file("CLIENT_CERT"), file),
                               shows="come in", says="unable to set private key file")

    def test_both_are_for_curl_alone(self):
        for key in ("NETRC", "CLIENT_KEY"):
            self.for_its_program_alone(key)
