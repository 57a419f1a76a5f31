# SPDX-License-Identifier: Apache-2.0
"""`nucleus attest`, option by option, on a host of any file system: signatures, fs-verity digests beside those of
fsverity(1), images, what options cannot mean together, and JSON."""

import hashlib
import json
import os
import shutil
import stat
import subprocess

import pytest

from lib import build
from lib.signing import SIGNATURE, Key

DATAERR, FAILED, USAGE = 65, 1, 2
MANIFEST = ".nucleus-rootfs-sha256"
SIZES = [0, 1, 4095, 4096, 4097, 128 * 4096, 128 * 4096 + 1, 128 * 128 * 4096, 128 * 128 * 4096 + 1]


def attest(*arguments):
    return subprocess.run([build.program("tools/nucleus"), "attest", *map(str, arguments)], capture_output=True,
                          text=True)


def good(*arguments):
    done = attest(*arguments)
    assert done.returncode == 0, done
    return dict(line.replace('"', "").split(" = ") for line in done.stdout.splitlines())


def refused(status, text, *arguments):
    done = attest(*arguments)
    assert done.returncode == status and text in done.stderr, done


def fsverity_digest(path):
    return subprocess.run(["fsverity", "digest", "--compact", path], capture_output=True, text=True,
                          check=True).stdout.strip()


needs_fsverity = pytest.mark.skipif(not shutil.which("fsverity"), reason="needs fsverity")


@pytest.fixture
def tree(tmp_path):
    root = tmp_path / "root"
    (root / "d").mkdir(parents=True)
    (root / "d/f").write_text("x")
    (root / "g").write_text("y")
    return root


@pytest.fixture
def key(tmp_path):
    made = Key(tmp_path / "key")
    made.path.chmod(0o600)
    return made


@pytest.fixture(params=["erofs", "squashfs"])
def image(request, tree, tmp_path):
    path = tmp_path / "image"
    command = {"erofs": ["mkfs.erofs", path, tree], "squashfs": ["mksquashfs", tree, path]}[request.param]
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    subprocess.run(command, check=True, capture_output=True)
    return path


# ---- trees ----


def test_verify_stops_soon_unless_all(tree):
    good(tree)
    assert json.loads(attest("--verify", "--json", tree).stdout)["complete"] is True
    (tree / "d/f").write_text("X")
    refused(DATAERR, "stopped there: --all lists every difference", "--verify", tree)
    done = attest("--verify", "--all", tree)
    assert done.returncode == DATAERR and "stopped" not in done.stderr
    assert json.loads(attest("--verify", "--json", tree).stdout)["complete"] is False
    assert json.loads(attest("--verify", "--all", "--json", tree).stdout)["complete"] is True


def test_threads_change_nothing_but_time(tree):
    assert good("--threads", "1", tree) == good("--threads", "4", tree)


@needs_fsverity
def test_fsverity_digests_equal_those_of_another_program(tree):
    for size in SIZES:
        (tree / f"size{size}").write_bytes((b"0123456789abcdef" * (size // 16 + 1))[:size])
    good("--fsverity", tree)
    lines = (tree / MANIFEST).read_text().splitlines()
    for size in SIZES:
        name = f"size{size}"
        line = next(line for line in lines if f" {name} " in line)
        assert line.endswith(f"{name} fsverity.sha256 {fsverity_digest(tree / name)}")
    good("--verify", tree)


def test_fsverity_of_a_manifest_without_it_is_refused(tree):
    good(tree)
    refused(DATAERR, "without --fsverity", "--verify", "--fsverity", tree)


def test_manifest_that_loses_fsverity_digests_says_so(tree):
    (tree / "name with fsverity.sha256 in it").write_text("x")
    good(tree)
    assert "fs-verity digests" not in attest(tree).stderr
    assert "fs-verity digests" not in attest("--fsverity", tree).stderr
    assert "fs-verity digests" not in attest("--fsverity", tree).stderr
    done = attest("--json", tree)
    assert done.returncode == 0 and "had fs-verity digests; this one has none" in done.stderr, done
    assert "fs-verity digests" not in attest(tree).stderr


def test_enable_verity_where_there_is_none_names_the_remedy(tree, tmp_path):
    if subprocess.run(["fsverity", "enable", shutil.copy(tree / "g", tmp_path / "probe")],
                      capture_output=True).returncode == 0:
        pytest.skip("this file system has fs-verity; the QEMU machine tests it")
    refused(FAILED, "tune2fs -O verity DEVICE", "--enable-verity", tree)
    assert not (tree / MANIFEST).exists()


# ---- signatures ----


def test_sign_writes_what_openssl_would(tree, key):
    said = good("--sign", key.path, tree)
    assert said["public_key"] == key.public
    assert (tree / SIGNATURE).read_text() == key.sign(said["manifest_sha256"])
    assert stat.S_IMODE((tree / SIGNATURE).stat().st_mode) == 0o444
    assert not (tree / f"{SIGNATURE}.new").exists()
    good("--verify", "--public-key", key.public, tree)
    good("--verify-signature", "--public-key", key.public, tree)


def test_sign_takes_a_manifest_that_is_there_as_it_is(tree, key):
    digest = good("--fsverity", tree)["manifest_sha256"]
    before = (tree / MANIFEST).read_bytes(), (tree / MANIFEST).stat().st_ino
    done = attest("--sign", key.path, tree)
    assert done.returncode == 0 and "as its manifest says" in done.stderr and ": signed" in done.stderr, done
    assert ((tree / MANIFEST).read_bytes(), (tree / MANIFEST).stat().st_ino) == before
    assert (tree / SIGNATURE).read_text() == key.sign(digest)
    # Also one of version 1. What asks for a new manifest gets one.
    digest = good("--format", "1", tree)["manifest_sha256"]
    assert good("--sign", key.path, tree)["manifest_sha256"] == digest
    assert json.loads(attest("--sign", key.path, "--format", "2", "--json", tree).stdout)["version"] == 2
    good("--verify", "--public-key", key.public, tree)
    assert b" fsverity.sha256 " not in (tree / MANIFEST).read_bytes()
    good("--sign", key.path, "--fsverity", tree)
    assert b" fsverity.sha256 " in (tree / MANIFEST).read_bytes()


def test_sign_refuses_a_tree_that_is_not_what_its_manifest_says(tree, key):
    good(tree)
    (tree / "g").write_text("z")
    before = (tree / MANIFEST).read_bytes()
    refused(DATAERR, "nothing was signed: with --format 2", "--sign", key.path, tree)
    assert json.loads(attest("--sign", key.path, "--json", tree).stdout).items() >= {
        "result": "mismatch", "public_key": None, "complete": False}.items()
    assert (tree / MANIFEST).read_bytes() == before and not (tree / SIGNATURE).exists()
    (tree / MANIFEST).unlink()
    (tree / MANIFEST).write_text("no manifest\n")
    assert attest("--sign", key.path, tree).returncode == DATAERR
    assert not (tree / SIGNATURE).exists()
    good("--sign", key.path, "--format", "2", tree)
    good("--verify", "--public-key", key.public, tree)


def test_sign_with_a_bad_key_leaves_all_as_it_was(tree, key, tmp_path):
    good("--sign", key.path, tree)
    before = [(tree / name).read_bytes() for name in (MANIFEST, SIGNATURE)]
    (tree / "g").write_text("z")
    rsa = tmp_path / "rsa.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "RSA", "-out", rsa], check=True, capture_output=True)
    for bad, text in ((rsa, "not an Ed25519 one"), (tmp_path / "absent.pem", "absent.pem")):
        refused(FAILED, text, "--sign", bad, "--format", "2", tree)
        refused(FAILED, text, "--sign", bad, tree)
        assert [(tree / name).read_bytes() for name in (MANIFEST, SIGNATURE)] == before
    (tree / MANIFEST).unlink()
    refused(FAILED, "absent.pem", "--sign", tmp_path / "absent.pem", tree)
    assert not (tree / MANIFEST).exists()


def test_sign_again_keeps_other_signers(tree, key, tmp_path):
    other = Key(tmp_path / "other")
    other.path.chmod(0o600)
    good("--sign", key.path, tree)
    good("--sign", other.path, tree)
    for k in (key, other):
        good("--verify-signature", "--public-key", k.public, tree)


def test_signature_is_checked_alone_or_with_the_tree(tree, key, tmp_path):
    good(tree)
    refused(DATAERR, "nucleus attest --sign", "--verify-signature", "--public-key", key.public, tree)
    good("--sign", key.path, tree)
    stranger = Key(tmp_path / "stranger")
    refused(DATAERR, key.public, "--verify-signature", "--public-key", stranger.public, tree)
    refused(DATAERR, key.public, "--verify", "--public-key", stranger.public, tree)
    good("--verify", "--public-key", stranger.public, "--public-key", key.public, tree)
    # The tree is none of the signature's business, and all of --verify's.
    (tree / "g").write_text("z")
    good("--verify-signature", "--public-key", key.public, tree)
    refused(DATAERR, "not what its manifest says", "--verify", "--public-key", key.public, tree)


def test_signature_that_is_a_link_is_not_followed(tree, key, tmp_path):
    good("--sign", key.path, tree)
    os.rename(tree / SIGNATURE, tmp_path / "elsewhere")
    os.symlink(tmp_path / "elsewhere", tree / SIGNATURE)
    assert attest("--verify-signature", "--public-key", key.public, tree).returncode != 0
    assert attest("--sign", key.path, tree).returncode != 0


def test_bad_keys_are_named(tree, key, tmp_path):
    refused(FAILED, "absent.pem", "--sign", tmp_path / "absent.pem", tree)
    os.mkfifo(tmp_path / "fifo")
    refused(FAILED, "no regular file", "--sign", tmp_path / "fifo", tree)
    (tmp_path / "large").write_bytes(b"x" * 65537)
    refused(FAILED, "too large", "--sign", tmp_path / "large", tree)
    (tmp_path / "text").write_text("no key\n")
    refused(FAILED, str(tmp_path / "text"), "--sign", tmp_path / "text", tree)
    key.path.chmod(0o644)
    done = attest("--sign", key.path, tree)
    assert done.returncode == 0 and "others can read" in done.stderr
    key.path.chmod(0o600)
    assert "others can read" not in attest("--sign", key.path, tree).stderr


# ---- images ----


@needs_fsverity
def test_image_digests_equal_those_of_other_programs(image):
    said = good("--fsverity", image)
    assert said == {"image_sha256": hashlib.sha256(image.read_bytes()).hexdigest(),
                    "image_fsverity": fsverity_digest(image)}
    assert json.loads(attest("--fsverity", "--json", image).stdout).items() >= said.items()
    good("--verify", "--image-sha256", said["image_sha256"], image)
    refused(DATAERR, "not the pinned one", "--verify", "--image-sha256", "0" * 64, image)


def test_image_is_signed_beside_it(image, key, tmp_path):
    digest = good("--sign", key.path, image)["image_sha256"]
    assert (tmp_path / "image.sig").read_text() == key.sign(digest, "image-sha256")
    good("--verify", "--public-key", key.public, image)
    with open(image, "r+b") as f:
        f.seek(2000)
        f.write(b"changed")
    refused(DATAERR, "or of another kind of digest", "--verify", "--public-key", key.public, image)
    digest = good("--fsverity", "--sign", key.path, image)["image_fsverity"]
    assert (tmp_path / "image.sig").read_text() == key.sign(digest, "image-fsverity")


def test_image_that_is_a_link_has_its_signature_beside_the_link(image, key, tmp_path):
    good("--sign", key.path, image)
    (tmp_path / "named").mkdir()
    (tmp_path / "named/web").symlink_to(image)
    refused(DATAERR, "not signed", "--verify", "--public-key", key.public, tmp_path / "named/web")
    (tmp_path / "named/web.sig").symlink_to(f"{image}.sig")
    good("--verify", "--public-key", key.public, tmp_path / "named/web")


def test_file_that_is_no_image_is_refused(tree):
    refused(FAILED, "neither an EROFS nor a squashfs image", tree / "g")


# ---- what options cannot mean ----

KEY = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo="
HEX = "0" * 64


@pytest.mark.parametrize("arguments, text", [
    (["--verify", "--sign", "k"], "--sign has no meaning"),
    (["--verify", "--format", "2"], "--format has no meaning"),
    (["--verify", "--enable-verity"], "--enable-verity has no meaning"),
    (["--manifest-sha256", HEX], "without --verify"),
    (["--image-sha256", HEX], "without --verify"),
    (["--public-key", KEY], "without --verify"),
    (["--verify-signature"], "needs --public-key"),
    (["--verify-signature", "--fsverity", "--public-key", KEY], "--fsverity has no meaning"),
    (["--format", "1", "--fsverity"], "needs --format 2"),
    (["--format", "3"], "1 or 2"),
    (["--verify", "--manifest-sha256", "ABC"], "64 lower-case"),
    (["--verify", "--image-sha256", HEX], "for images"),
    (["--verify", "--public-key", "key.pem"], "base64"),
    (["--threads", "0"], "1 to 1024"),
    (["--threads", "-1"], "1 to 1024"),
    (["--threads", "2x"], "1 to 1024"),
])
def test_options_without_a_meaning_are_usage_errors(tree, arguments, text):
    refused(USAGE, text, *arguments, tree)
    assert not (tree / MANIFEST).exists()


def test_links_into_the_store_without_a_list_are_warned_of(tree):
    (tree / "d/link").symlink_to("/nix/store/00000000000000000000000000000000-app/bin/app")
    done = attest(tree)
    assert done.returncode == 0 and "d/link leads into /nix/store" in done.stderr, done
    assert "warning" not in attest("--verify", tree).stderr
    (tree / "nix/store/00000000000000000000000000000000-app").mkdir(parents=True)
    assert "warning" not in attest(tree).stderr


def test_a_missing_manifest_names_who_writes_it(tree):
    refused(DATAERR, "no manifest (.nucleus-rootfs-sha256): `nucleus attest` writes one", "--verify", tree)


def test_one_directory_or_image_is_taken(tree):
    refused(USAGE, "a directory or an image is missing")
    refused(USAGE, "one directory or image at a time", tree, tree)


@pytest.mark.parametrize("arguments, text", [
    (["--format", "2"], "for directories"),
    (["--verify"], "needs --image-sha256"),
    (["--verify-signature", "--public-key", KEY], "for directories"),
    (["--verify", "--image-sha256", HEX, "--image-fsverity", HEX], "choose one"),
    (["--verify", "--image-sha256", HEX, "--fsverity"], "--fsverity has no meaning"),
])
def test_options_of_images_are_usage_errors(tree, arguments, text):
    refused(USAGE, text, *arguments, tree / "g")
