# SPDX-License-Identifier: Apache-2.0
"""fs-verity by a kernel that has it: what `nucleus attest` enables and what it refuses."""

import pytest

from lib import rootfs
from lib.service import TREE

BLOB = f"{TREE}/blob"
BLOCK = 4096


@pytest.fixture
def tree(vm, tmp_path):
    """A tree with its manifest, before fs-verity; removed afterwards, which fs-verity allows."""
    made = rootfs.make(tmp_path / "tree", ["data"])
    rootfs.write(f"{made}/blob", "b" * (8 * BLOCK))
    rootfs.write(f"{made}/empty", "")
    vm.run(f"rm -rf {TREE}")
    vm.copy_tree(made, TREE)
    yield vm
    vm.run(f"rm -rf {TREE}")


def attest(vm, *options):
    return vm.ok(f"nucleus attest {' '.join(options)} {TREE}").strip().splitlines()


def test_fsverity_digests_are_those_of_the_kernel_and_of_another_program(tree):
    attest(tree, "--fsverity", "--enable-verity")
    for name in ("blob", "empty", ".nucleus-rootfs-sha256"):
        digest = tree.ok(f"fsverity digest --compact {TREE}/{name}").strip()
        assert tree.ok(f"fsverity measure {TREE}/{name}").split()[0] == f"sha256:{digest}"
        if not name.startswith("."):
            assert f" {name} fsverity.sha256 {digest}" in tree.ok(f"cat {TREE}/.nucleus-rootfs-sha256")
    assert "enabled on 0 files" in tree.run(f"nucleus attest --enable-verity {TREE}").stderr


def test_fsverity_of_a_file_that_is_open_for_writing_is_refused_by_name(tree):
    done = tree.run(f"exec 9>>{BLOB}; nucleus attest --fsverity --enable-verity {TREE}")
    assert done.code == 1 and "blob: open for writing" in done.stderr, done
    attest(tree, "--enable-verity")
