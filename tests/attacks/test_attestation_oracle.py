# SPDX-License-Identifier: Apache-2.0
"""
Random trees, the same for the same seed: `nucleus attest` must write byte for byte what a second implementation
(tests/lib/manifest.py) writes, whatever the number of threads; both must agree after each of some random changes; and
a manifest with one byte changed must not verify. NUCLEUS_TEST_SEEDS=FROM-TO takes other seeds.
"""

import contextlib
import os
import random
import struct
import subprocess

import pytest
from lib import manifest as oracle
from lib.attestation import manifest, nucleus, put_manifest
from lib.spec import Exit

SEEDS = [int(n) for n in os.environ.get("NUCLEUS_TEST_SEEDS", "0-200").split("-")]
BATCH = 20  # trees of a test
ROOT = os.geteuid() == 0

NAME_BYTES = bytes(b for b in range(1, 256) if b != ord("/"))
NAME_PARTS = [b"a", b"b", b"-", b".", b"0", b"~", b" ", b"\\", b"\n", b"\xff", b"\xc3\xa9", b"e\xcc\x81", b"x20",
              b"\\x0a", b"A", b"nix", b"store", b"usr", b"bin", b".nucleus-rootfs-sha256"]
SIZES = [0, 0, 1, 55, 56, 63, 64, 65, 4095, 4096, 4097, 65535, 65536, 65537, 262143, 262144, 262145, 1 << 20]
MODES = [0o644, 0o755, 0o600, 0o444, 0o000, 0o4755, 0o2755, 0o1777, 0o7777, 0o111]


class Tree:
    """Grows beneath `root`; every choice is of one seed."""

    def __init__(self, root, seed):
        self.root, self.dice = os.fsencode(root), random.Random(seed)
        self.directories, self.files, self.links = [b""], [], []
        os.mkdir(self.root, 0o755)
        for _ in range(self.dice.choice([0, 1, 5, 30, 80])):
            self.add()
        for path in self.everything():
            self.decorate(path)

    def everything(self):
        return self.directories + self.files + self.links

    def full(self, path):
        return os.path.join(self.root, path) if path else self.root

    def name(self):
        d = self.dice
        if d.random() < 0.7:
            name = b"".join(d.choice(NAME_PARTS) for _ in range(d.randint(1, 4)))
        else:
            name = bytes(d.choice(NAME_BYTES) for _ in range(d.choice([1, 2, 8, 254, 255])))
        name = name[:255]
        return name if name not in (b".", b"..") else b"dots"

    def add(self):
        d = self.dice
        path = os.path.join(d.choice(self.directories), self.name())
        if os.path.lexists(self.full(path)) or len(path) > 2000 or path in oracle.NOT_OF_THE_TREE:
            return
        kind = d.random()
        if kind < 0.3:
            os.mkdir(self.full(path))
            self.directories.append(path)
        elif kind < 0.75 or not self.files:
            self.write(path)
            self.files.append(path)
        elif kind < 0.85:
            os.link(self.full(d.choice(self.files)), self.full(path))
            self.files.append(path)
        else:
            os.symlink(self.target(), self.full(path))
            self.links.append(path)

    def target(self):
        d = self.dice
        ways = [lambda: d.choice(self.everything()) or b".", lambda: b"/" + self.name(), self.name,
                lambda: b"../" * d.randint(1, 9) + b"x", lambda: bytes(d.choice(NAME_BYTES) for _ in range(300))]
        return d.choice(ways)()

    def write(self, path):
        d, size = self.dice, self.dice.choice(SIZES)
        with open(self.full(path), "wb") as f:
            if d.random() < 0.2:
                f.truncate(size)  # a hole
            else:
                f.write(d.randbytes(size))

    def decorate(self, path):
        d, full = self.dice, self.full(path)
        link = path in self.links
        if ROOT and d.random() < 0.3:
            os.lchown(full, d.choice([0, 1, 1000, 65534, 4294967294]), d.choice([0, 5, 1000, 2147483648]))
        if not link:
            os.chmod(full, d.choice(MODES) if ROOT else d.choice([0o755, 0o700, 0o777]))
        if not link and d.random() < 0.3:
            self.attribute(full)

    def attribute(self, full):
        d = self.dice
        names = [b"user.a", b"user.b", b"user.ab", b"user.a b", b"user.\xff", b"user." + b"n" * d.randint(1, 200)]
        for name in d.sample(names, d.randint(1, 4)):
            self.try_attribute(full, name, d.randbytes(d.choice([0, 1, 16, 300])))
        if ROOT and d.random() < 0.3:
            value = struct.pack("<IIIII", 0x02000000, d.getrandbits(32), 0, 0, 0)
            self.try_attribute(full, b"security.capability", value)
        if ROOT and d.random() < 0.3:
            self.try_attribute(full, b"trusted.not.covered", b"x")
        if d.random() < 0.3:
            acl = [(1, 7, 2**32 - 1), (2, d.randint(0, 7), d.randint(0, 99999)), (4, 5, 2**32 - 1),
                   (16, 7, 2**32 - 1), (32, 4, 2**32 - 1)]
            value = struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in acl)
            self.try_attribute(full, b"system.posix_acl_access", value)

    @staticmethod
    def try_attribute(full, name, value):
        with contextlib.suppress(OSError):  # no room, or not for this kind
            os.setxattr(full, name, value)

    def change(self):
        """Something about one entry; what it was, for a message."""
        d = self.dice
        path = d.choice(self.everything())
        how = d.choice(["decorate", "add", "write", "remove", "rename"])
        if how == "write" and self.files:
            self.write(d.choice(self.files))
        elif how == "remove" and self.files + self.links:
            path = d.choice(self.files + self.links)
            os.unlink(self.full(path))
            (self.files if path in self.files else self.links).remove(path)
        elif how == "rename" and self.files:
            path, new = d.choice(self.files), self.name()
            new = os.path.join(os.path.dirname(path), new)
            if not os.path.lexists(self.full(new)) and new not in oracle.NOT_OF_THE_TREE:
                os.rename(self.full(path), self.full(new))
                self.files.remove(path)
                self.files.append(new)
        elif how == "add":
            self.add()
        else:
            self.decorate(path)
        return how, path


def has_threads():
    return b"--threads" in nucleus("attest", "--help").stdout


def assert_same(root, seed, *options):
    done = nucleus("attest", *options, root)
    assert done.returncode == 0, (seed, done)
    ours, theirs = manifest(root), oracle.text(root)
    if ours != theirs:
        pairs = zip(ours.split(b"\n"), theirs.split(b"\n"))
        pytest.fail(f"seed {seed}: {next((p for p in pairs if p[0] != p[1]), 'one is longer')}")
    return ours


def verifies(root):
    done = nucleus("attest", "--verify", root)
    assert done.returncode in (0, Exit.DATAERR), done
    return done.returncode == 0


@pytest.mark.parametrize("first", range(SEEDS[0], SEEDS[1], BATCH))
def test_30_random_trees_are_what_a_second_writer_writes(tmp_path, first):
    threads = [["--threads", "1"], ["--threads", "7"]] if has_threads() else []
    for seed in range(first, min(first + BATCH, SEEDS[1])):
        tree = Tree(tmp_path / "tree", seed)
        text = assert_same(tmp_path / "tree", seed)
        for options in threads:
            assert assert_same(tmp_path / "tree", seed, *options) == text
        assert verifies(tmp_path / "tree"), seed

        # The second writer's text verifies as well, and no other does.
        put_manifest(tmp_path / "tree", oracle.text(tmp_path / "tree"))
        assert verifies(tmp_path / "tree"), seed
        for _ in range(3):
            at = tree.dice.randrange(len(text))
            byte = bytes([text[at] ^ (1 << tree.dice.randrange(8))])
            put_manifest(tmp_path / "tree", text[:at] + byte + text[at + 1:])
            assert not verifies(tmp_path / "tree"), (seed, at, byte)
        put_manifest(tmp_path / "tree", text)

        # Both agree on whether a change is one.
        for _ in range(6):
            what = tree.change()
            same = oracle.text(tmp_path / "tree") == text
            assert verifies(tmp_path / "tree") == same, (seed, what)
        assert_same(tmp_path / "tree", seed)
        subprocess.run(["rm", "-rf", tmp_path / "tree"], check=True)
