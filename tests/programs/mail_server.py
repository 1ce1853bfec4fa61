# SPDX-License-Identifier: Apache-2.0
"""MailServer: an SMTP server over TLS that takes mail from who knows the password, one connection after the other."""
import base64
import socket
import ssl
import threading


class MailServer:
    def __init__(self, port: int, certificate, key, user: str, password: str):
        self.mails: list[str] = []
        self._wanted = f"\0{user}\0{password}".encode()
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._listener = socket.create_server(("127.0.0.1", port))
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:  # closed
                return
            try:
                with self._context.wrap_socket(connection, server_side=True) as client, client.makefile("rwb") as stream:
                    self._talk(stream)
            except OSError:  # the client left; what it achieved is in `mails`
                pass

    def _talk(self, stream) -> None:
        def say(line: str) -> None:
            stream.write(line.encode() + b"\r\n")
            stream.flush()

        known = False
        say("220 here")
        for line in stream:
            verb = line.split()[0].upper() if line.split() else b""
            if verb == b"EHLO":
                say("250-here\r\n250 AUTH PLAIN")
            elif verb == b"AUTH":
                known = base64.b64decode(line.split()[2]) == self._wanted
                say("235 welcome" if known else "535 wrong password")
            elif verb == b"QUIT":
                say("221 bye")
                return
            elif not known:
                say("530 who are you?")
            elif verb == b"DATA":
                say("354 go on")
                self.mails.append(b"".join(iter(stream.readline, b".\r\n")).decode())
                say("250 taken")
            else:
                say("250 fine")
