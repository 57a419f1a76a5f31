# SPDX-License-Identifier: Apache-2.0
"""A second writer of version 2 manifests, made from nucleus-manifest(5) alone, with Python's own tools: what the
programs write and read is compared with it."""

import hashlib
import os
import re
import stat

from lib.rootfs import MANIFEST

HEADER = b"nucleus-manifest 2\n"
NOT_OF_THE_TREE = {os.fsencode(MANIFEST + suffix) for suffix in ("", ".new", ".sig", ".sig.new")}
COVERED = ("user.", "system.")
CAPABILITY = "security.capability"


def escape(raw):
    return re.sub(rb"[^\x21-\x7e]|\\", lambda m: b"\\x%02x" % m[0][0], raw)


def attributes(path):
    found = []
    for name in os.listxattr(path, follow_symlinks=False):
        if name.startswith(COVERED) or name == CAPABILITY:
            value = os.getxattr(path, name, follow_symlinks=False)
            found.append((os.fsencode(name), value.hex().encode() or b"-"))
    return b"".join(b" " + escape(name) + b" " + value for name, value in sorted(found))


def line(root, path):
    """`path` is relative, bytes; empty for the root."""
    full = os.path.join(root, path) if path else root
    st = os.lstat(full)
    if stat.S_ISDIR(st.st_mode):
        kind, size, content = b"d", b"-", b"-"
    elif stat.S_ISLNK(st.st_mode):
        kind, size, content = b"l", b"-", escape(os.readlink(full))
    else:
        with open(full, "rb") as f:
            data = f.read()
        kind, size, content = b"f", b"%d" % len(data), hashlib.sha256(data).hexdigest().encode()
    mode = b"%04o" % (st.st_mode & 0o7777)
    head = b" ".join([kind, mode, b"%d" % st.st_uid, b"%d" % st.st_gid, size, content, escape(path) or b"."])
    return head + attributes(full) + b"\n"


def paths(root):
    """All of them, relative, in the order of their bytes; the root itself is empty and first."""
    found, stack = [b""], [b""]
    while stack:
        directory = stack.pop()
        with os.scandir(os.path.join(root, directory) if directory else root) as it:
            for e in it:
                if not directory and e.name in NOT_OF_THE_TREE:
                    continue
                path = os.path.join(directory, e.name)
                found.append(path)
                if e.is_dir(follow_symlinks=False):
                    stack.append(path)
    return sorted(found)


def text(root):
    root = os.fsencode(root)
    return HEADER + b"".join(line(root, path) for path in paths(root))
