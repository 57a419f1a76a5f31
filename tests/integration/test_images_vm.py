# SPDX-License-Identifier: Apache-2.0
"""Images that the kernel itself verifies, fs-verity and dm-verity, in the QEMU machine: an image that is changed after
it was attested gives errors, not other bytes. And what that machine's kernel, of the newest Debian, does for images."""

import re

import pytest

from lib import images, rootfs
from lib.service import ended, eventually, fails_to_start, install, rows, start, state, toml
from lib.spec import Exit

REASON = images.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

ZEROES = "0" * 64
LARGE = "/data/large"  # a file that nothing reads while a service starts
MARK = b"the first page of a large file"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Images of one tree, with their hash trees."""
    directory = tmp_path_factory.mktemp("images")
    tree = rootfs.make(directory / "tree", ["data"])
    with open(f"{tree}{LARGE}", "wb") as f:
        f.write(MARK.ljust(4 << 20, b"."))
    options = {"squashfs": ["-noD", "-noF"]}  # uncompressed, so that a mark can be found
    return {kind: images.make(kind, tree, directory / f"root.{kind}", *options.get(kind, ())) for kind in images.TYPES}


@pytest.fixture(params=images.TYPES)
def image(request, made, vm):
    """The path of one in the machine."""
    path = f"/srv/root.{request.param}"
    vm.copy_tree(made[request.param], path)
    return path


def root_hash(vm, image, options=""):
    """Formats it, in the machine."""
    done = vm.ok(f"veritysetup format {options} {image} {image}.verity")
    return re.search(r"^Root hash:\s*([0-9a-f]{64})$", done, re.M)[1]


def service(image, *command, **attestation):
    return toml(*(command or ("sleep", "1000")), rootfs=image,
                attestation={key: value for key, value in attestation.items()})


def left(vm):
    """What of ours the kernel still has."""
    return (vm.ok("dmsetup ls 2>/dev/null | grep nucleus- || true; losetup -n -O NAME,BACK-FILE -l").strip())


def assert_nothing_left(vm):
    assert eventually(lambda: not left(vm)), left(vm)


def flip(vm, path, offset):
    vm.ok(f"printf '\\xff' | dd of={path} bs=1 seek={offset} conv=notrunc status=none && sync && "
          "echo 3 > /proc/sys/vm/drop_caches")


def failure(vm, name):
    return "\n".join(entry["MESSAGE"] for entry in vm.journal(f"-t nucleus-{name}", "PRIORITY=3"))


# ---- mounts ----


def test_image_starts_by_its_digest(vm, image, made):
    digest = vm.ok(f"sha256sum {image}").split()[0]
    install(vm, web=service(image, image_sha256=digest))
    start(vm, "web")
    assert state(vm, "web") == "active/running"
    vm.ok("systemctl stop nucleus-web")
    assert_nothing_left(vm)


def test_image_shows_its_ids(vm, image):
    """By an idmapped mount: root in the image is root of the service, which is nobody on the host."""
    digest = vm.ok(f"sha256sum {image}").split()[0]
    install(vm, web=service(image, "stat", LARGE, ",", "ids", image_sha256=digest))
    start(vm, "web")
    assert eventually(lambda: [row for row in rows(vm, "web") if row[0] == "uid"]) == [("uid", "0", "0", "0")]
    assert_nothing_left(vm)


# ---- dm-verity ----


def test_dm_verity_image_starts(vm, image):
    install(vm, web=service(image, method="dm-verity", root_hash=root_hash(vm, image)))
    start(vm, "web")
    assert state(vm, "web") == "active/running"
    assert "nucleus-web-" in left(vm), left(vm)
    vm.ok("systemctl stop nucleus-web")
    assert_nothing_left(vm)


def test_dm_verity_image_of_another_root_hash_is_refused(vm, image):
    root_hash(vm, image)
    install(vm, web=service(image, method="dm-verity", root_hash=ZEROES))
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert "not what the root hash says" in failure(vm, "web")
    assert_nothing_left(vm)


def test_dm_verity_hash_tree_of_another_algorithm_is_refused(vm, image):
    """Its superblock names the algorithm, and is not covered by the root hash."""
    install(vm, web=service(image, method="dm-verity", root_hash=root_hash(vm, image, "--hash=blake2s-256")))
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert "its hash tree is not of SHA-256" in failure(vm, "web")
    assert_nothing_left(vm)


@pytest.mark.parametrize("what", ["superblock", "hash tree"])
def test_dm_verity_image_that_was_changed_is_refused(vm, image, what):
    pinned = root_hash(vm, image)
    flip(vm, *((image, 1100) if what == "superblock" else (image + ".verity", 4096 + 5)))
    install(vm, web=service(image, method="dm-verity", root_hash=pinned))
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert "not what the root hash says" in failure(vm, "web")
    assert_nothing_left(vm)


def read_late(vm, name, image, mark, **attestation):
    """What a service reads of a file whose first byte on the disk is changed after the service has started."""
    install(vm, **{name: service(image, "trap-signals", "0", ",", "read", LARGE, ",", "linger", **attestation)})
    start(vm, name)
    assert eventually(lambda: ("ready",) in rows(vm, name))
    flip(vm, image, mark)
    vm.ok(f"systemctl kill --kill-whom=main -s TERM nucleus-{name}")  # forwarded: that is what it waits for
    assert eventually(lambda: rows(vm, name).count(("ready",)) == 2)  # it lingers, and has printed all
    return {row[0]: row[2] for row in rows(vm, name) if row[0] in ("read", "data")}


def test_attack_36_dm_verity_image_that_is_changed_late_gives_errors(vm, image, made):
    mark = images.offset_of(made[image.rpartition(".")[2]], MARK)
    digest, pinned = vm.ok(f"sha256sum {image}").split()[0], root_hash(vm, image)
    vm.ok(f"cp {image} {image}.copy")
    assert read_late(vm, "verified", image, mark, method="dm-verity", root_hash=pinned) == {"read": "EIO"}
    # What was hashed before is believed ever after.
    seen = read_late(vm, "hashed", f"{image}.copy", mark, image_sha256=digest)
    assert seen["read"] == "OK" and MARK[1:].decode() in seen["data"] and MARK.decode() not in seen["data"], seen


def test_dm_verity_without_its_hash_tree_is_refused(vm, image):
    install(vm, web=service(image, method="dm-verity", root_hash=ZEROES))
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert f"{image}.verity" in failure(vm, "web")
    vm.ok(f"head -c 8192 /dev/urandom > {image}.verity")
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert "dm-verity" in failure(vm, "web")
    assert_nothing_left(vm)


def test_dm_verity_start_that_is_killed_leaves_nothing(vm, image):
    install(vm, web=service(image, method="dm-verity", root_hash=root_hash(vm, image)))
    start(vm, "web")
    vm.ok("systemctl kill -s KILL nucleus-web")
    assert eventually(lambda: state(vm, "web").startswith(("failed", "activating", "inactive")))
    vm.ok("systemctl stop nucleus-web")
    assert_nothing_left(vm)


# ---- fs-verity ----


def measured(vm, image):
    vm.ok(f"fsverity enable {image}")
    return vm.ok(f"fsverity measure {image}").split()[0].removeprefix("sha256:")


def test_fs_verity_image_starts_and_cannot_be_changed(vm, image):
    vm.ok(f"dd if=/dev/null of={image} conv=notrunc status=none")  # until then it may be written to
    install(vm, web=service(image, method="fsverity", image_fsverity=measured(vm, image)))
    start(vm, "web")
    assert state(vm, "web") == "active/running"
    refused = vm.run(f"printf x | dd of={image} conv=notrunc")
    assert refused.code != 0 and "Operation not permitted" in refused.stderr, refused


def test_fs_verity_image_of_another_digest_is_refused(vm, image):
    digest = measured(vm, image)
    install(vm, web=service(image, method="fsverity", image_fsverity=ZEROES))
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert digest in failure(vm, "web") and "not the pinned one" in failure(vm, "web")


def test_image_without_fs_verity_is_refused(vm, image):
    install(vm, web=service(image, method="fsverity", image_fsverity=ZEROES))
    fails_to_start(vm, "web")
    assert ended(vm, "web") == ("exit-code", Exit.DATAERR)
    assert "has no fs-verity" in failure(vm, "web")
