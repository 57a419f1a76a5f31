# SPDX-License-Identifier: Apache-2.0
"""`nucleus rootfs`: what becomes of directories and archives, and what does not."""

import base64
import json
import os
import pathlib
import re
import shutil
import signal
import stat
import subprocess
import tarfile
import tomllib

import pytest
from lib import archives, build, kernel, rootfs, sandbox
from lib.archives import Oci, directory, docker, entry, hard_link, symlink, tar
from lib.spec import Exit, Spec

MANIFEST = ".nucleus-rootfs-sha256"
MOUNT_POINTS = {"dev", "proc", "run", "tmp"}
USAGE = 2


@pytest.fixture
def nucleus(tmp_path):
    def run(*arguments, input=None, wrapper=(), preexec=None, **environment):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment}
        done = subprocess.run([*wrapper, build.program("tools/nucleus"), *map(str, arguments)], input=input,
                              stdin=subprocess.DEVNULL if input is None else None, capture_output=True, timeout=300,
                              env=env, cwd=tmp_path, preexec_fn=preexec)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done
    return run


@pytest.fixture
def from_tar(nucleus, tmp_path):
    """Makes tmp_path/out of an archive's bytes."""
    def run(archive, *arguments, out="out", **more):
        (tmp_path / "archive").write_bytes(archive)
        return nucleus("rootfs", "from-tar", tmp_path / "archive", "-o", tmp_path / out, *arguments, **more)
    return run


def good(done):
    assert done.returncode == 0, done.stderr
    return done


def refused(done, tmp_path, *words, out="out"):
    """Refused with one error, and nothing is left."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert len([line for line in done.stderr.splitlines() if "warning" not in line]) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not os.path.lexists(tmp_path / out)
    assert nothing_left(tmp_path)


def nothing_left(path):
    return not [name for name in os.listdir(path) if name.startswith(".nucleus-rootfs.")]


def names(root):
    """All entries of a tree, but for what every tree is given."""
    found = {os.path.relpath(os.path.join(top, name), root) for top, directories, files in os.walk(root)
             for name in (*directories, *files)}
    return found - MOUNT_POINTS - {MANIFEST}


def metadata(root):
    """All that two trees of one origin must share."""
    found = {}
    for top, directories, files in os.walk(os.fsencode(root)):
        for name in (b".", *directories, *files):
            path = os.path.normpath(os.path.join(top, name))
            st = os.lstat(path)
            content = os.readlink(path) if stat.S_ISLNK(st.st_mode) else \
                open(path, "rb").read() if stat.S_ISREG(st.st_mode) else None
            attributes = {a: os.getxattr(path, a, follow_symlinks=False)
                          for a in os.listxattr(path, follow_symlinks=False) if not a.startswith("security.selinux")}
            found[os.path.relpath(path, os.fsencode(root))] = (
                st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, st.st_nlink if stat.S_ISREG(st.st_mode) else 0,
                attributes, content)
    return found


@pytest.fixture
def source(tmp_path):
    """A directory with one of everything."""
    root = tmp_path / "source"
    for path in ("bin", "etc", "usr/lib", "var/empty"):
        (root / path).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    os.link(root / "bin/busybox", root / "bin/sh")
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/dangling").symlink_to("/nowhere")
    (root / "etc/conf").write_text("a = 1\n")
    os.chown(root / "etc/conf", 12, 34)
    os.chmod(root / "etc/conf", 0o640)
    os.setxattr(root / "etc/conf", "user.note", b"\x00\xff")
    subprocess.run(["setfacl", "-m", "u:77:r", root / "etc/conf"], check=True)
    os.setxattr(root / "var/empty", "user.note", b"")
    os.chmod(root / "var/empty", 0o1570)
    with open(root / "usr/lib/holes", "wb") as f:
        f.write(b"begin")
        f.truncate(8 << 20)
        f.seek(4 << 20)
        f.write(b"middle")
    (root / "etc" / ("n" * 255)).write_text("long")
    open(os.fsencode(root) + b"/etc/\xff\n\t", "w").close()
    for twin in ("caf\u00e9", "cafe\u0301"):
        (root / "etc" / twin).write_text(twin)
    return root


@pytest.fixture
def plain_source(source):
    """Without a name that mkfs.erofs 1.5 fails on, and without an ACL, which squashfs cannot hold."""
    (source / "etc" / ("n" * 255)).rename(source / "etc" / ("n" * 254))
    subprocess.run(["setfacl", "-b", source / "etc/conf"], check=True)
    return source


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


# ---- plain archives ----

BUSYBOX = pathlib.Path("/bin/busybox").read_bytes()


def plain():
    return (directory("./"), directory("./bin", mode=0o711), entry("./bin/busybox", BUSYBOX, mode=0o755, uid=3, gid=4),
            hard_link("./bin/sh", "./bin/busybox"), symlink("./lib", "usr/lib"), directory("usr/lib"),
            entry("./lib/through-the-link", b"1"))


@pytest.mark.parametrize("compression", sorted(archives.COMPRESSIONS))
@pytest.mark.parametrize("format", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_from_tar_reads_every_form(from_tar, tmp_path, compression, format):
    done = good(from_tar(archives.COMPRESSIONS[compression](tar(*plain(), format=format))))
    out = tmp_path / "out"
    assert names(out) == {"bin", "bin/busybox", "bin/sh", "lib", "usr", "usr/lib", "usr/lib/through-the-link"}
    assert os.path.samefile(out / "bin/sh", out / "bin/busybox")
    st = os.stat(out / "bin/busybox")
    assert (st.st_uid, st.st_gid, st.st_mode & 0o7777, st.st_mtime) == (3, 4, 0o755, 0)
    assert os.stat(out / "bin").st_mode & 0o7777 == 0o711
    assert (out / "bin/busybox").read_bytes() == BUSYBOX
    assert set(tomllib.loads(done.stdout)) == {"rootfs", "attestation"}


def test_from_tar_reads_standard_input(nucleus, tmp_path):
    good(nucleus("rootfs", "from-tar", "-", "-o", "out", input=tar(*plain())))
    assert (tmp_path / "out/bin/sh").exists()
    assert nothing_left(tmp_path)


def test_from_tar_and_pack_agree(nucleus, source, tmp_path):
    with open(tmp_path / "source.tar", "wb") as f:
        subprocess.run(["tar", "--format=pax", "--xattrs", "--xattrs-include=*", "--numeric-owner", "-S", "-C", source,
                        "-c", "."], stdout=f, check=True)
    one = good(nucleus("rootfs", "from-tar", "source.tar", "-o", "one"))
    two = good(nucleus("rootfs", "pack", source, "-o", "two"))
    assert metadata(tmp_path / "one") == metadata(tmp_path / "two"), one.stderr
    assert one.stdout.replace("/one", "/two") == two.stdout


def test_from_tar_keeps_names_byte_for_byte(from_tar, tmp_path):
    raw = [b"caf\xc3\xa9", b"cafe\xcc\x81", b"\xff\xfe", b"n" * 255, b"line\nfeed", b".wh.plain", b"a\\b"]
    good(from_tar(tar(*(entry(os.fsdecode(n), n) for n in raw))))
    found = {n: (tmp_path / "out" / os.fsdecode(n)).read_bytes() for n in os.listdir(os.fsencode(tmp_path / "out"))
             if os.fsdecode(n) not in MOUNT_POINTS | {MANIFEST}}
    assert found == {n: n for n in raw}


def test_from_tar_refuses_acls_as_text(from_tar, tmp_path):
    acl = "user::rw-,user:77:r--:77,group::---,mask::r--,other::---"
    refused(from_tar(tar(entry("file", b"1", mode=0o640, SCHILY__acl__access=acl))), tmp_path, "file", "ACL")
    good(from_tar(tar(entry("file", b"1", mode=0o640))))


def test_from_tar_keeps_only_covered_attributes(from_tar, tmp_path):
    xattrs = {"SCHILY__xattr__user__note": "1", "SCHILY__xattr__trusted__overlay__opaque": "y",
              "SCHILY__xattr__security__ima": "x"}
    good(from_tar(tar(entry("file", b"1", **{k: v for k, v in xattrs.items()}))))
    assert os.listxattr(tmp_path / "out/file") == ["user.note"]


def test_from_tar_later_entries_replace_earlier(from_tar, tmp_path):
    good(from_tar(tar(
        entry("a", b"1"), entry("a", b"2"), directory("d"), entry("d/x", b"1"), directory("d", mode=0o700), entry("d2/x"),
        entry("d2", b"file"), symlink("s", "a"), entry("s", b"3"), hard_link("h", "a"), entry("h", b"4"), hard_link("a", "a"))))
    out = tmp_path / "out"
    assert (out / "a").read_bytes() == b"2"
    assert (out / "d/x").exists() and os.stat(out / "d").st_mode & 0o7777 == 0o700
    assert (out / "d2").read_bytes() == b"file"
    assert (out / "s").read_bytes() == b"3" and not (out / "s").is_symlink()
    assert (out / "h").read_bytes() == b"4"


def test_from_tar_leaves_out_devices(from_tar, tmp_path):
    done = good(from_tar(tar(entry("null", kind=tarfile.CHRTYPE), entry("sda", kind=tarfile.BLKTYPE),
                             entry("fifo", kind=tarfile.FIFOTYPE), entry("su", b"", mode=0o6755))))
    assert names(tmp_path / "out") == {"su"}
    assert os.stat(tmp_path / "out/su").st_mode & 0o7777 == 0o755
    for word in ("null: a character device", "sda: a block device", "fifo: a FIFO", "su: setuid"):
        assert word in done.stderr


def outside_of(tmp_path):
    """A directory that no archive may reach, and a file in it."""
    path = tmp_path / "outside"
    path.mkdir()
    (path / "canary").write_text("sings")
    return path


def attacks(outside):
    """Entries that would reach `outside`, and the words with which they are refused; None: made harmless."""
    up = "../" * 20 + str(outside)[1:]
    return {
        "climbs": ([entry("../outside/canary", b"dead")], ['".."']),
        "climbs from within": ([directory("a"), entry("a/../../outside/canary", b"dead")], ['".."']),
        "absolute": ([entry(f"{outside}/canary", b"dead")], None),
        "through an absolute link": ([symlink("l", str(outside)), entry("l/canary", b"dead")], ["leads nowhere"]),
        "through a climbing link": ([symlink("l", up), entry("l/canary", b"dead")], ["leads nowhere"]),
        "through two links": ([symlink("l", "m/.."), symlink("m", str(outside / "x")), symlink("n", str(outside)),
                               entry("n/canary", b"dead")], ["leads nowhere"]),
        "over a link": ([symlink("l", str(outside / "canary")), entry("l", b"dead")], None),
        "through a hard link": ([hard_link("h", f"{outside}/canary"), entry("h", b"dead")], ["not in the tree"]),
        "through a climbing hard link": ([hard_link("h", "../outside/canary"), entry("h", b"dead")], ['".."']),
        "link in place of a directory": ([directory("d"), symlink("d", str(outside)), entry("d/canary", b"dead")],
                                         ["leads nowhere"]),
        "hard link through a link": ([symlink("l", str(outside)), hard_link("h", "l/canary"), entry("h", b"dead")],
                                     ["not in the tree"]),
    }


@pytest.mark.parametrize("name", sorted(attacks(pathlib.Path("/x"))))
def test_from_tar_stays_in_the_tree(from_tar, tmp_path, name):
    outside = outside_of(tmp_path)
    entries, words = attacks(outside)[name]
    archive = tar(entry("before", b"1"), *entries)
    before = rootfs.snapshot(outside)
    done = from_tar(archive)
    if words is None:
        good(done)
        assert b"dead" in [p.read_bytes() for p in (tmp_path / "out").rglob("*") if p.is_file() and not p.is_symlink()]
    else:
        refused(done, tmp_path, *words)
    assert rootfs.snapshot(outside) == before
    # The controls: the archive without them is taken; and one that trusts it loses the canary.
    good(from_tar(tar(entry("before", b"1")), out="harmless"))
    (tmp_path / "naive").mkdir()
    if name not in ("over a link", "link in place of a directory"):  # Python itself replaces these
        archives.naive(archive, tmp_path / "naive")
        assert rootfs.snapshot(outside) != before


def test_from_tar_links_lead_within_the_tree(from_tar, tmp_path):
    """What the same links do where the tree has what they name: usr-merged layers are made so."""
    good(from_tar(tar(directory("usr/lib"), symlink("lib", "/usr/lib"), entry("lib/a", b"1"), symlink("up", "../../usr"),
                      entry("up/lib/b", b"2"), hard_link("c", "lib/a"))))
    assert names(tmp_path / "out") == {"usr", "usr/lib", "lib", "usr/lib/a", "up", "usr/lib/b", "c"}


@pytest.mark.parametrize("entries, words", [
    ([entry("a" * 256)], ["255 bytes"]), ([entry("a/" * 2048 + "b")], ["4095 bytes"]),
    ([entry(".", b"x")], ["no directory"]), ([symlink("a", "b" * 5000)], ["too long"]),
    ([symlink("a", "a"), entry("a/b")], ["without end"]), ([entry("a", b"1"), entry("a/b")], ["no directory"]),
    ([directory("d"), hard_link("h", "d")], ["no file"]), ([hard_link("h", "later"), entry("later")], ["not in the tree"]),
    ([entry("a", uid=2**32 - 1)], ["no ids"])])
def test_from_tar_refuses_what_cannot_be(from_tar, tmp_path, entries, words):
    refused(from_tar(tar(*entries)), tmp_path, *words)


def test_from_tar_deep_below_links_is_refused_and_removed(from_tar, tmp_path):
    """Links lead down: each entry's name is short, but none could name what is at the bottom."""
    step = "/".join(["d" * 200] * 15)
    entries = []
    for number in range(3):
        entries += [directory(f"l{number - 1}/{step}" if number else step),
                    symlink(f"l{number}", f"l{number - 1}/{step}" if number else step)]
    refused(from_tar(tar(*entries)), tmp_path, "4095 bytes")


@pytest.mark.parametrize("archive", [b"", b"no archive" * 1000, tar(*plain())[:5000], archives.gzip.compress(tar(*plain()))[:5000]])
def test_from_tar_refuses_what_is_no_whole_archive(from_tar, tmp_path, archive):
    refused(from_tar(archive), tmp_path)


def test_from_tar_bounds_what_an_archive_can_write(from_tar, tmp_path):
    bomb = archives.gzip.compress(tar(entry("zeros", bytes(8 << 20))))
    assert len(bomb) < 1 << 16
    refused(from_tar(bomb, "--max-size", "4M"), tmp_path, "--max-size")
    good(from_tar(bomb, "--max-size", "16M"))


def test_from_tar_refuses_a_sparse_giant(from_tar, tmp_path):
    with open(tmp_path / "giant", "wb") as f:
        f.truncate(1 << 40)
    archive = subprocess.run(["tar", "-S", "-C", tmp_path, "-c", "giant"], capture_output=True, check=True).stdout
    refused(from_tar(archive), tmp_path, "giant", "--max-size")
    refused(from_tar(archive, "--max-size", "2T"), tmp_path, "giant", "holes")


def test_from_tar_interrupted_leaves_nothing(tmp_path):
    for sig in (signal.SIGINT, signal.SIGTERM):
        with subprocess.Popen([build.program("tools/nucleus"), "rootfs", "from-tar", "-", "-o", tmp_path / "out"],
                              stdin=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdin.write(tar(*plain())[:100000])
            process.stdin.flush()
            assert kernel.eventually(lambda: not nothing_left(tmp_path), 60)
            process.send_signal(sig)
            assert process.wait(60) == -sig
            process.stdin.close()
        assert os.listdir(tmp_path) == []


# ---- images of containers ----

BASE = tar(directory("bin"), entry("bin/busybox", BUSYBOX, mode=0o755), entry("etc/a", b"a"), entry("etc/b", b"b"),
           directory("data"), entry("data/1", b"1"), entry("data/2", b"2"), directory("usr/lib"), symlink("lib", "usr/lib"),
           directory("old"), entry("old/x", b"x"), symlink("swap", "usr"))
UPPER = tar(entry("etc/.wh.a"), directory("data"), entry("data/.wh..wh..opq"), entry("data/3", b"3"), entry("lib/so", b"so"),
            entry(".wh.old"), directory("swap"), entry("swap/file", b"1"), entry("etc/.wh..wh.plnk", b""))
FLAT = {"bin", "bin/busybox", "etc", "etc/b", "data", "data/3", "usr", "usr/lib", "lib", "usr/lib/so", "swap", "swap/file"}
PROGRAM = {"Entrypoint": ["busybox"], "Cmd": ["sh", "-c", 'echo "\\\u202e'], "WorkingDir": "/srv/app", "User": "12:34",
           "Env": ["PATH=/nowhere:/bin", "A=1", "A=2", "bad name=1", "B=\u0007"], "Volumes": {"/var/data": {}},
           "ExposedPorts": {"80/tcp": {}}}


def oci(layers=(BASE, UPPER), compress=archives.gzip.compress, **more):
    image = Oci()
    return image.add(image.image(layers, compress, **more))


def docker_25(layers):
    """Docker's since version 25: both forms over the same blobs."""
    image = oci(layers, bytes, **PROGRAM)
    text = archives.config(layers, **PROGRAM)
    manifest = [{"Config": f"blobs/sha256/{archives.sha256(text)}", "RepoTags": ["web:1"],
                 "Layers": [f"blobs/sha256/{archives.sha256(layer)}" for layer in layers]}]
    return tar(*image.entries(), entry("manifest.json", json.dumps(manifest).encode()), entry("repositories", b"{}"))


@pytest.mark.parametrize("archive", [
    lambda: oci(**PROGRAM).archive(), lambda: oci(compress=archives.zstd, **PROGRAM).archive(),
    lambda: archives.gzip.compress(oci(compress=bytes, **PROGRAM).archive()),
    lambda: tar(*docker((["web:1"], [BASE, UPPER], PROGRAM))), lambda: docker_25([BASE, UPPER])],
    ids=["oci", "oci-zstd", "oci-plain-gz", "docker", "docker-25"])
def test_from_tar_flattens_an_image(from_tar, nucleus, tmp_path, archive):
    done = good(from_tar(archive()))
    assert names(tmp_path / "out") == FLAT | {"srv", "srv/app", "var", "var/data"}
    toml = tomllib.loads(done.stdout)
    assert toml["command"] == ["/bin/busybox", "sh", "-c", 'echo "\\\u202e']
    assert (toml["workdir"], toml["user"], toml["group"]) == ("/srv/app", "12", "34")
    assert toml["environment"] == {"PATH": "/nowhere:/bin", "A": "1"}
    assert "\u202e" not in done.stdout and "\u0007" not in done.stdout
    assert '# target = "/var/data"' in done.stdout and '"80/tcp"' in done.stdout
    # The generator takes it.
    os.chmod(tmp_path, 0o755)
    (tmp_path / "web.toml").write_text(done.stdout)
    (tmp_path / "web.toml").chmod(0o644)
    good(nucleus("verify", tmp_path / "web.toml", NUCLEUS_CONFIG_DIRS=str(tmp_path)))
    document = json.loads(good(from_tar(archive(), "--json", out="again")).stdout)
    assert document["image"]["layers"] == 2 and document["image"]["entrypoint"] == ["busybox"]


def test_from_tar_image_runs(from_tar, tmp_path):
    payload = pathlib.Path(build.payload()).read_bytes()
    layer = tar(entry("bin/payload", payload, mode=0o755), entry("etc/passwd", b"root:x:0:0::/:/bin/sh\n"),
                entry("etc/group", b"root:x:0:\n"))
    with rootfs.public_directory() as public:
        done = good(from_tar(oci([layer]).archive(), "--json", out=public / "out"))
        spec = Spec(["/bin/payload", "exit", "0"], rootfs=public / "out", attest=json.loads(done.stdout)["manifest_sha256"])
        assert sandbox.run(spec).code == 0


@pytest.mark.parametrize("upper, gone, stay", [
    ([entry(".wh..wh..opq"), entry("new")], {"etc", "data/1", "lib"}, {"new"}),
    ([entry("new"), entry(".wh..wh..opq")], {"etc", "data/1", "lib"}, {"new"}),
    ([entry("data/1", b"new"), entry("data/.wh.1")], set(), {"data/1", "data/2"}),
    ([entry("data/3"), entry("data/.wh..wh..opq")], {"data/1", "data/2"}, {"data/3"}),
    ([directory("data"), entry("data/4"), entry(".wh.data")], {"data/1"}, {"data", "data/4"}),
    ([hard_link("kept", "data/1"), entry("data/.wh..wh..opq")], {"data/1", "data/2"}, {"kept", "data"}),
    ([entry("lib/.wh.nothing"), entry("none/.wh.x"), entry(".wh.none")], {"none"}, {"lib"}),
    ([entry(".wh.lib")], {"lib"}, {"usr/lib"}),
    ([symlink("etc", "data"), entry("etc/new")], {"etc/a"}, {"data/new", "data/1"}),
    ([entry("data", b"file")], {"data/1"}, {"data"}),
])
def test_from_tar_whiteouts_hide_lower_layers_alone(from_tar, tmp_path, upper, gone, stay):
    good(from_tar(oci([BASE, tar(*upper)]).archive()))
    found = names(tmp_path / "out")
    assert not gone & found and stay <= found
    assert not any(".wh." in n for n in found)
    # The control: without the upper layer all that is gone is there.
    good(from_tar(oci([BASE]).archive(), out="base"))
    assert gone - {"none"} <= names(tmp_path / "base")


@pytest.mark.parametrize("name", [".wh...", ".wh..", ".wh.", "etc/.wh...", "../.wh.outside", "etc/../../.wh.outside"])
def test_from_tar_refuses_whiteouts_of_no_name(from_tar, tmp_path, name):
    outside = outside_of(tmp_path)
    refused(from_tar(oci([BASE, tar(entry(name))]).archive()), tmp_path)
    assert (outside / "canary").exists()
    good(from_tar(oci([BASE, tar(entry("etc/.wh.a"))]).archive()))


def test_from_tar_whiteouts_do_not_follow_links_out(from_tar, tmp_path):
    outside = outside_of(tmp_path)
    before = rootfs.snapshot(outside)
    upper = tar(entry("l/.wh.canary"), entry("m/.wh..wh..opq"), entry(".wh.n"))
    base = tar(*(symlink(n, str(outside)) for n in "lmn"), entry("keep"))
    good(from_tar(oci([base, upper]).archive()))
    assert rootfs.snapshot(outside) == before
    assert names(tmp_path / "out") == {"l", "m", "keep"}


def damaged(image, digest):
    """The same archive where one blob is another than its name says."""
    image.blobs[digest] = image.blobs[digest][:-1] + b"?"
    return image.archive()


def test_from_tar_refuses_wrong_digests(from_tar, tmp_path):
    for number in range(4):
        image = oci()
        digest = sorted(image.blobs)[number]
        refused(from_tar(damaged(image, digest)), tmp_path, digest, "damaged")
    entries = docker((["web:1"], [BASE, UPPER], {}))
    for index, (info, data) in enumerate(entries):
        if info.name.endswith(("layer.tar", ".json")) and info.name != "manifest.json" and len(data) > 2:
            changed = list(entries)
            changed[index] = entry(info.name, data.replace(b"a", b"b", 1))
            refused(from_tar(tar(*changed)), tmp_path, "damaged")
    good(from_tar(tar(*entries)))


def test_from_tar_docker_layers_may_be_links_and_compressed(from_tar, tmp_path):
    entries = docker((["web:1"], [BASE, UPPER], {}))
    moved = [(i, d) if not i.name.endswith("layer.tar") or d != UPPER else
             symlink(i.name, "../" + "a" * 64 + "/layer.tar") for i, d in entries]
    moved.append(entry("a" * 64 + "/layer.tar", archives.gzip.compress(UPPER)))
    good(from_tar(tar(*moved)))
    assert names(tmp_path / "out") == FLAT


def two_images():
    image = Oci()
    for name in ("one", "two:1.0"):
        image.add(image.image([tar(entry(name[:3], b"1"))]), name=name)
    return image.archive()


@pytest.mark.parametrize("archive", [two_images, lambda: tar(*docker(
    (["one:latest", "alias:1"], [tar(entry("one", b"1"))], {}), (["two:1.0"], [tar(entry("two", b"1"))], {})))], ids=["oci", "docker"])
def test_from_tar_chooses_by_name(from_tar, tmp_path, archive):
    refused(from_tar(archive()), tmp_path, "--image", "one", "two:1.0")
    refused(from_tar(archive(), "--image", "three"), tmp_path, "three", "one", "two:1.0")
    refused(from_tar(archive(), "--image", "two"), tmp_path, "two:1.0")
    good(from_tar(archive(), "--image", "one", out="1"))
    good(from_tar(archive(), "--image", "two:1.0", out="2"))
    assert names(tmp_path / "1") == {"one"} and names(tmp_path / "2") == {"two"}


def test_from_tar_chooses_by_platform(from_tar, tmp_path):
    image = Oci()
    other = "arm64" if archives.MACHINE != "arm64" else "amd64"
    parts = [{**image.image([tar(entry(a, b"1"))], architecture=a), "platform": {"os": "linux", "architecture": a}}
             for a in (other, archives.MACHINE)]
    statement = {**image.blob(b"{}", "application/vnd.oci.image.manifest.v1+json"),
                 "platform": {"os": "unknown", "architecture": "unknown"}}
    image.add(image.index(*parts, statement), name="web")
    good(from_tar(image.archive(), out="this"))
    good(from_tar(image.archive(), "--platform", f"linux/{other}", out="that"))
    assert names(tmp_path / "this") == {archives.MACHINE} and names(tmp_path / "that") == {other}
    refused(from_tar(image.archive(), "--platform", "linux/s390x"), tmp_path, "s390x", other)
    # One that does not say in the index what it is for.
    single = oci([tar(entry("x"))], architecture=other).archive()
    refused(from_tar(single), tmp_path, f"linux/{other}")
    good(from_tar(single, "--platform", f"linux/{other}"))


@pytest.mark.parametrize("index", [
    b"[]", b"{", b'{"manifests":[]}', b'{"manifests":[{"digest":"sha256:..%s"}]}' % (b"/" * 62),
    b'{"manifests":[{"digest":"sha256:%s"}]}' % (b"0" * 64), b'{"manifests":[{"digest":"md5:0"}]}', b'{"manifests":[{}]}',
    b'{"manifests":' * 3000, b'{"manifests":[],"manifests":[]}', b'{"manifests":"x"}', b"\xff"])
def test_from_tar_refuses_a_bad_index(from_tar, tmp_path, index):
    entries = [(i, d) for i, d in oci().entries() if i.name != "index.json"]
    refused(from_tar(tar(*entries, entry("index.json", index))), tmp_path)
    good(from_tar(oci().archive()))


def test_from_tar_names_in_an_image_archive_reach_nothing(from_tar, tmp_path):
    """Docker's manifest.json names files: whatever it says, only entries of the archive are opened."""
    outside = outside_of(tmp_path)
    (outside / "layer.tar").write_bytes(BASE)
    for path in (f"{outside}/layer.tar", "../outside/layer.tar"):
        entries = [(i, d) for i, d in docker((["web:1"], [BASE], {}))]
        manifest = json.loads(dict((i.name, d) for i, d in entries)["manifest.json"])
        manifest[0]["Layers"] = [path]
        entries = [(i, d) for i, d in entries if i.name != "manifest.json"]
        refused(from_tar(tar(*entries, entry("manifest.json", json.dumps(manifest).encode()))), tmp_path, "lacks")
        link = symlink("b" * 64 + "/layer.tar", path)
        manifest[0]["Layers"] = ["b" * 64 + "/layer.tar"]
        refused(from_tar(tar(*entries, link, entry("manifest.json", json.dumps(manifest).encode()))), tmp_path, "lacks")


def test_from_tar_image_options_need_an_image(from_tar, tmp_path):
    refused(from_tar(tar(*plain()), "--image", "web"), tmp_path, "--image")
    refused(from_tar(oci().archive(), "--platform", "amd64"), tmp_path, "linux/amd64")


# ---- help ----


def test_rootfs_help_and_manual_agree(nucleus):
    text = pathlib.Path(__file__).parents[2].joinpath("docs/man/nucleus-rootfs.1").read_text()
    for verb in ("pack", "from-tar"):
        done = good(nucleus("rootfs", verb, "--help"))
        for option in set(re.findall(r"--([a-z-]+)", done.stdout)):
            assert f"Fl -{option}" in text, option
