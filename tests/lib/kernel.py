# SPDX-License-Identifier: Apache-2.0
"""The few system calls and looks into /proc that tests need and Python does not have."""

import contextlib
import ctypes
import errno
import os
import signal
import struct
import time

libc = ctypes.CDLL(None, use_errno=True)

PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW = 47, 2, 13
KEYCTL = {"x86_64": 250, "aarch64": 219}
ADD_KEY = {"x86_64": 248, "aarch64": 217}
KEYCTL_JOIN_SESSION_KEYRING = 1
KEY_SPEC_SESSION_KEYRING = -3


def check(result):
    if result < 0:
        e = ctypes.get_errno()
        raise OSError(e, os.strerror(e))
    return result


def eventually(condition, seconds=30.0):
    """Polls until the condition holds; its last value. A generous bound against hangs, not a measurement."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.005)


@contextlib.contextmanager
def subreaper():
    """Within it, orphans of our children become our children, so that none can hide."""
    check(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0))
    try:
        yield
    finally:
        check(libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0))


def children_left():
    """Reaps what is dead; True while a child lives. Only where no Popen object is still to be waited for."""
    try:
        while True:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return True
    except ChildProcessError:
        return False


def session_with_key(description, value):
    """Moves this process into a fresh session keyring that holds one key; its serial number."""
    machine = os.uname().machine
    check(libc.syscall(KEYCTL[machine], KEYCTL_JOIN_SESSION_KEYRING, None))
    return check(libc.syscall(ADD_KEY[machine], b"user", description.encode(), value.encode(), len(value),
                              KEY_SPEC_SESSION_KEYRING))


def raise_ambient_net_raw():
    """Makes CAP_NET_RAW inheritable and ambient in this process."""
    header = struct.pack("Ii", 0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3
    data = (ctypes.c_uint32 * 6)()
    check(libc.capget(header, data))
    data[2] = 1 << CAP_NET_RAW
    check(libc.capset(header, data))
    check(libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0))


def processes():
    """pid -> (parent, state) of every process of the machine."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError):
                with open(f"/proc/{name}/stat") as f:
                    rest = f.read().rpartition(")")[2].split()
                found[int(name)] = (int(rest[1]), rest[0])
    return found


def descendants(pid):
    """All living descendants, parents before children."""
    table = processes()
    found, queue = [], [pid]
    while queue:
        parent = queue.pop(0)
        below = [p for p, (pp, state) in table.items() if pp == parent and state != "Z"]
        found += below
        queue += below
    return found


def namespace(pid, name):
    return os.readlink(f"/proc/{pid}/ns/{name}")


def holders(kind, identity):
    """The processes that are in one namespace."""
    found = []
    for pid in processes():
        with contextlib.suppress(OSError):
            if namespace(pid, kind) == identity:
                found.append(pid)
    return found


def mount_table():
    with open("/proc/self/mountinfo") as f:
        return f.read().splitlines()


def alive(pid):
    state = processes().get(pid)
    return state is not None and state[1] != "Z"


def kill(pid, sig=signal.SIGKILL):
    try:
        os.kill(pid, sig)
    except OSError as e:
        if e.errno != errno.ESRCH:
            raise
