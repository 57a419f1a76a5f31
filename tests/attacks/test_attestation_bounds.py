# SPDX-License-Identifier: Apache-2.0
"""
Attacks 33 and 35 by mass: a million entries, depth, wide directories, manifests of a gigabyte or a million lines.
Memory is bounded for writing and for verifying, by what is measured and by what is allowed; nothing recurses; and
what is refused is refused with a message that says what and where.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import threading
import time

import pytest
from lib import rootfs, trees
from lib.attestation import (MANIFEST, assert_fine, assert_peak, assert_refused, attest, bounded, manifest,
                             manifest_lines, nucleus, nucleus_peak, put_manifest, verify, write)
from lib.sandbox import refused, run
from lib.spec import Exit, payload
from rig import Unavailable

MIB = 1 << 20
MILLION_PEAK = 64 * MIB


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root")


# ---- 33: a million entries ----


@pytest.fixture(scope="module")
def million():
    try:
        tree = trees.million()
    except (Unavailable, OSError) as e:
        pytest.skip(str(e))
    with trees.lock(tree):
        yield tree


def test_33_a_million_entries_written_and_verified_in_64_mib(million, tmp_path):
    """The peak as the kernel counts it, mapped page cache included. The control: the manifest alone has more."""
    code, peak, _ = nucleus_peak("attest", million, report=tmp_path / "peak")
    assert code == 0
    size = os.stat(million / MANIFEST).st_size
    assert size > MILLION_PEAK
    lines = trees.MILLION_DIRECTORIES * (trees.MILLION_FILES + 1) + 1
    with open(million / MANIFEST, "rb") as f:
        assert sum(1 for _ in f) == lines + 1
    assert_peak(peak, MILLION_PEAK)

    code, peak, _ = nucleus_peak("attest", "--verify", million, report=tmp_path / "peak")
    assert code == 0
    assert_peak(peak, MILLION_PEAK)


def test_33_a_million_entries_under_a_limit(million):
    """Where there is no more memory to be had: it works, or it would say that there is none."""
    for arguments in (["attest"], ["attest", "--verify"]):
        done = nucleus(*arguments, million, preexec_fn=bounded(MILLION_PEAK))
        assert done.returncode == 0, done


@pytest.mark.parametrize("change", ["first", "last", "added", "removed", "mode"])
def test_33_one_of_a_million_is_found(million, change):
    if not (million / MANIFEST).exists():
        write(million)
    last = million / f"d{trees.MILLION_DIRECTORIES - 1:03}/f{trees.MILLION_FILES - 1:03}"
    first = million / "d000/f000"
    with contextlib.ExitStack() as back:
        if change in ("first", "last"):
            path = {"first": first, "last": last}[change]
            back.callback(os.truncate, path, 0)
            with open(path, "wb") as f:
                f.write(b"x")
        elif change == "added":
            path = million / "d500/g"
            back.callback(os.unlink, path)
            os.mknod(path, 0o100644)
        elif change == "removed":
            path = million / "d500/f500"
            os.unlink(path)
            back.callback(os.mknod, path, 0o100644)
        else:
            path = million / "d500/f500"
            os.chmod(path, 0o4755)
            back.callback(os.chmod, path, 0o644)
        done = verify(million, everything=False)
        assert done.returncode == Exit.DATAERR, done
        assert os.fsencode(path.relative_to(million)) in done.stdout


def test_33_a_million_differences_are_counted_in_bounded_memory(million, tmp_path):
    """Every line lies: with --all the report is as long as it must be, without it memory stays bounded."""
    if not (million / MANIFEST).exists():
        write(million)
    kept = manifest(million)
    try:
        put_manifest(million, kept.replace(b"f 0644 ", b"f 0640 "))
        code, peak, done = nucleus_peak("attest", "--verify", million, report=tmp_path / "peak")
        assert code == Exit.DATAERR
        assert_peak(peak, MILLION_PEAK)
    finally:
        put_manifest(million, kept)
    assert verify(million, everything=False).returncode == 0


# ---- 33: depth and width ----


def make_deep(root, name, depth):
    """A chain of directories that no path can name to its end."""
    fd = os.open(root, os.O_PATH)
    for _ in range(depth):
        os.mkdir(name, 0o755, dir_fd=fd)
        below = os.open(name, os.O_PATH | os.O_DIRECTORY, dir_fd=fd)
        os.close(fd)
        fd = below
    return fd


@pytest.fixture
def deep(root):
    """Depth 10,000: removed by rm(1), which knows how."""
    os.close(make_deep(root, "d", 10_000))
    yield root
    subprocess.run(["rm", "-rf", f"{root}/d"], check=True)


@pytest.mark.parametrize("version", [1, 2])
def test_33_depth_of_10000_refused_by_its_path(deep, version):
    done = nucleus("attest", "--format", version, deep, preexec_fn=bounded(64 * MIB))
    assert done.returncode in (1, Exit.DATAERR), done
    assert b"d/d/d/d" in done.stderr and len(done.stderr) < 20_000, done
    assert not os.path.exists(f"{deep}/{MANIFEST}")


@pytest.mark.parametrize("version", [1, 2])
def test_33_depth_of_10000_added_later_refused(root, version):
    attest(root, version)
    os.close(make_deep(root, "d", 10_000))
    try:
        for everything in ([], ["--all"]):
            done = nucleus("attest", "--verify", *everything, root, preexec_fn=bounded(64 * MIB))
            assert done.returncode in (1, Exit.DATAERR), done
            assert b"d" in done.stderr
        refused(run(payload("ids", rootfs=root, attest="unpinned")), Exit.DATAERR)
    finally:
        subprocess.run(["rm", "-rf", f"{root}/d"], check=True)
    assert_fine(root)


def test_33_the_greatest_depth_that_a_path_can_name_is_covered(root):
    fd = make_deep(root, "d", 2040)  # 4079 bytes
    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["rm", "-rf", f"{root}/d"], check=True)
        stack.callback(os.close, fd)
        os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o644, dir_fd=fd))
        os.chmod("bottom", 0o644, dir_fd=fd)
        done = nucleus("attest", root, preexec_fn=bounded(64 * MIB))
        assert done.returncode == 0, done
        assert_fine(root)
        os.chmod("bottom", 0o600, dir_fd=fd)
        assert_refused(root, changed=["d/" * 2040 + "bottom"])


def test_33_one_wide_directory_is_covered(root):
    """100,000 names in one: no list of them need fit a buffer."""
    fd = os.open(f"{root}/tmp", os.O_PATH)
    for i in range(100_000):
        os.mknod(f"name-{i:08}", 0o100644, dir_fd=fd)
    attest(root)
    os.unlink("name-00077777", dir_fd=fd)
    os.mknod("name-0007777x", 0o100644, dir_fd=fd)
    os.close(fd)
    assert_refused(root, missing=["tmp/name-00077777"], extra=["tmp/name-0007777x"])


def test_33_links_in_circles_of_version_1_end(root):
    """Each of 40 directories leads to the next by two names: 2^40 paths, refused or ended, never walked."""
    for i in range(40):
        os.mkdir(f"{root}/tmp/{i}")
        for way in ("left", "right"):
            os.symlink(f"../{(i + 1) % 40}", f"{root}/tmp/{i}/{way}")
    rootfs.write(f"{root}/tmp/0/file", "")
    done = nucleus("attest", "--format", 1, root, preexec_fn=bounded(512 * MIB))
    assert done.returncode in (1, Exit.DATAERR) and done.stderr, done
    attest(root, 2)  # the control: version 2 follows nothing


# ---- 35: the manifest by mass ----


def test_35_a_gigabyte_of_garbage_refused(root, tmp_path):
    write(root)
    for begin in (b"", b"nucleus-manifest 2\n"):
        put_manifest(root, begin)
        with open(f"{root}/{MANIFEST}", "r+b") as f:
            f.truncate(1 << 30)
        code, peak, done = nucleus_peak("attest", "--verify", "--json", root, report=tmp_path / "peak")
        assert code == Exit.DATAERR, done
        assert b'"malformed"' in done.stdout
        assert_peak(peak, MILLION_PEAK)


def test_35_a_terabyte_refused_by_its_size_alone(root):
    write(root)
    with open(f"{root}/{MANIFEST}", "r+b") as f:
        f.truncate(1 << 40)
    report = assert_refused(root, "malformed")
    assert str(1 << 40) in report["message"] or "larger" in report["message"] or "bytes" in report["message"]


@pytest.mark.parametrize("line", [0, 1, -1], ids=["first", "second", "last"])
def test_35_a_million_duplicate_lines_refused(root, tmp_path, line):
    attest(root)
    header, *lines = manifest_lines(root)
    at = line % len(lines)
    many = b"\n".join([header, *lines[:at], *[lines[at]] * 1_000_000, *lines[at + 1:]]) + b"\n"
    put_manifest(root, many)
    code, peak, done = nucleus_peak("attest", "--verify", "--json", root, report=tmp_path / "peak")
    assert code == Exit.DATAERR and b'"malformed"' in done.stdout, done
    assert_peak(peak, MILLION_PEAK)


def test_35_a_million_lines_of_what_is_not_there_refused(root, tmp_path):
    """Well-formed and sorted: each is missing. Memory stays bounded, and the report says so at once."""
    attest(root)
    line = b"f 0644 0 0 0 " + b"0" * 64 + b" zz%07d"
    put_manifest(root, manifest(root) + b"".join(line % i + b"\n" for i in range(1_000_000)))
    code, peak, done = nucleus_peak("attest", "--verify", "--json", root, report=tmp_path / "peak")
    assert code == Exit.DATAERR and b'"mismatch"' in done.stdout, done
    assert_peak(peak, MILLION_PEAK)


@pytest.mark.parametrize("length", [5000, 70_000, 40 * MIB])
@pytest.mark.parametrize("where", ["path", "target", "attribute", "size", "header"])
def test_35_a_line_without_an_end_refused(root, length, where):
    attest(root)
    lines = manifest_lines(root)
    digest, long = b"0" * 64, b"9" * length
    lines = [b"nucleus-manifest 2" + long, *lines[1:]] if where == "header" else lines + [{
        "path": b"f 0644 0 0 0 " + digest + b" zz" + long,
        "target": b"l 0777 0 0 - " + long + b" zz",
        "attribute": b"f 0644 0 0 0 " + digest + b" zz user.a " + long,
        "size": b"f 0644 0 0 " + long + b" " + digest + b" zz",
    }[where]]
    put_manifest(root, b"\n".join(lines) + b"\n")
    done = verify(root)
    # An attribute's value may be long: then it is only that the file is not there.
    expected = b'"mismatch"' if where == "attribute" and length % 2 == 0 and length <= 131072 else b'"malformed"'
    assert done.returncode == Exit.DATAERR and expected in done.stdout, done
    assert len(done.stdout) < 1 * MIB


@pytest.mark.parametrize("value", ["-1", "18446744073709551616", "4294967296", "1e3", "0x10", "+1", "1 "])
@pytest.mark.parametrize("index", [2, 3, 4], ids=["uid", "gid", "size"])
def test_35_numbers_that_are_none_refused(root, value, index):
    attest(root)
    header, *lines = manifest_lines(root)
    at = next(i for i, li in enumerate(lines) if li.endswith(b" etc/passwd"))
    fields = lines[at].split(b" ")
    fields[index] = value.encode()
    lines[at] = b" ".join(fields)
    put_manifest(root, b"\n".join([header, *lines]) + b"\n")
    done = verify(root)
    assert done.returncode == Exit.DATAERR
    if value != "4294967296":  # a number: no tree has it
        assert b'"malformed"' in done.stdout, done


# ---- 35: the manifest while it is read ----


def test_35_manifest_replaced_over_and_over(root):
    """By a good one, by a link to a good one, by a directory, by a FIFO, by nothing: each outcome is fine for the
    good one alone, or a refusal; no hang."""
    pin = attest(root)
    path, text = f"{root}/{MANIFEST}", manifest(root)
    beside = f"{os.path.dirname(root)}/good"
    with open(beside, "wb") as f:
        f.write(text)
    stop = threading.Event()

    def away():
        with contextlib.suppress(FileNotFoundError):
            os.rmdir(path) if os.path.isdir(path) and not os.path.islink(path) else os.unlink(path)

    def swap():
        kinds = [lambda: os.symlink(beside, path), lambda: os.mkdir(path), lambda: os.mkfifo(path), lambda: None,
                 lambda: put_manifest(root, text), lambda: put_manifest(root, text[:-1] + b"x\n"),
                 lambda: put_manifest(root, text[:40])]
        while not stop.is_set():
            for kind in kinds:
                away()
                kind()

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(300):
            done = nucleus("attest", "--verify", "--manifest-sha256", pin, root)
            assert done.returncode in (0, 1, Exit.DATAERR), done
            if done.returncode == 0:
                assert pin.encode() in done.stdout
            else:
                assert done.stderr.startswith(b"nucleus: "), done
            seen.add(done.returncode)
    finally:
        stop.set()
        thread.join()
    assert Exit.DATAERR in seen
    away()
    put_manifest(root, text)
    assert_fine(root, pin)


def test_35_manifest_that_grows_while_it_is_read_is_what_was_hashed(root):
    """Appending to it, all the time: what the pin was compared with is what is parsed."""
    pin = attest(root)
    path, text = f"{root}/{MANIFEST}", manifest(root)
    os.chmod(path, 0o644)
    stop = threading.Event()

    def grow():
        while not stop.is_set():
            with open(path, "r+b") as f:
                f.seek(0, os.SEEK_END)
                f.write(b"f 0644 0 0 0 " + b"0" * 64 + b" zz\n")
            os.truncate(path, len(text))

    thread = threading.Thread(target=grow)
    thread.start()
    try:
        for _ in range(300):
            done = nucleus("attest", "--verify", "--json", "--manifest-sha256", pin, root)
            assert done.returncode in (0, 1, Exit.DATAERR), done
            assert b'"mismatch"' not in done.stdout, "parsed what was not pinned"
    finally:
        stop.set()
        thread.join()
    assert_fine(root, pin)


@pytest.mark.parametrize("version", [1, 2])
def test_35_large_manifest_changed_between_two_readings(root, version):
    """One too large to be kept is read more than once: all readings must be of what the pin says. A file and its line
    are edited together, and the line changes back and forth."""
    for d in range(60):
        os.mkdir(f"{root}/tmp/{d:02}", 0o755)
        fd = os.open(f"{root}/tmp/{d:02}", os.O_PATH)
        for i in range(1000):
            os.mknod(f"a-name-that-makes-the-lines-longer-{i:03}", 0o100644, dir_fd=fd)
        os.close(fd)
    rootfs.write(f"{root}/tmp/zz", "good")
    pin = attest(root, version)
    good = manifest(root)
    assert len(good) > 5 * MIB
    rootfs.write(f"{root}/tmp/zz", "evil")
    digests = [hashlib.sha256(data).hexdigest().encode() for data in (b"good", b"evil")]
    at = good.index(digests[0])
    os.chmod(f"{root}/{MANIFEST}", 0o644)
    put_manifest(root, good.replace(*digests))
    assert_fine(root)  # the control: without a pin nothing is wrong

    stop = threading.Event()

    def edit():
        with open(f"{root}/{MANIFEST}", "r+b", buffering=0) as f:
            while not stop.is_set():
                for digest in digests:
                    os.pwrite(f.fileno(), digest, at)
                    time.sleep(0.02)

    thread = threading.Thread(target=edit)
    thread.start()
    results = set()
    try:
        for _ in range(40):
            done = nucleus("attest", "--verify", "--json", "--manifest-sha256", pin, root)
            assert done.returncode in (1, Exit.DATAERR), done
            results.add(json.loads(done.stdout)["result"])
    finally:
        stop.set()
        thread.join()
    assert "not-pinned" in results and len(results) > 1, results
