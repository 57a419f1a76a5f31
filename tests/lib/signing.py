# SPDX-License-Identifier: Apache-2.0
"""Signatures made by openssl(1), so that what checks them is not what made them."""

import base64
import subprocess

SIGNATURE = ".nucleus-rootfs-sha256.sig"


def openssl(*arguments):
    return subprocess.run(["openssl", *map(str, arguments)], capture_output=True, check=True).stdout


class Key:
    """An Ed25519 key at `path`.pem; `public` is its text in configuration."""

    def __init__(self, path):
        self.path = path.with_suffix(".pem")
        openssl("genpkey", "-algorithm", "ed25519", "-out", self.path)
        # SubjectPublicKeyInfo ends in the 32 bytes of the key.
        der = openssl("pkey", "-in", self.path, "-pubout", "-outform", "DER")
        self.public = base64.b64encode(der[-32:]).decode()

    def sign(self, digest, subject="manifest-sha256"):
        """A line of a signature file."""
        statement = self.path.with_suffix(".statement")
        statement.write_text(f"nucleus-attestation 1\n{subject} {digest}\n")
        signature = openssl("pkeyutl", "-sign", "-rawin", "-inkey", self.path, "-in", statement)
        return f"ed25519 {self.public} {base64.b64encode(signature).decode()}\n"
