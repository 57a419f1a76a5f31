# SPDX-License-Identifier: Apache-2.0
"""fs-verity by a kernel that has it: what `nucleus attest` enables, what a service of that method starts from, and
what it notices. Each refusal is paired with what starts."""

import shutil
import subprocess

import pytest

from lib import images, rootfs
from lib.service import TREE, ended, eventually, fails_to_start, install, rows, start, toml
from lib.spec import Exit

BLOB = f"{TREE}/blob"
BLOCK = 4096
MARK = "a block that is like no other"


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


def service(vm, pin, method, *command):
    install(vm, web=toml(*command, restart="no", rest=f'[attestation]\nmethod = "{method}"\n{pin}\n'))


@pytest.fixture(scope="module")
def disk(tmp_path_factory):
    """A file system of ext4 that has the tree, small enough to be searched for a block."""
    directory = tmp_path_factory.mktemp("disk")
    made = rootfs.make(directory / "tree", ["data"])
    rootfs.write(f"{made}/blob", MARK.ljust(BLOCK, ".") + "b" * (7 * BLOCK))
    rootfs.write(f"{made}/empty", "")
    with open(directory / "disk", "wb") as f:
        f.truncate(16 << 20)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-b", str(BLOCK), "-O", "verity", "-d", made, directory / "disk"],
                   check=True, capture_output=True)
    return directory / "disk"


@pytest.fixture
def mounted(vm, disk):
    """The tree on a file system of its own, whose blocks can be changed beneath it."""
    vm.copy_tree(disk, "/srv/disk")
    vm.ok(f"mkdir -p {TREE} && mount -o loop /srv/disk {TREE} && rmdir {TREE}/lost+found")
    yield vm
    vm.ok(f"systemctl stop nucleus-web; umount {TREE} && rm -rf /srv/disk {TREE}")


def corrupt(vm):
    """Changes one byte of a block of the file, beneath the file system."""
    vm.ok(f"sync -f {TREE}")
    places = vm.ok(f"grep -abo '{MARK}' /srv/disk").splitlines()
    assert len(places) == 1, places
    vm.ok(f"printf X | dd of=/srv/disk bs=1 seek={places[0].split(':')[0]} conv=notrunc,fsync status=none && "
          "echo 3 > /proc/sys/vm/drop_caches")


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


def test_fsverity_files_cannot_be_written_even_by_root(tree):
    tree.ok(f"printf x >> {BLOB}")
    attest(tree, "--fsverity", "--enable-verity")
    done = tree.run(f"LC_ALL=C; printf x >> {BLOB}")
    assert done.code != 0 and "Operation not permitted" in done.stderr, done


def test_fsverity_service_starts_and_a_file_without_it_is_refused(tree):
    pin = attest(tree, "--fsverity", "--enable-verity")[0]
    service(tree, pin, "fsverity", "read", "/empty")
    start(tree, "web")
    eventually(lambda: ended(tree, "web")[0] == "success")

    tree.ok(f"cp -p {BLOB} {BLOB}.equal && mv {BLOB}.equal {BLOB}")
    fails_to_start(tree, "web")
    assert ended(tree, "web") == ("exit-code", Exit.DATAERR)
    assert "blob" in tree.run("systemctl status nucleus-web").stdout
    # The same bytes with fs-verity are the same file.
    attest(tree, "--enable-verity")
    start(tree, "web")


def test_fsverity_of_another_algorithm_is_refused(tree):
    """SHA-512 has another length; other parameters of SHA-256 give another digest."""
    pin = attest(tree, "--fsverity")[0]
    tree.ok(f"fsverity enable --hash-alg=sha512 {BLOB}")
    attest(tree, "--enable-verity")
    done = tree.run(f"nucleus attest --verify --fsverity {TREE}")
    assert done.code == Exit.DATAERR and "blob: its fs-verity is of another kind than sha256" in done.stderr, done
    service(tree, pin, "fsverity", "read", "/empty")
    fails_to_start(tree, "web")
    assert ended(tree, "web") == ("exit-code", Exit.DATAERR)
    assert "of another kind" in tree.run("systemctl status nucleus-web").stdout

    tree.ok(f"cp -p {BLOB} {BLOB}.equal && mv {BLOB}.equal {BLOB} && fsverity enable --salt=00 {BLOB}")
    done = tree.run(f"nucleus attest --verify --fsverity {TREE}")
    assert done.code == Exit.DATAERR and "blob: content is fsverity sha256" in done.stderr, done
    # By its content it is the file.
    tree.ok(f"nucleus attest --verify {TREE}")


@pytest.mark.skipif(not shutil.which("mkfs.erofs"), reason="needs mkfs.erofs")
def test_fsverity_of_an_image_is_what_was_computed(vm, tmp_path):
    tree = rootfs.make(tmp_path / "tree", [])
    vm.copy_tree(images.make("erofs", tree, tmp_path / "image"), "/srv/image")
    digest = vm.ok("nucleus attest --fsverity /srv/image | sed -n 's/image_fsverity = //p'").strip(' "\n')
    verify = f"nucleus attest --verify --image-fsverity {digest} /srv/image"
    done = vm.run(verify)
    assert done.code != 0 and "the image has no fs-verity" in done.stderr, done
    vm.ok("nucleus attest --enable-verity /srv/image")
    vm.ok(verify)
    done = vm.run(f"nucleus attest --verify --image-fsverity {'0' * 64} /srv/image")
    assert done.code == Exit.DATAERR and digest in done.stderr, done


def test_fsverity_finds_a_corrupted_block_when_it_is_read(mounted):
    pin = attest(mounted, "--fsverity", "--enable-verity")[0]
    service(mounted, pin, "fsverity", "read", "/blob")
    start(mounted, "web")
    assert eventually(lambda: ("read", "/blob", "OK") in rows(mounted, "web")), rows(mounted, "web")
    corrupt(mounted)
    done = mounted.run(f"LC_ALL=C cat {BLOB} >/dev/null")
    assert done.code != 0 and "Input/output error" in done.stderr, done
    # The start finds nothing, since it reads nothing; the workload gets no wrong byte.
    start(mounted, "web")
    assert eventually(lambda: ("read", "/blob", "EIO") in rows(mounted, "web")), rows(mounted, "web")


def test_sha256_finds_a_corrupted_block_at_the_start(mounted):
    pin = attest(mounted)[0]
    service(mounted, pin, "sha256", "read", "/empty")
    start(mounted, "web")
    corrupt(mounted)
    fails_to_start(mounted, "web")
    assert ended(mounted, "web") == ("exit-code", Exit.DATAERR)
