# SPDX-License-Identifier: Apache-2.0
"""
Attacks on what is attested: a tree or a manifest that was changed. The number in a test's name is that of the
attack. `nucleus attest --verify` and nucleus-exec share the code, so each change is shown to the first, and a
few of each kind to a start. The control of each is the same tree before the change, which verifies.
"""

import contextlib
import hashlib
import json
import os
import shutil
import socket
import stat
import struct
import subprocess

import pytest
from lib import rootfs
from lib.attestation import (LISTS, MANIFEST, Opened, assert_fine, assert_refused, attest, manifest, manifest_lines,
                             nucleus, put_manifest, verify)
from lib.sandbox import refused, run
from lib.spec import Exit, payload

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: devices, owners and capabilities")


@pytest.fixture
def root(tmp_path):
    tree = rootfs.make(tmp_path / "root", ["empty", "usr/bin"])
    rootfs.write(f"{tree}/etc/conf", "a = 1\n")
    rootfs.write(f"{tree}/usr/bin/tool", "tool\n")
    rootfs.write(f"{tree}/usr/bin/twin", "tool\n")
    os.symlink("tool", f"{tree}/usr/bin/alias")
    return tree


# ---- 30: content, names and attributes ----


def flip(root):
    with open(f"{root}/etc/conf", "r+b") as f:
        first = f.read(1)
        f.seek(0)
        f.write(bytes([first[0] ^ 1]))


def give_capability(root):
    # struct vfs_cap_data, revision 2: cap_net_raw, permitted and effective
    value = struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0)
    os.setxattr(f"{root}/usr/bin/tool", "security.capability", value)


CONTENT = {
    "byte-flipped": (flip, {"changed": ["etc/conf"]}),
    "file-added": (lambda r: rootfs.write(f"{r}/etc/more", ""), {"extra": ["etc/more"]}),
    "file-removed": (lambda r: os.unlink(f"{r}/etc/conf"), {"missing": ["etc/conf"]}),
    "file-grown": (lambda r: rootfs.write(f"{r}/etc/conf", "a = 1\n\n"), {"changed": ["etc/conf"]}),
    "file-renamed": (lambda r: os.rename(f"{r}/etc/conf", f"{r}/etc/Conf"),
                     {"missing": ["etc/conf"], "extra": ["etc/Conf"]}),
}
INODE = {
    "directory-added": (lambda r: os.mkdir(f"{r}/etc/new"), {"extra": ["etc/new"]}),
    "directory-removed": (lambda r: os.rmdir(f"{r}/empty"), {"missing": ["empty"]}),
    "setuid": (lambda r: os.chmod(f"{r}/usr/bin/tool", 0o4755), {"changed": ["usr/bin/tool"]}),
    "directory-mode": (lambda r: os.chmod(f"{r}/empty", 0o777), {"changed": ["empty"]}),
    "root-mode": (lambda r: os.chmod(r, 0o700), {"changed": ["."]}),
    "link-added": (lambda r: os.symlink("nowhere", f"{r}/etc/link"), {"extra": ["etc/link"]}),
}
PRIVILEGED = {
    "owner": (lambda r: os.chown(f"{r}/usr/bin/tool", 1000, 0), {"changed": ["usr/bin/tool"]}),
    "group": (lambda r: os.chown(f"{r}/usr/bin/tool", 0, 1000), {"changed": ["usr/bin/tool"]}),
    "capability": (give_capability, {"changed": ["usr/bin/tool"]}),
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("change", CONTENT)
def test_30_changed_content_refused(root, change, version):
    attest(root, version)
    act, lists = CONTENT[change]
    act(root)
    assert_refused(root, **lists)


@pytest.mark.parametrize("change", INODE)
def test_30_changed_inode_refused(root, change):
    attest(root)
    act, lists = INODE[change]
    act(root)
    assert_refused(root, **lists)


@needs_root
@pytest.mark.parametrize("change", PRIVILEGED)
def test_30_changed_privilege_refused(root, change):
    attest(root)
    act, lists = PRIVILEGED[change]
    act(root)
    assert_refused(root, **lists)


def test_30_setuid_is_what_version_1_cannot_see(root):
    """The control of the inode's cases: they are found by what version 2 adds."""
    attest(root, 1)
    os.chmod(f"{root}/usr/bin/tool", 0o4755)
    assert_fine(root)


def test_30_every_difference_is_listed_with_all(root):
    attest(root)
    for i in range(12):
        rootfs.write(f"{root}/etc/x{i:02}", "")
    os.unlink(f"{root}/etc/conf")
    os.chmod(f"{root}/usr/bin/tool", 0o700)
    report = assert_refused(root, missing=["etc/conf"], changed=["usr/bin/tool"],
                            extra=[f"etc/x{i:02}" for i in range(12)])
    assert report["extra"]["count"] == 12


def test_30_without_all_it_stops_at_the_first_difference(root):
    """Two thousand differences: the threads may find some more before they hear of the first, but not all."""
    attest(root)
    for i in range(2000):
        rootfs.write(f"{root}/etc/x{i:04}", "")
    report = json.loads(verify(root, everything=False).stdout)
    assert report["result"] == "mismatch"
    assert 1 <= sum(report[name]["count"] for name in LISTS) < 100, report


# ---- 31: links ----


def retarget(root, target):
    os.unlink(f"{root}/usr/bin/alias")
    os.symlink(target, f"{root}/usr/bin/alias")


@pytest.mark.parametrize("target", ["twin", "./tool", "/usr/bin/tool", "alias", "../../../../../etc/passwd", "/dev"])
def test_31_retargeted_link_refused(root, target):
    attest(root)
    retarget(root, target)
    report = assert_refused(root, changed=["usr/bin/alias"])
    assert report["changed"]["items"][0]["what"] == f"target is {target}, not tool"


@pytest.mark.parametrize("target", ["alias", "../../../x", "twain"])
def test_31_version_1_refuses_a_link_that_leads_to_no_file(root, target):
    attest(root, 1)
    retarget(root, target)
    assert_refused(root, changed=["usr/bin/alias"])


def test_31_version_1_takes_other_content_of_the_same_bytes(root):
    """What nucleus-manifest(5) says that version 1 cannot see."""
    attest(root, 1)
    retarget(root, "twin")
    assert_fine(root)


@pytest.mark.parametrize("target", ["loop", "../../../x"])
def test_31_version_1_refuses_a_new_link_that_loops_or_leaves(root, target):
    attest(root, 1)
    os.symlink(target, f"{root}/etc/loop")
    assert_refused(root, extra=["etc/loop"])
    assert nucleus("attest", "--format", 1, root).returncode == Exit.DATAERR


def test_31_version_1_accepts_what_mkrootfs_writes(root):
    """The format as `find -L`, sort and sha256sum make it, through links to files and to directories."""
    os.symlink("usr/bin", f"{root}/sbin")
    os.symlink("/usr", f"{root}/etc/usr")
    script = (f"find -L . -type f ! -name {MANIFEST} -printf '%P\\0' | sort -z | while IFS= read -r -d '' f; do "
              "printf '%s\\t%s\\n' \"$(sha256sum \"$f\" | cut -d' ' -f1)\" \"$f\"; done")
    os.unlink(f"{root}/etc/usr")
    os.symlink("../usr", f"{root}/etc/usr")
    text = subprocess.run(["bash", "-c", script], cwd=root, capture_output=True, check=True,
                          env={"PATH": os.environ["PATH"], "LC_ALL": "C"}).stdout
    assert b"\tsbin/alias\n" in text and b"\tetc/usr/bin/tool\n" in text
    with open(f"{root}/{MANIFEST}", "wb") as f:
        f.write(text)
    assert_fine(root)
    # Ours is the same, byte for byte.
    attest(root, 1)
    with open(f"{root}/{MANIFEST}", "rb") as f:
        assert f.read() == text


# ---- 32: what must never be opened ----


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    # The path of a socket has at most 107 bytes; pytest's are longer.
    with socket.socket(socket.AF_UNIX) as s:
        here = os.open(os.path.dirname(path), os.O_PATH)
        s.bind(f"/proc/self/fd/{here}/{os.path.basename(path)}")
        os.close(here)


def make_device(path):
    os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 5))  # /dev/zero: never ends


def make_disk(path):
    os.mknod(path, stat.S_IFBLK | 0o666, os.makedev(7, 0))


def make_whiteout(path):
    os.mknod(path, stat.S_IFCHR, 0)


def make_giant(path):
    with open(path, "wb") as f:
        try:
            f.truncate(1 << 40)
        except OSError:
            f.truncate(15 << 40 >> 4)  # what the file system can name


SPECIAL = {
    "FIFO": make_fifo,
    "socket": make_socket,
    "character device": pytest.param(make_device, marks=needs_root),
    "block device": pytest.param(make_disk, marks=needs_root),
    "whiteout": pytest.param(make_whiteout, marks=needs_root),
    "giant": make_giant,
}


def special(kinds):
    return [v if hasattr(v, "marks") else pytest.param(v) for v in kinds.values()]


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("make", special(SPECIAL), ids=list(SPECIAL))
def test_32_special_file_added_refused_unopened(root, make, version):
    attest(root, version)
    make(f"{root}/etc/odd")
    with contextlib.closing(Opened(f"{root}/etc/odd")) as watch:
        assert_refused(root, extra=["etc/odd"])
        done = nucleus("attest", "--format", version, root)
        assert done.returncode == Exit.DATAERR and b"etc/odd" in done.stderr, done
        assert not watch.seen()


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("make", special(SPECIAL), ids=list(SPECIAL))
def test_32_special_file_in_place_of_a_file_refused_unopened(root, make, version):
    attest(root, version)
    os.unlink(f"{root}/etc/conf")
    make(f"{root}/etc/conf")
    with contextlib.closing(Opened(f"{root}/etc/conf")) as watch:
        assert_refused(root, changed=["etc/conf"])
        assert not watch.seen()


def test_32_control_an_opened_file_is_seen(root):
    attest(root)
    with contextlib.closing(Opened(f"{root}/etc/conf")) as watch:
        assert_fine(root)
        assert watch.seen()


def test_32_giant_listed_with_its_size_refused(root):
    """A manifest may promise 1 TiB: it is not hashed to find out."""
    attest(root)
    size = 1 << 40
    make_giant(f"{root}/etc/conf")
    size = os.stat(f"{root}/etc/conf").st_size
    lines = manifest_lines(root)
    for i, line in enumerate(lines):
        if line.endswith(b" etc/conf"):
            fields = line.split(b" ")
            fields[4] = b"%d" % size
            lines[i] = b" ".join(fields)
    put_manifest(root, b"\n".join(lines) + b"\n")
    report = assert_refused(root, changed=["etc/conf"])
    assert "sparse" in report["changed"]["items"][0]["what"]


# ---- 34: names that would forge a line ----

FORGED = b"0" * 64 + b"\tbin/evil"
NAMES = {
    "newline": b"a\n" + FORGED.replace(b"/", b"_"),
    "tab": b"a\tb",
    "carriage-return": b"a\r",
    "invalid-utf-8": b"a\xff\xfe",
    "escape": b"a\x1b[31m",
    "backslash": b"a\\x0ab",
    "space": b"a b ",
}


@pytest.mark.parametrize("name", NAMES.values(), ids=list(NAMES))
def test_34_name_cannot_forge_a_line_in_version_2(root, name):
    attest(root)
    before = manifest_lines(root)
    path = os.fsencode(root) + b"/etc/" + name
    with open(path, "wb"):
        pass
    assert len(assert_refused_raw(root)) == 1

    attest(root)
    assert_fine(root)
    lines = manifest_lines(root)
    assert len(lines) == len(before) + 1
    assert all(0x20 <= c < 0x7F for line in lines for c in line)
    os.unlink(path)
    assert len(assert_refused_raw(root)) == 1


def assert_refused_raw(root):
    """The text on a person's screen holds no control character; the differences."""
    done = nucleus("attest", "--verify", root)
    assert done.returncode == Exit.DATAERR, done
    assert all(0x20 <= c < 0x7F or c == 0x0A for c in done.stderr), done
    return [line for line in done.stderr.split(b"\n") if line.startswith(b"  ")]


@pytest.mark.parametrize("name", ["newline", "carriage-return", "escape"])
def test_34_version_1_refuses_a_name_it_cannot_express(root, name):
    with open(os.fsencode(root) + b"/etc/" + NAMES[name], "wb"):
        pass
    done = nucleus("attest", "--format", 1, root)
    assert done.returncode == Exit.DATAERR and b"control character" in done.stderr, done
    assert not os.path.exists(f"{root}/{MANIFEST}")


@pytest.mark.parametrize("name", ["tab", "invalid-utf-8", "backslash", "space"])
def test_34_version_1_keeps_a_name_it_can_express(root, name):
    with open(os.fsencode(root) + b"/etc/" + NAMES[name], "wb"):
        pass
    attest(root, 1)
    assert_fine(root)
    os.unlink(os.fsencode(root) + b"/etc/" + NAMES[name])
    report = json.loads(verify(root).stdout)
    assert report["missing"]["count"] == 1 and report["extra"]["count"] == 0


# ---- 35: the manifest itself ----


def edit_v1(old, new):
    return lambda text: text.replace(old, new, 1)


def first_digest(change):
    return lambda text: change(text[:64]) + text[64:]


MALFORMED = {
    "parent": edit_v1(b"\tetc/conf", b"\t../conf"),
    "absolute": edit_v1(b"\tetc/conf", b"\t/etc/conf"),
    "double-slash": edit_v1(b"\tetc/conf", b"\tetc//conf"),
    "dot": edit_v1(b"\tetc/conf", b"\t./etc/conf"),
    "duplicate": lambda text: text[:text.index(b"\n") + 1] + text,
    "unsorted": lambda text: b"".join(reversed(text.splitlines(keepends=True))),
    "short-digest": first_digest(lambda d: d[:-1]),
    "upper-case-digest": lambda text: text[:64].upper().replace(b"0", b"A") + text[64:],
    "crlf": lambda text: text.replace(b"\n", b"\r\n"),
    "nul": edit_v1(b"\tetc/conf", b"\tetc/conf\0"),
    "no-newline": lambda text: text[:-1],
    "empty-line": lambda text: text + b"\n",
    "trailing-text": lambda text: text + b"# checked\n",
}


@pytest.mark.parametrize("change", MALFORMED)
def test_35_malformed_manifest_of_version_1_refused(root, change):
    attest(root, 1)
    text = manifest(root)
    put_manifest(root, text)
    assert_fine(root)  # the control: rewriting alone is no offence
    put_manifest(root, MALFORMED[change](text))
    assert_refused(root, "malformed")


def field(path, index, value):
    """Replaces one field of the line of a path."""
    def act(text):
        lines = text.split(b"\n")
        for i, line in enumerate(lines):
            if line.endswith(b" " + path):
                fields = line.split(b" ")
                fields[index] = value(fields[index])
                lines[i] = b" ".join(fields)
                return b"\n".join(lines)
        raise AssertionError(path)
    return act


MALFORMED_2 = {
    "parent": field(b"etc/conf", 6, lambda _: b"../conf"),
    "absolute": field(b"etc/conf", 6, lambda _: b"/etc/conf"),
    "double-slash": field(b"etc/conf", 6, lambda _: b"etc//conf"),
    "escaped-needlessly": field(b"etc/conf", 6, lambda _: b"etc/\\x63onf"),
    "short-digest": field(b"etc/conf", 5, lambda d: d[:-1]),
    "upper-case-digest": field(b"etc/conf", 5, lambda d: b"A" + d[1:]),
    "leading-zero": field(b"etc/conf", 2, lambda _: b"00"),
    "long-mode": field(b"etc/conf", 1, lambda _: b"00644"),
    "duplicate": lambda t: t.replace(b"\n", b"\n" + t.split(b"\n")[1] + b"\n", 1),
    "no-root": lambda t: b"\n".join([t.split(b"\n")[0], *t.split(b"\n")[2:]]),
    "crlf": lambda t: t.replace(b"\n", b"\r\n"),
    "nul": lambda t: t.replace(b" etc/conf", b" etc/con\0f"),
    "other-version": lambda t: t.replace(b"manifest 2", b"manifest 3"),
    "header-only": lambda t: t[:t.index(b"\n") + 1],
    "no-newline": lambda t: t[:-1],
}


@pytest.mark.parametrize("change", MALFORMED_2)
def test_35_malformed_manifest_of_version_2_refused(root, change):
    attest(root)
    text = manifest(root)
    changed = MALFORMED_2[change](text)
    assert changed != text
    put_manifest(root, changed)
    assert_refused(root, "malformed")


@pytest.mark.parametrize("kind", ["link", "fifo", "directory"])
def test_35_manifest_that_is_no_file_refused(root, kind, tmp_path):
    attest(root)
    path = f"{root}/{MANIFEST}"
    shutil.move(path, tmp_path / "manifest")
    {"link": lambda: os.symlink(tmp_path / "manifest", path),
     "fifo": lambda: os.mkfifo(path),
     "directory": lambda: os.mkdir(path)}[kind]()
    assert_refused(root, "malformed")


def test_35_no_manifest_refused(root):
    assert_refused(root, "no-manifest")


@pytest.mark.parametrize("version", [1, 2])
def test_35_manifest_and_file_edited_together_refused_under_a_pin(root, version):
    pin = attest(root, version)
    assert_fine(root, pin)
    flip(root)
    other = attest(root, version)
    assert other != pin
    assert_fine(root)  # the control: without the pin nothing is wrong
    report = assert_refused(root, "not-pinned", pin=pin)
    assert report["entries"] == 0 and pin in report["message"] and other in report["message"]


def test_35_pin_is_of_the_whole_file(root):
    pin = attest(root)
    with open(f"{root}/{MANIFEST}", "rb") as f:
        assert hashlib.sha256(f.read()).hexdigest() == pin


# ---- the same at a start ----


def service(root, pin="unpinned"):
    return payload("ids", rootfs=root, attest=pin)


@pytest.mark.parametrize("version", [1, 2])
def test_30_start_refused_with_65_and_the_path(root, version):
    pin = attest(root, version)
    assert run(service(root, pin)).code == 0
    flip(root)
    result = refused(run(service(root, pin)), Exit.DATAERR)
    assert "etc/conf" in result.stderr


@pytest.mark.parametrize("change", ["setuid", "directory-added", "link-added"])
def test_30_start_of_a_changed_inode_refused(root, change):
    attest(root)
    assert run(service(root)).code == 0
    INODE[change][0](root)
    refused(run(service(root)), Exit.DATAERR)


def test_31_start_with_a_retargeted_link_refused(root):
    attest(root)
    retarget(root, "twin")
    refused(run(service(root)), Exit.DATAERR)


@pytest.mark.parametrize("make", [make_fifo, make_giant])
def test_32_start_with_a_special_file_refused(root, make):
    attest(root)
    make(f"{root}/etc/odd")
    result = refused(run(service(root)), Exit.DATAERR)
    assert "etc/odd" in result.stderr


def test_35_start_under_another_pin_refused(root):
    pin = attest(root)
    flip(root)
    attest(root)
    assert run(service(root)).code == 0
    refused(run(service(root, pin)), Exit.DATAERR)


def test_35_start_without_or_with_a_malformed_manifest_refused(root):
    refused(run(service(root)), Exit.DATAERR)
    put_manifest(root, b"nonsense\n")
    refused(run(service(root)), Exit.DATAERR)
