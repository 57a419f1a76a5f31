# SPDX-License-Identifier: Apache-2.0
"""`nucleus rootfs pack`: what becomes of a directory, and what does not."""

import base64
import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tomllib

import pytest
from lib import archives, build, rootfs, sandbox
from lib.archives import tar
from lib.rootfs_cli import MANIFEST, MOUNT_POINTS, USAGE, good, metadata, names, nothing_left, refused
from lib.spec import Exit, Spec


# ---- pack ----


def test_pack_keeps_all_that_a_manifest_covers(nucleus, source, tmp_path):
    done = good(nucleus("rootfs", "pack", source, "-o", "out"))
    assert "made, directory, 17 entries" in done.stderr
    out = metadata(tmp_path / "out")
    for path, was in metadata(source).items():
        is_ = out.pop(path)
        assert (is_[:3], is_[4:]) == (was[:3], was[4:]), path
        assert is_[3] == 0
    assert set(out) == {os.fsencode(n) for n in MOUNT_POINTS | {MANIFEST}}
    assert os.lstat(tmp_path / "out/tmp").st_mode & 0o7777 == 0o1777
    assert os.stat(tmp_path / "out/usr/lib/holes").st_blocks * 512 < 1 << 20
    assert os.path.samefile(tmp_path / "out/bin/sh", tmp_path / "out/bin/busybox")
    assert nothing_left(tmp_path)


def test_pack_output_is_what_its_manifest_says_until_it_changes(nucleus, source, tmp_path):
    done = good(nucleus("rootfs", "pack", source, "-o", "out"))
    toml = tomllib.loads(done.stdout)
    assert toml["rootfs"] == f"{tmp_path}/out"
    pin = toml["attestation"]["manifest_sha256"]
    good(nucleus("attest", "--verify", "--manifest-sha256", pin, "out"))
    os.chmod(tmp_path / "out/etc/conf", 0o644)
    assert nucleus("attest", "--verify", "--manifest-sha256", pin, "out").returncode == 65


def test_pack_twice_gives_the_same(nucleus, source, tmp_path):
    one = good(nucleus("rootfs", "pack", source, "-o", "one")).stdout
    os.utime(source / "etc/conf")
    two = good(nucleus("rootfs", "pack", source, "-o", "two")).stdout
    assert one.replace("/one", "/two") == two
    assert metadata(tmp_path / "one") == metadata(tmp_path / "two")
    # The control: what is different is seen.
    (source / "etc/conf").write_text("a = 2\n")
    assert good(nucleus("rootfs", "pack", source, "-o", "three")).stdout.replace("/three", "/two") != two


@pytest.mark.parametrize("epoch, ok", [("1700000000", True), ("", True), ("-1", False), ("soon", False)])
def test_pack_takes_the_time_from_source_date_epoch(nucleus, source, tmp_path, epoch, ok):
    done = nucleus("rootfs", "pack", source, "-o", "out", SOURCE_DATE_EPOCH=epoch)
    if not ok:
        assert done.returncode == USAGE and "SOURCE_DATE_EPOCH" in done.stderr
        return
    assert {m[3] for m in metadata(tmp_path / "out").values()} == {int(epoch or 0) * 10**9}


def test_pack_leaves_out_what_no_root_tree_can_have(nucleus, source, tmp_path):
    os.mkfifo(source / "etc/fifo")
    os.mknod(source / "etc/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(source / "etc/gone", stat.S_IFCHR, os.makedev(0, 0))
    for number in range(20):
        os.mkfifo(source / f"etc/more{number}")
    done = good(nucleus("rootfs", "pack", source, "-o", "out", "--json"))
    skipped = json.loads(done.stdout)["skipped"]
    assert skipped["count"] == 23 and len(skipped["items"]) == 10
    assert not any(n.startswith(("etc/fifo", "etc/null", "etc/gone", "etc/more")) for n in names(tmp_path / "out"))
    text = good(nucleus("rootfs", "pack", source, "-o", "out2")).stderr
    assert "warning: left out" in text and "... and 13 more" in text


@pytest.mark.parametrize("keep", [False, True])
def test_pack_removes_privileges_unless_told(nucleus, source, tmp_path, keep):
    for name, mode in (("su", 0o4755), ("wall", 0o2755), ("ping", 0o755)):
        shutil.copy("/bin/busybox", source / "bin" / name)
        os.chmod(source / "bin" / name, mode)
    subprocess.run(["setcap", "cap_net_raw+ep", source / "bin/ping"], check=True)
    os.chmod(source / "var/empty", 0o2755)
    done = good(nucleus("rootfs", "pack", source, "-o", "out", *(["--keep-privileges"] if keep else [])))
    out = tmp_path / "out/bin"
    assert [os.stat(out / n).st_mode & 0o7777 for n in ("su", "wall")] == ([0o4755, 0o2755] if keep else [0o755, 0o755])
    assert ("security.capability" in os.listxattr(out / "ping")) == keep
    assert os.stat(tmp_path / "out/var/empty").st_mode & 0o7777 == 0o2755
    for what in ("bin/su: setuid", "bin/wall: setgid", "bin/ping: file capabilities"):
        assert (what in done.stderr) != keep


def test_pack_makes_mount_points_and_replaces_an_old_manifest(nucleus, source, tmp_path):
    (source / MANIFEST).write_text("old")
    (source / (MANIFEST + ".sig")).write_text("old")
    (source / "run").symlink_to("/var/empty")
    good(nucleus("rootfs", "pack", source, "-o", "out", "--mount-point", "/var/lib/web", "--mount-point", "/lib/x"))
    assert (tmp_path / "out/var/lib/web").is_dir() and (tmp_path / "out/usr/lib/x").is_dir()
    assert os.readlink(tmp_path / "out/run") == "/var/empty"
    assert (tmp_path / "out" / MANIFEST).read_text().startswith("nucleus-manifest 2\n")
    assert not os.path.lexists(tmp_path / "out" / (MANIFEST + ".sig"))


@pytest.mark.parametrize("path, why", [
    ("relative", "absolute"), ("/", "root"), ("/a/../b", '".."'), ("/etc/dangling", "leads nowhere"), ("/etc/conf/x", "no directory")])
def test_pack_refuses_mount_points_that_cannot_be(nucleus, source, tmp_path, path, why):
    done = nucleus("rootfs", "pack", source, "-o", "out", "--mount-point", path)
    assert done.returncode in (1, USAGE) and why in done.stderr
    assert not os.path.lexists(tmp_path / "out") and nothing_left(tmp_path)


def test_pack_never_replaces_nor_copies_into_itself(nucleus, source, tmp_path):
    (tmp_path / "out").mkdir()
    before = rootfs.snapshot(tmp_path)
    assert "is there already" in nucleus("rootfs", "pack", source, "-o", "out").stderr
    assert "lies in" in nucleus("rootfs", "pack", source, "-o", source / "etc/out").stderr
    assert "no name for something new" in nucleus("rootfs", "pack", source, "-o", "out/..").stderr
    after = rootfs.snapshot(tmp_path)
    # The directories had a temporary one for a while, which their time tells.
    assert {p: (*s[:3], *s[4:]) for p, s in after.items()} == {p: (*s[:3], *s[4:]) for p, s in before.items()}


def test_pack_refuses_another_file_system_beneath(nucleus, source, tmp_path):
    script = f"mount -t tmpfs none {source}/var/empty && exec \"$@\""
    done = nucleus("rootfs", "pack", source, "-o", "out", wrapper=("unshare", "-m", "sh", "-c", script, "sh"))
    refused(done, tmp_path, "var/empty", "unmount")


def test_pack_refuses_a_huge_file_of_holes(nucleus, source, tmp_path):
    for suffix in ("", ".erofs"):
        with open(source / "etc/huge", "wb") as f:
            f.truncate(1 << 40)
        refused(nucleus("rootfs", "pack", source, "-o", "out" + suffix), tmp_path, "etc/huge", "holes", out="out" + suffix)


def test_pack_as_somebody_else_gives_all_to_the_caller(nucleus, source):
    with rootfs.public_directory() as public:
        os.chmod(public, 0o777)
        shutil.copytree(source / "bin", public / "in")
        (public / "in/closed").mkdir(mode=0o500)
        program = sandbox.published(public, build.program("tools/nucleus"))
        (public / "in/closed").chmod(0o500)
        rootfs.give(public / "in", sandbox.UNPRIVILEGED, sandbox.UNPRIVILEGED)
        done = subprocess.run([program, "rootfs", "pack", public / "in", "-o", public / "out"], capture_output=True,
                              text=True, preexec_fn=lambda: sandbox.become(sandbox.UNPRIVILEGED))
        assert done.returncode == 0, done.stderr
        assert "only root" in done.stderr
        assert os.stat(public / "out/closed").st_mode & 0o7777 == 0o500
        assert {m[1] for m in metadata(public / "out").values()} == {sandbox.UNPRIVILEGED}
        assert nothing_left(public)


@pytest.mark.parametrize("arguments", [
    (), ("-o", "out"), ("source",), ("-o", "out", "source", "source"), ("-o", "out", "--format", "ext4", "source"),
    ("-o", "out", "--verity", "source"), ("-o", "out.erofs", "--verity", "--fsverity", "source"),
    ("-o", "out", "--image", "x", "source"), ("-o", "out", "--max-size", "1", "source")])
def test_pack_wrong_usage(nucleus, arguments):
    done = nucleus("rootfs", "pack", *arguments)
    assert done.returncode == USAGE and done.stdout == "" and "Usage: nucleus rootfs pack" in done.stderr


def test_pack_warns_of_links_into_the_store_without_a_list(nucleus, plain_source):
    (plain_source / "link").symlink_to("/nix/store/00000000000000000000000000000000-app")
    assert "link leads into /nix/store" in good(nucleus("rootfs", "pack", plain_source, "-o", "out")).stderr


def test_pack_and_from_tar_name_each_other_where_the_source_is_of_the_other_kind(nucleus, source, tmp_path):
    (tmp_path / "file.tar").write_bytes(tar())
    refused(nucleus("rootfs", "pack", "file.tar", "-o", "out"), tmp_path, "file.tar", "`nucleus rootfs from-tar`")
    refused(nucleus("rootfs", "from-tar", source, "-o", "out"), tmp_path, "a directory", "`nucleus rootfs pack`")


# ---- images ----


@pytest.mark.parametrize("suffix", ["erofs", "squashfs"])
def test_pack_image_is_the_same_twice_and_pinned(nucleus, plain_source, tmp_path, suffix):
    source = plain_source
    texts = [good(nucleus("rootfs", "pack", source, "-o", f"{n}.{suffix}")).stdout for n in ("one", "two")]
    one, two = ((tmp_path / f"{n}.{suffix}").read_bytes() for n in ("one", "two"))
    assert one == two
    assert tomllib.loads(texts[0])["attestation"] == {"image_sha256": archives.sha256(one)}
    assert one[1024:1028] == b"\xe2\xe1\xf5\xe0" if suffix == "erofs" else one[:4] == b"hsqs"
    assert os.stat(tmp_path / f"one.{suffix}").st_mode & 0o7777 == 0o444
    (source / "etc/conf").write_text("a = 2\n")
    good(nucleus("rootfs", "pack", source, "-o", f"three.{suffix}"))
    assert (tmp_path / f"three.{suffix}").read_bytes() != one


def test_pack_image_refuses_acls_that_squashfs_cannot_hold(nucleus, source, tmp_path):
    refused(nucleus("rootfs", "pack", source, "-o", "out.squashfs"), tmp_path, "etc/conf", "ACL", out="out.squashfs")


def test_pack_image_holds_the_tree(nucleus, plain_source, tmp_path):
    source = plain_source
    good(nucleus("rootfs", "pack", source, "-o", "out.squashfs"))
    good(nucleus("rootfs", "pack", source, "-o", "out"))
    subprocess.run(["unsquashfs", "-q", "-n", "-d", tmp_path / "unpacked", tmp_path / "out.squashfs"], check=True,
                   stdout=subprocess.DEVNULL)
    tree, image = metadata(tmp_path / "out"), metadata(tmp_path / "unpacked")
    del tree[os.fsencode(MANIFEST)]
    assert tree == image


def test_pack_image_verity_gives_the_root_hash(nucleus, plain_source, tmp_path):
    source = plain_source
    done = good(nucleus("rootfs", "pack", source, "-o", "out.erofs", "--verity"))
    root_hash = tomllib.loads(done.stdout)["attestation"]["root_hash"]
    verify = ["veritysetup", "verify", tmp_path / "out.erofs", tmp_path / "out.erofs.verity"]
    assert subprocess.run([*verify, root_hash], capture_output=True).returncode == 0
    assert subprocess.run([*verify, "0" * 64], capture_output=True).returncode != 0


def test_pack_fsverity_gives_the_kernels_digest(nucleus, plain_source, tmp_path):
    source = plain_source
    done = good(nucleus("rootfs", "pack", source, "-o", "out.erofs", "--fsverity"))
    digest = subprocess.run(["fsverity", "digest", "--compact", tmp_path / "out.erofs"], capture_output=True, text=True,
                            check=True).stdout.strip()
    assert tomllib.loads(done.stdout)["attestation"] == {"image_fsverity": digest}
    done = good(nucleus("rootfs", "pack", source, "-o", "out", "--fsverity"))
    assert tomllib.loads(done.stdout)["attestation"]["method"] == "fsverity"
    assert "fsverity.sha256" in (tmp_path / "out" / MANIFEST).read_text()


def test_pack_fsverity_prints_a_command_that_holds_a_path_with_spaces(nucleus, plain_source, tmp_path):
    done = good(nucleus("rootfs", "pack", plain_source, "-o", "an output", "--fsverity"))
    assert tomllib.loads(done.stdout)["rootfs"] == f"{tmp_path}/an output"
    assert f'nucleus attest --enable-verity "{tmp_path}/an output"\n' in done.stdout


@pytest.mark.parametrize("out, extra, program, package", [
    ("out.erofs", (), "mkfs.erofs", "erofs-utils"), ("out.squashfs", (), "mksquashfs", "squashfs-tools"),
    ("out.erofs", ("--verity",), "veritysetup", "cryptsetup-bin")])
def test_pack_image_names_the_package_that_is_missing(nucleus, plain_source, tmp_path, out, extra, program, package):
    source = plain_source
    script = f"mount --bind /dev/null {os.path.realpath(shutil.which(program))} && exec \"$@\""
    done = nucleus("rootfs", "pack", source, "-o", out, *extra, wrapper=("unshare", "-m", "sh", "-c", script, "sh"))
    refused(done, tmp_path, program, package, out=out)


@pytest.fixture
def key(tmp_path):
    path = tmp_path / "key.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True)
    subprocess.run(["openssl", "pkey", "-in", path, "-pubout", "-out", tmp_path / "key.pub"], check=True)
    return path


@pytest.mark.parametrize("out, extra, subject, member", [
    ("out", (), "manifest-sha256", "manifest_sha256"), ("out.erofs", (), "image-sha256", "image_sha256"),
    ("out.squashfs", ("--verity",), "image-root-hash", "root_hash")])
def test_pack_signs(nucleus, plain_source, tmp_path, key, out, extra, subject, member):
    source = plain_source
    document = json.loads(good(nucleus("rootfs", "pack", source, "-o", out, "--sign", key, "--json", *extra)).stdout)
    place = tmp_path / out / (MANIFEST + ".sig") if out == "out" else tmp_path / (out + ".sig")
    word, public, signature = place.read_text().split()
    assert (word, public) == ("ed25519", document["public_key"])
    assert f'public_key = "{public}"' in document["toml"]
    (tmp_path / "signature").write_bytes(base64.b64decode(signature))
    for digest, fine in ((document[member], True), ("0" * 64, False)):
        (tmp_path / "statement").write_text(f"nucleus-attestation 1\n{subject} {digest}\n")
        done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", tmp_path / "key.pub", "-rawin", "-in",
                               tmp_path / "statement", "-sigfile", tmp_path / "signature"], capture_output=True)
        assert (done.returncode == 0) == fine


def test_pack_with_no_key_makes_nothing(nucleus, plain_source, tmp_path):
    source = plain_source
    refused(nucleus("rootfs", "pack", source, "-o", "out", "--sign", "missing.pem"), tmp_path, "missing.pem")
    (tmp_path / "bad.pem").write_text("no key")
    refused(nucleus("rootfs", "pack", source, "-o", "out.erofs", "--sign", "bad.pem"), tmp_path, "bad.pem", out="out.erofs")
    os.mkfifo(tmp_path / "fifo.pem")
    refused(nucleus("rootfs", "pack", source, "-o", "out", "--sign", "fifo.pem"), tmp_path, "fifo.pem", "no regular file")
    # It is said before the work is done, not after it.
    refused(nucleus("rootfs", "pack", "missing", "-o", "out", "--sign", "bad.pem"), tmp_path, "bad.pem")


# ---- what was made runs ----


def test_pack_output_runs_attested(nucleus):
    with rootfs.public_directory() as public:
        rootfs.make(public / "in")
        shutil.rmtree(public / "in/proc")
        out = json.loads(good(nucleus("rootfs", "pack", public / "in", "-o", public / "out", "--json")).stdout)
        spec = Spec(["/bin/payload", "exit", "0"], rootfs=public / "out", attest=out["manifest_sha256"])
        assert sandbox.run(spec).code == 0
        sandbox.refused(sandbox.run(spec.but(attest="0" * 64)), Exit.DATAERR)
        # The control: the directory as it was has not what a start needs.
        assert sandbox.run(spec.but(rootfs=public / "in", attest=None)).code == Exit.NAMESPACE


@pytest.mark.parametrize("suffix", ["erofs", "squashfs"])
def test_pack_image_runs_attested(nucleus, suffix):
    with rootfs.public_directory() as public:
        rootfs.make(public / "in")
        image = public / f"out.{suffix}"
        out = json.loads(good(nucleus("rootfs", "pack", public / "in", "-o", image, "--json")).stdout)
        spec = Spec(["/bin/payload", "exit", "0"], rootfs=image, attest="unpinned", image_sha256=out["image_sha256"])
        done = sandbox.run(spec)
        assert done.code == 0, done
        sandbox.refused(sandbox.run(spec.but(image_sha256="0" * 64)), Exit.DATAERR)


# ---- help ----


def test_rootfs_help_and_manual_agree(nucleus):
    text = pathlib.Path(__file__).parents[2].joinpath("docs/man/nucleus-rootfs.1").read_text()
    for verb in ("pack", "from-tar"):
        done = good(nucleus("rootfs", verb, "--help"))
        for option in set(re.findall(r"--([a-z-]+)", done.stdout)):
            assert f"Fl -{option}" in text, option
