# SPDX-License-Identifier: Apache-2.0
"""`nucleus rootfs from-tar`: what becomes of archives and of container images, and what does not."""

import json
import os
import pathlib
import signal
import subprocess
import tarfile
import tomllib

import pytest
from lib import archives, build, kernel, rootfs, sandbox
from lib.archives import Oci, directory, docker, entry, hard_link, symlink, tar
from lib.rootfs_cli import MANIFEST, MOUNT_POINTS, good, metadata, names, nothing_left, refused
from lib.spec import Spec


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
