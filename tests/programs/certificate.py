# SPDX-License-Identifier: Apache-2.0
"""Certificates of 127.0.0.1 that vouch for themselves."""
import pathlib
import subprocess


def self_signed(folder: pathlib.Path, name: str) -> tuple[bytes, bytes]:
    """A private key and its certificate, both PEM."""
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc",
                    "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2", "-keyout", key,
                    "-out", certificate], check=True, stderr=subprocess.PIPE)
    return key.read_bytes(), certificate.read_bytes()
