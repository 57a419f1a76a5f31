# SPDX-License-Identifier: Apache-2.0
"""Large root trees, made once and kept in the build cache: always the same names and bytes. What attests one writes
its manifest into it; nothing else of it is ever changed, but under a lock and back again."""

import contextlib
import fcntl
import os
import random
import subprocess

from lib.rootfs import MANIFEST
from rig import root as rig_root

MILLION_DIRECTORIES, MILLION_FILES = 1000, 1000  # in each
# A Debian root of the size that the figures are told for: what the virtual machine boots and what makes it 7,000
# files and 250 MB.
SYSTEM_PACKAGES = [*rig_root.PACKAGES, *rig_root.KERNEL_PACKAGES, "python3", "openssl"]


@contextlib.contextmanager
def lock(tree):
    """For whoever attests or changes the tree: the only one who does."""
    with open(f"{os.fspath(tree)}.lock", "w") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        yield tree


def system():
    """A real Debian root, without its device nodes."""
    def make(path):
        rig_root.bootstrap(path, SYSTEM_PACKAGES)
        subprocess.run(["find", path, "(", "-type", "b", "-o", "-type", "c", "-o", "-type", "p", "-o", "-type", "s",
                        ")", "-delete"], check=True)
    rig_root.need("mmdebstrap")
    return rig_root.made_once("attest-system", [*SYSTEM_PACKAGES, rig_root.SUITE, rig_root.bootstrap_text()], make)


def blocks(count, size):
    """`count` files of `size` bytes, a thousand in a directory."""
    def make(path):
        path.mkdir()
        noise = random.Random(count)
        for i in range(count):
            where = path / f"{i // 1000:04}"
            if i % 1000 == 0:
                where.mkdir()
            (where / f"{i % 1000:03}").write_bytes(noise.randbytes(size))
    return rig_root.made_once(f"attest-files-{count}-{size}", ["blocks"], make)


def million():
    """A million empty files in a thousand directories: 1,001,001 entries."""
    def make(path):
        path.mkdir()
        os.chmod(path, 0o755)
        for d in range(MILLION_DIRECTORIES):
            os.mkdir(path / f"d{d:03}", 0o755)
            fd = os.open(path / f"d{d:03}", os.O_PATH)
            for f in range(MILLION_FILES):
                os.mknod(f"f{f:03}", 0o100644, dir_fd=fd)
            os.close(fd)
    return rig_root.made_once("attest-million", ["1000 x 1000"], make)


def contents(tree):
    """How many entries, regular files and bytes of them, the manifest apart."""
    entries = files = size = 0
    stack = [os.fspath(tree)]
    while stack:
        entries += 1
        with os.scandir(stack.pop()) as it:
            for e in it:
                if e.is_dir(follow_symlinks=False):
                    stack.append(e.path)
                    continue
                if e.name == MANIFEST:
                    continue
                entries += 1
                if e.is_file(follow_symlinks=False):
                    files += 1
                    size += e.stat(follow_symlinks=False).st_size
    return {"entries": entries, "files": files, "bytes": size}
