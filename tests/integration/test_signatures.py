# SPDX-License-Identifier: Apache-2.0
"""Signed root trees, from the key to the start: by nucleus-exec alone, and on a real systemd with a floor. The
signatures are openssl's. What a signature file may look like is tested in tests/unit/test-signature.c."""

import os

import pytest

from lib import rootfs
from lib.attestation import write
from lib.sandbox import refused, run
from lib.service import TREE, ended, fails_to_start, install, start, state, toml
from lib.signing import SIGNATURE, Key
from lib.spec import Exit, payload

ZEROES = "0" * 64


@pytest.fixture
def key(tmp_path):
    return Key(tmp_path / "key")


@pytest.fixture
def other(tmp_path):
    return Key(tmp_path / "other")


@pytest.fixture
def tree(tmp_path):
    return rootfs.make(tmp_path / "tree", ["data"])


def put(tree, text):
    rootfs.write(f"{tree}/{SIGNATURE}", text)


def spec(tree, *keys, attest="unpinned", **more):
    return payload("ids", rootfs=tree, attest=attest, public_keys=[k.public for k in keys], **more)


def assert_starts(spec):
    result = run(spec)
    assert result.code == 0 and result.ready, result


def assert_refused(spec, message):
    result = refused(run(spec), Exit.DATAERR)
    assert message in result.stderr, result


# ---- nucleus-exec alone ----


@pytest.mark.parametrize("version", [1, 2])
def test_signed_tree_starts(tree, key, version):
    put(tree, key.sign(write(tree, version)))
    assert_starts(spec(tree, key))


def test_signed_tree_starts_for_any_of_the_keys_and_signers(tree, key, other):
    digest = rootfs.attest(tree)
    put(tree, key.sign(digest))
    assert_starts(spec(tree, other, key))
    put(tree, other.sign(digest) + key.sign(digest))
    assert_starts(spec(tree, key))


def test_signed_tree_needs_its_pin_as_well(tree, key):
    digest = rootfs.attest(tree)
    put(tree, key.sign(digest))
    assert_starts(spec(tree, key, attest=digest))
    assert_refused(spec(tree, key, attest=ZEROES), "the manifest is not the pinned one")
    os.unlink(f"{tree}/{SIGNATURE}")
    assert_refused(spec(tree, key, attest=digest), "nucleus attest --sign")


def test_signature_does_not_matter_where_none_is_asked_for(tree, other):
    put(tree, other.sign(ZEROES))
    rootfs.attest(tree)
    os.unlink(f"{tree}/{SIGNATURE}")
    write(tree)
    put(tree, "garbage")  # no part of the tree
    assert_starts(spec(tree))


def test_unsigned_tree_is_refused(tree, key):
    rootfs.attest(tree)
    assert_refused(spec(tree, key), f"has no signature ({SIGNATURE}): `nucleus attest --sign` makes one")


def test_tree_signed_by_another_key_is_refused(tree, key, other):
    put(tree, other.sign(rootfs.attest(tree)))
    assert_refused(spec(tree, key), f"signed by {other.public}, not by the public key {key.public}")


def test_manifest_changed_after_it_was_signed_is_refused(tree, key):
    digest = rootfs.attest(tree)
    put(tree, key.sign(digest))
    assert_starts(spec(tree, key))
    os.unlink(f"{tree}/{SIGNATURE}")
    rootfs.write(f"{tree}/etc/passwd", rootfs.PASSWD + "more:x:0:0::/:/bin/sh\n")
    again = rootfs.attest(tree)
    put(tree, key.sign(digest))
    assert_refused(spec(tree, key), f"the signature by {key.public} is not of manifest-sha256 {again}")
    put(tree, key.sign(again))  # the control: with a new signature it is what is to run
    assert_starts(spec(tree, key))


def test_tree_changed_after_it_was_signed_is_refused(tree, key):
    digest = write(tree)
    put(tree, key.sign(digest))
    rootfs.write(f"{tree}/etc/passwd", rootfs.PASSWD + "more:x:0:0::/:/bin/sh\n")
    assert_refused(spec(tree, key), "etc/passwd")


@pytest.mark.parametrize("subject", ["image-sha256", "image-fsverity", "image-root-hash"])
def test_signature_of_an_image_is_none_of_a_manifest(tree, key, subject):
    digest = rootfs.attest(tree)
    put(tree, key.sign(digest, subject))
    assert_refused(spec(tree, key), "is not of manifest-sha256")


WRONG = {
    "empty": lambda line: "",
    "crlf": lambda line: line.replace("\n", "\r\n"),
    "no-newline": lambda line: line[:-1],
    "twice": lambda line: line * 2,
    "comment": lambda line: "# signed\n" + line,
    "padding": lambda line: line.replace("==\n", "\n"),
    "too-long": lambda line: line * 500,
}


@pytest.mark.parametrize("how", WRONG)
def test_malformed_signature_file_is_refused(tree, key, how):
    line = key.sign(rootfs.attest(tree))
    put(tree, WRONG[how](line))
    assert_refused(spec(tree, key), "signature file")
    put(tree, line)
    assert_starts(spec(tree, key))


def link(path):
    os.rename(path, path + ".real")
    os.symlink(os.path.basename(path) + ".real", path)


INSTEAD = {
    "link": link,
    "fifo": lambda path: (os.unlink(path), os.mkfifo(path)),
    "directory": lambda path: (os.unlink(path), os.mkdir(path)),
}


@pytest.mark.parametrize("what", INSTEAD)
def test_signature_that_is_no_regular_file_is_refused(tree, key, what):
    put(tree, key.sign(rootfs.attest(tree)))
    INSTEAD[what](f"{tree}/{SIGNATURE}")
    assert_refused(spec(tree, key), "signature file")


# ---- from the service's file ----


@pytest.fixture
def systemd(machine, tmp_path, key):
    """The machine with a signed tree at TREE, and one that nobody signed at TREE-unsigned."""
    signed, unsigned = (rootfs.make(tmp_path / name, ["data"]) for name in ("signed", "unsigned"))
    rootfs.attest(unsigned)
    put(signed, key.sign(rootfs.attest(signed)))
    machine.copy_tree(signed, TREE)
    machine.copy_tree(unsigned, TREE + "-unsigned")
    yield machine
    machine.ok(f"rm -rf /etc/nucleus/floor.conf /etc/nucleus/floor.conf.d {TREE}-unsigned; systemctl daemon-reload")


def floor(machine, *keys):
    machine.write("/etc/nucleus/floor.conf", "[Floor]\n" + "".join(f"PublicKey={k.public}\n" for k in keys))


def unsigned(**more):
    return toml("linger", rootfs=TREE + "-unsigned", **more)


def test_service_starts_signed_by_its_key_alone(systemd, key, other):
    install(systemd, good=toml("linger", attestation__public_key=key.public),
            many=toml("linger", attestation__public_key=[other.public, key.public]),
            foreign=toml("linger", attestation__public_key=other.public),
            none=unsigned(attestation__public_key=key.public))
    for name in ("good", "many"):
        start(systemd, name)
        assert state(systemd, name) == "active/running"
    for name, message in (("foreign", f"not by the public key {other.public}"), ("none", "has no signature")):
        fails_to_start(systemd, name)
        assert ended(systemd, name) == ("exit-code", Exit.DATAERR)
        assert state(systemd, name) == "failed/failed"  # and is not tried again
        assert message in systemd.run(f"systemctl status nucleus-{name}").stdout


def test_floor_key_is_what_services_without_one_need(systemd, key, other):
    install(systemd, silent=toml("linger"), none=unsigned())
    start(systemd, "none")  # the control: nobody asks for a signature yet
    systemd.ok("systemctl stop nucleus-none")

    floor(systemd, other, key)
    systemd.ok("systemctl daemon-reload")
    start(systemd, "silent")
    fails_to_start(systemd, "none")
    assert ended(systemd, "none") == ("exit-code", Exit.DATAERR)
    assert "/etc/nucleus/floor.conf:2" in systemd.ok("nucleus show silent")

    floor(systemd, other)
    systemd.ok("systemctl daemon-reload && systemctl stop nucleus-silent")
    fails_to_start(systemd, "silent")
    assert ended(systemd, "silent") == ("exit-code", Exit.DATAERR)


def test_floor_refuses_a_service_with_a_key_of_its_own(systemd, key, other):
    floor(systemd, key)
    install(systemd, good=toml("linger", attestation__public_key=key.public),
            foreign=toml("linger", attestation__public_key=other.public))
    start(systemd, "good")
    fails_to_start(systemd, "foreign")
    assert ended(systemd, "foreign") == ("exit-code", Exit.CONFIG)
    line = f"/etc/nucleus/foreign.toml:5:26: public_key {other.public} is not one of the floor's"
    assert line in systemd.run("systemctl status nucleus-foreign").stdout
    assert "nucleus-foreign" not in systemd.run("nucleus verify /etc/nucleus/good.toml").stdout
