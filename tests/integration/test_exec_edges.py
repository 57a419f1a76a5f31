# SPDX-License-Identifier: Apache-2.0
"""nucleus-exec between those who do not listen to it, and its own memory. No service manager needed."""

import contextlib
import os
import pathlib
import signal
import socket
import struct

import pytest
from lib import rootfs
from lib.sandbox import run, start, without
from lib.spec import payload


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root")


# ---- whoever does not listen ----


def full(kind):
    """(reader, writer) of a pipe or a stream that holds all that it can."""
    if kind == "pipe":
        reader, writer = os.pipe()
    else:
        reader, writer = (s.detach() for s in socket.socketpair())
    os.set_blocking(writer, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * size)
    os.set_blocking(writer, True)
    return reader, writer


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_full_standard_error_keeps_nobody_waiting(root, kind):
    lacking = without("landlock_create_ruleset")
    spec = payload("linger", rootfs=root, mode="agent")
    reader, writer = full(kind)
    with start(spec, wrapper=lacking, preexec=lambda: os.dup2(writer, 2)) as s:
        s.until_ready()
        s.read_until("ready")
        s.signal(signal.SIGTERM)
        assert s.wait().code == -signal.SIGTERM, s.result
    os.close(reader)
    os.close(writer)
    # There was something to say.
    assert "running without landlock" in run(spec.but(arguments=["/bin/payload", "exit", "0"]), wrapper=lacking).stderr


def test_closed_standard_error_ends_nobody(root):
    reader, writer = os.pipe()
    os.close(reader)
    with start(payload("linger", rootfs=root, mode="agent"), wrapper=without("landlock_create_ruleset"),
               preexec=lambda: os.dup2(writer, 2)) as s:
        s.until_ready()
        s.signal(signal.SIGTERM)
        assert s.wait().code == -signal.SIGTERM, s.result
    os.close(writer)


def test_busy_service_manager_keeps_nobody_waiting_for_ever(root, tmp_path):
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager, \
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as other:
        manager.bind(path)
        other.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                other.sendto(b"STATUS=", path)
        with start(payload("linger", rootfs=root), environment={"NOTIFY_SOCKET": path}) as s:
            s.read_until("ready")
            s.signal(signal.SIGTERM)
            assert s.wait().code == -signal.SIGTERM, s.result


# ---- the helper's own memory ----


def relocated(program):
    """(begin, end) of what PT_GNU_RELRO covers, from the program's start. For 64 bits, elf(5)."""
    with open(program, "rb") as f:
        data = f.read()
    offset, = struct.unpack_from("<Q", data, 32)
    size, n = struct.unpack_from("<HH", data, 54)
    for i in range(n):
        kind, _, _, address, _, _, length, _ = struct.unpack_from("<IIQQQQQQ", data, offset + i * size)
        if kind == 0x6474E552:
            page = os.sysconf("SC_PAGE_SIZE")
            return address // page * page, (address + length) // page * page
    raise AssertionError(f"{program} has no PT_GNU_RELRO")


def test_tables_of_the_helper_are_read_only(root):
    """As a loader leaves them; the static helper has none, and does it itself."""
    with start(payload("linger", rootfs=root)) as s:
        s.until_ready()
        program = os.readlink(f"/proc/{s.pid}/exe")
        own = []
        for line in pathlib.Path(f"/proc/{s.pid}/maps").read_text().splitlines():
            addresses, mode, *_, name = line.split()
            if name == program:
                own.append((*(int(a, 16) for a in addresses.split("-")), mode))
    start_address = own[0][0]
    begin, end = (start_address + a for a in relocated(program))
    assert begin < end
    inside = {mode for first, last, mode in own if first < end and last > begin}
    assert inside == {"r--p"}, own
    assert "rw-p" in {mode for *_, mode in own}, own  # there is data that is written to
