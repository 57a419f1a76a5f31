# SPDX-License-Identifier: Apache-2.0
"""How many threads an attestation takes: none for a tree that is read in less time than they take to begin, and none that
is left when namespaces are made, since those and ids belong to threads."""

import os
import struct

import pytest

from lib import attestation, rootfs
from lib.hold import held
from lib.spec import payload

CLONE_NEWNS, CLONE_THREAD = 0x20000, 0x10000


def clone_flags(call):
    with open(f"/proc/{call.pid}/mem", "rb", buffering=0) as memory:
        memory.seek(call.arguments[0])
        return struct.unpack("Q", memory.read(8))[0]


def threads(tree):
    """Those that nucleus-exec starts before it makes the service's namespaces."""
    count = 0
    with held(payload("ids", rootfs=tree, attest="unpinned"), calls="clone3") as helper:
        while True:
            call = helper.next()
            assert call is not None, "no namespaces were made"
            flags = clone_flags(call)
            if flags & CLONE_NEWNS:
                break
            count += bool(flags & CLONE_THREAD)
            helper.let_go()
        assert os.listdir(f"/proc/{call.pid}/task") == [str(call.pid)], "a thread is left"
        helper.let_all_go()
        assert helper.running.wait().code == 0
    return count


@pytest.fixture
def tree(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


def test_small_tree_is_attested_without_threads(tree):
    attestation.write(tree)
    assert len(attestation.manifest_lines(tree)) < 16
    assert threads(tree) == 0


def test_tree_of_many_files_is_attested_by_threads(tree):
    for n in range(500):
        rootfs.write(f"{tree}/data/{n}", "")
    attestation.write(tree)
    assert threads(tree) > 1


def test_tree_of_one_large_file_is_attested_by_threads(tree):
    rootfs.write(f"{tree}/data/large", "x" * (8 << 20))
    attestation.write(tree)
    assert threads(tree) > 1
