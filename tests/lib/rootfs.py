# SPDX-License-Identifier: Apache-2.0
"""Small root trees that hold the payload, and their manifests."""

import contextlib
import hashlib
import os
import pathlib
import shutil
import tempfile

from lib import build

MANIFEST = ".nucleus-rootfs-sha256"
PASSWD = "root:x:0:0::/:/bin/sh\nweb:x:1000:1001::/:/bin/sh\ntwin:x:1002:1001::/:/bin/sh\n"
GROUP = "root:x:0:\nweb:x:1001:\nextra:x:2000:\nlog:x:2001:twin\n"


def make(path, directories=()):
    """A root tree at `path`: /bin/payload, accounts, and the mount points that nucleus-exec never makes."""
    root = os.fspath(path)
    for d in ("", "bin", "dev", "proc", "tmp", "etc", "run", *(d.lstrip("/") for d in directories)):
        os.makedirs(os.path.join(root, d), exist_ok=True)
        os.chmod(os.path.join(root, d), 0o755)
    shutil.copy(build.payload(), os.path.join(root, "bin/payload"))
    os.chmod(os.path.join(root, "bin/payload"), 0o755)
    write(os.path.join(root, "etc/passwd"), PASSWD)
    write(os.path.join(root, "etc/group"), GROUP)
    return root


def write(path, text):
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, 0o644)


def give(path, uid, gid):
    """Hands a tree to another owner, links included."""
    for top, directories, files in os.walk(path):
        for name in (".", *directories, *files):
            os.lchown(os.path.join(top, name), uid, gid)


@contextlib.contextmanager
def public_directory():
    """A directory that everyone can pass through, unlike those of pytest."""
    with tempfile.TemporaryDirectory(prefix="nucleus-test-") as path:
        os.chmod(path, 0o755)
        yield pathlib.Path(path)


def attest(root):
    """Writes the manifest of the first form; returns the digest that pins it."""
    lines = []
    for top, _, files in os.walk(root):
        for name in files:
            path = os.path.join(top, name)
            relative = os.path.relpath(path, root)
            if relative != MANIFEST and not os.path.islink(path):
                with open(path, "rb") as f:
                    lines.append((os.fsencode(relative), hashlib.sha256(f.read()).hexdigest().encode()))
    text = b"".join(digest + b"\t" + name + b"\n" for name, digest in sorted(lines))
    with open(os.path.join(root, MANIFEST), "wb") as f:
        f.write(text)
    return hashlib.sha256(text).hexdigest()


def snapshot(path):
    """Everything about a tree that an attack could change, to compare before and after."""
    seen = {}
    for top, directories, files in os.walk(path):
        for name in (".", *directories, *files):
            p = os.path.normpath(os.path.join(top, name))
            st = os.lstat(p)
            content = None
            if os.path.islink(p):
                content = os.readlink(p)
            elif os.path.isfile(p):
                with open(p, "rb") as f:
                    content = f.read()
            seen[p] = (st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, st.st_ino, content)
    return seen
