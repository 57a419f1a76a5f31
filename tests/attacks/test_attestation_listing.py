# SPDX-License-Identifier: Apache-2.0
"""
Attack 30 by who can write to the disk behind the tree: the type that a directory gives beside a name is not the
inode's, so an empty directory can be made to look like a file, and nobody looks at what was put in it.
"""

import os
import shutil
import subprocess

import pytest
from lib import rootfs
from lib.attestation import assert_fine, attest, nucleus
from lib.sandbox import refused, run
from lib.spec import Exit, payload

MIB = 1 << 20
NAME = b"looks-empty"
DIRECTORY, REGULAR, LINK = 2, 1, 7  # of ext4's entries; in the file system of the test no checksum covers them

pytestmark = pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("mkfs.ext4"), reason="needs root and mkfs.ext4")


class Disk:
    """A tree on an ext4 of its own, of which a directory can be listed as what it is not."""

    def __init__(self, path):
        self.image, self.where = path / "disk", path / "mounted"
        self.root = f"{self.where}/root"
        self.where.mkdir()
        with open(self.image, "wb") as f:
            f.truncate(64 * MIB)
        subprocess.run(["mkfs.ext4", "-q", "-O", "^metadata_csum,^dir_index,^has_journal", self.image], check=True)

    def mount(self):
        done = subprocess.run(["mount", "-o", "loop", self.image, self.where], capture_output=True)
        if done.returncode != 0:
            pytest.skip(f"this kernel mounts no ext4 image: {done.stderr!r}")

    def unmount(self):
        subprocess.run(["umount", self.where], check=True)

    def list_as(self, kind):
        """Changes the one byte."""
        self.unmount()
        with open(self.image, "r+b") as f:
            data = f.read()
            entry = bytes([len(NAME), DIRECTORY]) + NAME
            assert data.count(entry) == 1, "the entry is not where it was looked for"
            f.seek(data.index(entry) + 1)
            f.write(bytes([kind]))
        self.mount()


@pytest.fixture
def disk(tmp_path):
    d = Disk(tmp_path)
    d.mount()
    try:
        rootfs.make(d.root, ["etc"])
        os.mkdir(f"{d.root}/etc/{NAME.decode()}", 0o755)
        yield d
    finally:
        d.unmount()


def plant(root):
    rootfs.write(f"{root}/etc/{NAME.decode()}/evil", "#!/bin/sh\n")
    os.chmod(f"{root}/etc/{NAME.decode()}", 0o755)


def seen(root):
    """What a walk sees that believes the listing."""
    return [e.name for e in os.scandir(f"{root}/etc") if e.is_dir(follow_symlinks=False)]


@pytest.mark.parametrize("kind", [REGULAR, LINK])
def test_30_directory_listed_as_a_file_refused(disk, kind):
    pin = attest(disk.root)
    plant(disk.root)
    disk.list_as(kind)
    # The control: the byte is what hides it, and the file is there for whoever has its name.
    assert seen(disk.root) == [] and os.path.exists(f"{disk.root}/etc/{NAME.decode()}/evil")
    done = nucleus("attest", "--verify", disk.root)
    assert done.returncode == Exit.DATAERR, done
    assert b"etc/looks-empty: is a directory, which its directory lists as a " in done.stderr
    result = refused(run(payload("ids", rootfs=disk.root, attest=pin)), Exit.DATAERR)
    assert "etc/looks-empty" in result.stderr

    done = nucleus("attest", disk.root)
    assert done.returncode == Exit.DATAERR, done
    assert b"etc/looks-empty: its directory lists it as what it is not" in done.stderr


def test_30_directory_listed_as_what_it_is_verifies(disk):
    attest(disk.root)
    disk.list_as(DIRECTORY)
    assert seen(disk.root) == [NAME.decode()]
    assert_fine(disk.root)
