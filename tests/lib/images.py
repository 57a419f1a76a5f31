# SPDX-License-Identifier: Apache-2.0
"""Images of root trees, made by the tools that the file systems themselves come with."""

import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import subprocess

TYPES = ("erofs", "squashfs")
TOOLS = ("mkfs.erofs", "mksquashfs")


def why_not():
    missing = [tool for tool in TOOLS if not shutil.which(tool)]
    return f"needs {', '.join(missing)} (tools/deps installs them)" if missing else None


def make(kind, tree, path, *options):
    """An image of the tree at `path`, of type `kind`."""
    command = {"erofs": ["mkfs.erofs", "--quiet", *options, path, tree],
               "squashfs": ["mksquashfs", tree, path, "-quiet", "-noappend", "-no-progress", *options]}[kind]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done
    return path


def sha256(path):
    return hashlib.sha256(pathlib.Path(path).read_bytes()).hexdigest()


def format_verity(image):
    """Writes IMAGE.verity; the root hash."""
    done = subprocess.run(["veritysetup", "format", image, f"{image}.verity"], capture_output=True, text=True,
                          check=True)
    return re.search(r"^Root hash:\s*([0-9a-f]{64})$", done.stdout, re.M)[1]


def flip(path, offset):
    with open(path, "r+b") as f:
        f.seek(offset)
        byte = f.read(1)
        f.seek(offset)
        f.write(bytes([byte[0] ^ 1]))


def offset_of(path, text):
    """Where an uncompressed image has these bytes."""
    offset = pathlib.Path(path).read_bytes().find(text)
    assert offset >= 0, f"{text!r} is not in {path}"
    return offset


def loops(directory):
    """The loop devices whose files lie beneath a directory."""
    found = {}
    for device in pathlib.Path("/sys/block").glob("loop*"):
        with contextlib.suppress(OSError):
            backing = (device / "loop/backing_file").read_text().strip()
            if backing.startswith(os.fspath(directory)):
                found[device.name] = backing
    return found
