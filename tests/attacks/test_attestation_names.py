# SPDX-License-Identifier: Apache-2.0
"""
Attack 34 on names: twins that a person takes for each other, names as long as they may be, every odd byte, and names
around the slash, where sorting by components and sorting by bytes differ. Each name is an entry of its own: a tree
with one in place of its twin is refused.
"""

import json
import os
import re
import unicodedata

import pytest
from lib import rootfs
from lib.attestation import (MANIFEST, assert_fine, assert_refused, attest, manifest, manifest_lines, nucleus,
                             put_manifest, verify)
from lib.sandbox import refused, run
from lib.spec import Exit, payload


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["names"])


def touch(root, name, data=b""):
    """`name` is bytes, below names/."""
    path = os.fsencode(root) + b"/names/" + name
    with open(path, "wb") as f:
        f.write(data)
    os.chmod(path, 0o644)
    return path


def escaped(name):
    """The path of a version 2 line, by nucleus-manifest(5) and not by the code under test."""
    return re.sub(rb"[^\x21-\x7e]|\\", lambda m: b"\\x%02x" % m[0][0], name)


def paths(root):
    return [line.split(b" ")[6] for line in manifest_lines(root)[1:]]


# ---- twins ----

E_ACUTE = "café"
TWINS = {
    "case": ("Readme", "README"),
    "nfc-and-nfd": (unicodedata.normalize("NFC", E_ACUTE), unicodedata.normalize("NFD", E_ACUTE)),
    "hangul": (unicodedata.normalize("NFC", "한"), unicodedata.normalize("NFD", "한")),
    "kelvin": ("K", "\u212a"),
    "turkish-i": ("i", "\u0131"),
    "sharp-s": ("stra\u00dfe", "strasse"),
    "cyrillic-a": ("admin", "\u0430dmin"),
    "zero-width": ("conf", "co\u200bnf"),
    "right-to-left": ("gpj.exe", "\u202egpj.exe"),
    "no-break-space": ("a b", "a\u00a0b"),
    "trailing-space": ("a", "a "),
    "trailing-dot": ("a.", "a"),
    "tag-characters": ("a", "a\U000e0041"),
    "ligature": ("file", "\ufb01le"),
    "overlong-slash": ("a", b"a\xc0\xaf".decode("utf-8", "surrogateescape")),
    "escape-in-words": ("a b", "a\\x20b"),
}


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("one, other", TWINS.values(), ids=list(TWINS))
def test_34_twins_are_two_entries(root, one, other, version):
    one, other = os.fsencode(one), os.fsencode(other)
    touch(root, one, b"one")
    touch(root, other, b"other")
    attest(root, version)
    if version == 2:
        assert {b"names/" + escaped(n) for n in (one, other)} <= set(paths(root))
    # Exchanged: each has the other's bytes.
    touch(root, one, b"other")
    touch(root, other, b"one")
    done = verify(root)
    assert done.returncode == Exit.DATAERR and b'"count": 2' in done.stdout, done


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("one, other", TWINS.values(), ids=list(TWINS))
def test_34_renamed_to_its_twin_refused(root, one, other, version):
    here = touch(root, os.fsencode(one), b"same")
    attest(root, version)
    there = os.path.dirname(here) + b"/" + os.fsencode(other)
    os.rename(here, there)
    assert refused_counts(root) == (1, 0, 1)
    os.rename(there, here)
    assert_fine(root)


def refused_counts(root):
    """How many are missing, changed and extra."""
    done = verify(root)
    assert done.returncode == Exit.DATAERR, done
    report = json.loads(done.stdout)
    return tuple(report[name]["count"] for name in ("missing", "changed", "extra"))


@pytest.mark.parametrize("name", ["case", "nfc-and-nfd", "cyrillic-a"])
def test_34_start_with_a_file_renamed_to_its_twin_refused(root, name):
    one, other = TWINS[name]
    here = touch(root, os.fsencode(one), b"same")
    pin = attest(root)
    service = payload("ids", rootfs=root, attest=pin)
    assert run(service).code == 0
    os.rename(here, os.path.dirname(here) + b"/" + os.fsencode(other))
    refused(run(service), Exit.DATAERR)


def test_34_manifest_of_a_tree_cannot_list_a_twin_that_is_not_there(root):
    """A manifest in the other normal form is no manifest of this tree."""
    one, other = (unicodedata.normalize(form, E_ACUTE).encode() for form in ("NFC", "NFD"))
    touch(root, one, b"same")
    attest(root)
    put_manifest(root, manifest(root).replace(escaped(one), escaped(other)))
    assert refused_counts(root) == (1, 0, 1)


# ---- length ----


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("last", [b"n", b"\xff", "é".encode()], ids=["ascii", "invalid", "utf-8"])
def test_34_name_of_255_bytes_is_covered(root, version, last):
    name = b"n" * (255 - len(last)) + last
    here = touch(root, name, b"long")
    attest(root, version)
    other = here[:-len(last) - 1] + b"m" + last
    os.rename(here, other)
    assert refused_counts(root) == (1, 0, 1)
    os.rename(other, here)
    assert_fine(root)
    with open(here, "wb") as f:
        f.write(b"LONG")
    assert refused_counts(root) == (0, 1, 0)


@pytest.mark.parametrize("component", [255, 256])
def test_34_manifest_with_a_component_of_more_than_255_bytes_refused(root, component):
    """255 may be there and is missed; 256 cannot be and is no manifest."""
    attest(root)
    line = b"f 0644 0 0 0 " + b"0" * 64 + b" zz" + b"n" * (component - 2)
    put_manifest(root, manifest(root) + line + b"\n")
    if component == 255:
        assert_refused(root, missing=["zz" + "n" * 253])
    else:
        assert_refused(root, "malformed")


def test_34_directories_of_255_byte_names_to_the_longest_path(root):
    """4095 bytes with their slashes: the longest path that there is. One more is there on disk all the same."""
    names = [bytes([0x61 + i]) * 255 for i in range(15)] + [b"y"]
    last = b"z" * (4095 - sum(len(n) + 1 for n in names))
    assert len(b"/".join([*names, last])) == 4095
    fd = os.open(root, os.O_PATH)
    for name in names:
        os.mkdir(name, 0o755, dir_fd=fd)
        fd = descend(fd, name)
    os.close(os.open(last, os.O_CREAT | os.O_WRONLY, 0o644, dir_fd=fd))
    os.chmod(last, 0o644, dir_fd=fd)
    attest(root)
    os.chmod(last, 0o600, dir_fd=fd)
    assert refused_counts(root) == (0, 1, 0)
    # One byte more cannot be named and is refused, not left out.
    os.rename(last, last + b"z", src_dir_fd=fd, dst_dir_fd=fd)
    done = verify(root)
    assert done.returncode != 0 and b"a" * 40 in done.stdout
    assert nucleus("attest", root).returncode != 0
    os.close(fd)


def descend(fd, name):
    below = os.open(name, os.O_PATH | os.O_DIRECTORY, dir_fd=fd)
    os.close(fd)
    return below


# ---- every byte ----

BYTES = [bytes([b]) for b in range(1, 256) if b != ord("/")]


def test_34_every_byte_in_a_name_is_covered(root):
    """One file for each byte that a name may have, alone where it can be and in the middle."""
    names = [n for b in BYTES for n in {b, b"a" + b + b"a"} if n != b"."]
    for name in names:
        touch(root, name, name)
    attest(root)
    lines = manifest_lines(root)
    assert all(0x20 <= c < 0x7F for line in lines for c in line)
    assert {b"names/" + escaped(n) for n in names} <= set(paths(root))
    for name in names:
        touch(root, name, b"other")
    assert refused_counts(root) == (0, len(names), 0)
    for name in names:
        touch(root, name, name)
    assert_fine(root)


@pytest.mark.parametrize("byte", BYTES[:32] + [b" ", b"\\", b"\x7f", b"\x80", b"\xff"], ids=repr)
def test_34_a_name_with_an_odd_byte_missed_and_found(root, byte):
    name = b"x" + byte
    here = touch(root, name)
    attest(root)
    os.unlink(here)
    assert refused_counts(root) == (1, 0, 0)
    touch(root, name)
    touch(root, b"x" + byte + byte)
    assert refused_counts(root) == (0, 0, 1)


def test_34_a_target_with_every_odd_byte_is_covered(root):
    target = b"".join(BYTES)
    here = os.fsencode(root) + b"/names/link"
    os.symlink(target, here)
    attest(root)
    for i in (0, 9, 31, 128, len(target) - 1):
        os.unlink(here)
        os.symlink(target[:i] + b"_" + target[i + 1:], here)
        assert refused_counts(root) == (0, 1, 0)
    os.unlink(here)
    os.symlink(target, here)
    assert_fine(root)


def test_34_a_target_of_4095_bytes_is_covered(root):
    target, here = b"t" * 4095, os.fsencode(root) + b"/names/link"
    os.symlink(target, here)
    attest(root)
    os.unlink(here)
    os.symlink(target[:-1] + b"u", here)
    assert refused_counts(root) == (0, 1, 0)


# ---- around the slash ----

AROUND = ["a", "a/x", "a-b", "a0", "a.b", "a!", "a~", "a/-", "a/x/y", "a/x-", "ab", "a b/c", "a\x01/z", "A/x"]
DIRECTORIES = ("a", "a/x")


def make_around(root):
    for name in AROUND:
        path = f"{root}/names/{name}"
        if name in DIRECTORIES:
            os.makedirs(path, exist_ok=True)
        else:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            rootfs.write(path, name)


def test_34_names_around_the_slash_are_in_the_order_of_bytes(root):
    make_around(root)
    attest(root)
    found = [re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), p) for p in paths(root)]
    assert found[0] == b"."
    assert found[1:] == sorted(found[1:])
    assert found.index(b"names/a!") < found.index(b"names/a-b") < found.index(b"names/a/x")
    assert found.index(b"names/a/x/y") < found.index(b"names/a0") < found.index(b"names/ab")


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("name", ["a-b", "a/-", "a/x/y", "a/x-", "a0", "a!", "ab", "A/x"])
def test_34_each_name_around_the_slash_is_missed(root, name, version):
    make_around(root)
    if version == 1:
        os.unlink(f"{root}/names/a\x01/z")
    attest(root, version)
    os.unlink(f"{root}/names/{name}")
    assert_refused(root, missing=[f"names/{name}"])


@pytest.mark.parametrize("name", ["a-", "a.", "a/0", "a/x.", "a00", "b", " ", "~"])
def test_34_each_name_around_the_slash_is_found(root, name):
    make_around(root)
    attest(root)
    rootfs.write(f"{root}/names/{name}", "")
    assert_refused(root, extra=[f"names/{name}"])


def test_34_a_directory_renamed_across_its_neighbours_refused(root):
    make_around(root)
    attest(root)
    os.rename(f"{root}/names/a", f"{root}/names/a_")
    below = ["a", "a/-", "a/x", "a/x-", "a/x/y"]
    assert_refused(root, missing=[f"names/{n}" for n in below], extra=[f"names/a_{n[1:]}" for n in below])
    os.rename(f"{root}/names/a_", f"{root}/names/a")
    assert_fine(root)


def test_34_lines_in_the_order_of_components_refused(root):
    """a, a/x, a-b: sorted by components. By bytes '-' stands before '/': there is one text of a tree."""
    make_around(root)
    attest(root)
    header, *lines = manifest_lines(root)
    by_components = sorted(lines, key=lambda li: li.split(b" ")[6].split(b"/"))
    assert by_components != lines
    put_manifest(root, b"\n".join([header, *by_components]) + b"\n")
    assert_refused(root, "malformed")
    put_manifest(root, b"\n".join([header, *lines]) + b"\n")
    assert_fine(root)


# ---- names that mean something to us ----


@pytest.mark.parametrize("name", [MANIFEST + "x", MANIFEST.upper(), MANIFEST[:-1], MANIFEST + " ", "." + MANIFEST])
def test_34_names_beside_the_manifests_own_are_entries(root, name):
    attest(root)
    rootfs.write(f"{root}/{name}", "")
    assert_refused(root, extra=[name])


@pytest.mark.parametrize("name", [MANIFEST, MANIFEST + ".new", MANIFEST + ".sig"])
def test_34_the_manifests_own_names_deeper_in_the_tree_are_entries(root, name):
    """Only at the root are they no part of it."""
    attest(root)
    rootfs.write(f"{root}/names/{name}", "")
    assert_refused(root, extra=[f"names/{name}"])
    attest(root)
    rootfs.write(f"{root}/names/{name}", "x")
    assert_refused(root, changed=[f"names/{name}"])


OWN = [MANIFEST + ".new", MANIFEST + ".sig", MANIFEST + ".sig.new"]


@pytest.mark.parametrize("name", OWN)
def test_34_files_of_our_own_at_the_root_are_no_part_of_it(root, name):
    digest = attest(root)
    rootfs.write(f"{root}/{name}", "left behind\n")
    assert_fine(root)
    assert attest(root) == digest


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo, lambda path: os.symlink("bin", path)],
                         ids=["directory", "fifo", "link"])
def test_34_what_is_no_file_hides_behind_none_of_our_names(root, name, make):
    """A directory of such a name could hold a whole tree of its own."""
    attest(root)
    make(f"{root}/{name}")
    assert_refused(root, extra=[name])
