# SPDX-License-Identifier: Apache-2.0
"""nucleus-exec and its own memory. No service manager needed."""

import os
import pathlib
import struct

import pytest
from lib import rootfs
from lib.sandbox import start
from lib.spec import payload


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root")


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
