# SPDX-License-Identifier: Apache-2.0
"""
Attacks on the built-in seccomp and Landlock policy, by the workload. The number in a test's name is that of the
attack. Each has a control: the same call outside of any sandbox, or where the other defences stand alone. The
filters themselves are taken apart in tests/unit/test-seccomp-policy.c. What the numbers 26 and 39-41 promise holds in
every tier, whose filters differ.
"""

import fcntl
import os
import pty
import signal
import stat
import struct
import termios

import pytest
from lib import kernel, rootfs
from lib.sandbox import outside, run, unprotected, unprotected_by, without
from lib.spec import payload

HIGH = 1 << 32
TIOCSTI, TIOCLINUX, TIOCSETD, TCGETS = 0x5412, 0x541C, 0x5423, 0x5401
MACHINE = os.uname().machine
NR = {
    "x86_64": {"getpid": 39, "truncate": 76, "ptrace": 101, "openat": 257, "renameat2": 316, "execveat": 322},
    "aarch64": {"getpid": 172, "truncate": 45, "ptrace": 117, "openat": 56, "renameat2": 276, "execveat": 281},
}[MACHINE]


MODES = ["agent", "strict-agent", "production"]
each_mode = pytest.mark.parametrize("mode", MODES)


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


def confined(mode, root, *verbs, **options):
    """The payload in a tier, behind the built-in policy."""
    attest = rootfs.attest(root) if mode == "production" else None
    return run(payload(*verbs, rootfs=root, mode=mode, attest=attest), **options)


def weak(spec, **options):
    """The same service without seccomp and Landlock: mounts, capabilities and namespaces stand alone."""
    return run(spec.but(mode="agent"), wrapper=unprotected_by(), **options)


# ---- 26: the terminal behind the sandbox ----


class Terminal:
    """A terminal that is standard error, and the controlling terminal, of what is started with `enter`."""

    def __init__(self):
        self.master, self.slave = pty.openpty()
        settings = termios.tcgetattr(self.slave)
        settings[3] &= ~(termios.ICANON | termios.ECHO)
        termios.tcsetattr(self.slave, termios.TCSANOW, settings)

    def enter(self):
        os.setsid()
        fcntl.ioctl(self.slave, termios.TIOCSCTTY, 0)
        os.dup2(self.slave, 2)

    def waiting(self):
        """How many bytes of input a shell in this terminal would read now."""
        return struct.unpack("i", fcntl.ioctl(self.slave, termios.FIONREAD, b"\0" * 4))[0]

    def close(self):
        os.close(self.master)
        os.close(self.slave)


@pytest.fixture
def terminal():
    t = Terminal()
    yield t
    t.close()


@each_mode
@pytest.mark.parametrize("top", [0, HIGH, 0xFFFFFFFF << 32], ids=["plain", "bit32", "all-high"])
def test_26_nothing_is_typed_into_the_terminal(root, terminal, mode, top):
    requests = [str(TIOCSTI | top), str(TIOCLINUX | top)]
    verbs = ["ioctl", "2", requests[0], "s:x", ",", "ioctl", "2", requests[1], "x:0200"]

    result = confined(mode, root, *verbs, ",", "ioctl", "2", str(TCGETS | top), "b:64", preexec=terminal.enter)
    assert [result.one("ioctl", "2", r) for r in requests] == ["EPERM", "EPERM"], result
    assert result.one("ioctl", "2", str(TCGETS | top)) == "OK", result  # a terminal it is, and of use
    assert terminal.waiting() == 0

    # Without the filter the kernel gets to see the request, and says itself that a pty has no selection.
    naked = weak(payload(*verbs, rootfs=root), preexec=terminal.enter)
    assert naked.one("ioctl", "2", requests[1]) == "ENOTTY", naked
    control = outside(*verbs, preexec=terminal.enter)
    assert [control.one("ioctl", "2", r) for r in requests] == ["OK", "ENOTTY"], control
    assert terminal.waiting() == 1


@each_mode
def test_26_terminal_keeps_its_line_discipline(root, terminal, mode):
    # The discipline that it has already: what loads the module of another is the same request.
    call = ["ioctl", "2", str(TIOCSETD), "x:00000000"]
    assert confined(mode, root, *call, preexec=terminal.enter).one("ioctl", "2", str(TIOCSETD)) == "EPERM"
    assert outside(*call, preexec=terminal.enter).one("ioctl", "2", str(TIOCSETD)) == "OK"


# ---- 39: the other doors into the kernel ----


@pytest.mark.skipif(MACHINE != "x86_64", reason="x86 alone has int 0x80 and x32")
@each_mode
def test_39_calls_by_int_0x80_kill(root, mode):
    getpid = "20"  # of i386
    result = confined(mode, root, "int80", getpid)
    control = outside("int80", getpid)
    if control.code == -signal.SIGSEGV:  # a kernel without the 32-bit way in
        assert result.code in (-signal.SIGSEGV, -signal.SIGSYS), result
    else:
        assert control.all("int80") == [(getpid, "OK")], control
        assert result.code == -signal.SIGSYS, result
    assert result.rows == [], result
    assert confined(mode, root, "syscall", str(NR["getpid"])).one("syscall", str(NR["getpid"])) == "OK"


@pytest.mark.skipif(MACHINE != "x86_64", reason="x86 alone has int 0x80 and x32")
@each_mode
def test_39_calls_of_x32_are_unknown(root, mode):
    numbers = [str(0x40000000 | n) for n in (0, NR["getpid"], 41, 56, 59, 515, 520, 545)]
    verbs = [word for n in numbers for word in ("syscall", n, "-1", ",")][:-1]
    assert confined(mode, root, *verbs).all("syscall") == [(n, "ENOSYS") for n in numbers]


# ---- 40: socket families ----

FAMILIES = {"AF_ALG": (38, 5), "AF_VSOCK": (40, 1), "AF_RXRPC": (33, 2), "AF_PACKET": (17, 3), "AF_TIPC": (30, 1)}


@each_mode
@pytest.mark.parametrize("name", FAMILIES)
def test_40_socket_families_denied(root, name, mode):
    family, kind = FAMILIES[name]
    tops = (0, HIGH, 0xFFFFFFFF << 32)
    verbs = [word for top in tops for word in ("socket", str(family | top), str(kind), ",")][:-1]

    result = confined(mode, root, *verbs)
    assert [row[2] for row in result.all("socket")] == ["EPERM"] * 3, result
    # What the kernel says when it is asked: it cuts the family to 32 bits.
    control = [row[2] for row in outside(*verbs).all("socket")]
    assert len(set(control)) == 1 and control[0] in ("OK", "EAFNOSUPPORT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT")


# Protocols that are asked for by AF_INET: (type, protocol), and by the number of a type that is another family.
PROTOCOLS = {"SCTP": ("1", "132"), "DCCP": ("6", "33"), "L2TP": ("2", "115"), "UDP-Lite": ("2", "136"),
             "SMC": ("1", "256"), "SEQPACKET": ("5", "0"), "PACKET": ("10", "768")}


@each_mode
def test_40_protocols_of_others_denied_within_the_internet_families(root, mode):
    calls = [(family, kind, protocol) for family in ("2", "10", str(HIGH | 2)) for kind, protocol in PROTOCOLS.values()]
    verbs = [word for call in calls for word in ("syscall", "socket", *call, ",")][:-1]
    assert [w for _, w in confined(mode, root, *verbs).all("syscall")] == ["EPROTONOSUPPORT"] * len(calls)
    # SOCK_PACKET is AF_PACKET under another name: without the filter it is there for who has the capability.
    assert outside("syscall", "socket", "2", "10", "768").one("syscall", "socket") in ("OK", "EAFNOSUPPORT")


@each_mode
def test_40_socket_families_of_everyday_allowed(root, mode):
    everyday = [("1", "1"), ("1", "2"), ("2", "1"), ("2", "2"), ("10", "1"), ("10", "2"), ("16", "3")]
    verbs = [word for family, kind in everyday for word in ("socket", family, kind, ",")][:-1]
    expected = [(f, k, w) for f, k, w in outside(*verbs).all("socket")]
    assert confined(mode, root, *verbs).all("socket") == expected
    assert expected[:4] == [(f, k, "OK") for f, k in everyday[:4]]
    # Netlink is there for interfaces (0), and not for audit (9) or netfilter (12).
    other = ["socket", "16", "3", "9", ",", "socket", "16", "3", "12"]
    assert [row[2] for row in confined(mode, root, *other).all("socket")] == ["EPERM"] * 2
    assert "EPERM" not in [row[2] for row in outside(*other).all("socket")]


# ---- 41: calls that reach further than a service needs ----

# What is called, the answer of the filter, and of a kernel that root asks with such arguments.
CALLS = {
    "clone3": (["clone3", "0", "0"], "ENOSYS", "EINVAL"),
    "clone-newuser": (["clone", "0x10000011", "0", "0", "0", "0"], "EPERM", "OK"),
    "clone-newuser-high": (["clone", str(HIGH | 0x10000011), "0", "0", "0", "0"], "EPERM", "OK"),
    "clone-newnet": (["clone", "0x40000011", "0", "0", "0", "0"], "EPERM", "OK"),
    "unshare-newuser": (["unshare", "0x10000000"], "EPERM", "OK"),
    "setns": (["setns", "-1", "0"], "EPERM", "EBADF"),
    "io_uring_setup": (["io_uring_setup", "0", "b:256"], "ENOSYS", "EINVAL"),
    "bpf": (["bpf", "9999", "b:64", "64"], "EPERM", "EINVAL"),
    "userfaultfd": (["userfaultfd", "0xff0000"], "EPERM", "EINVAL"),
    "ptrace": ([str(NR["ptrace"]), "1", "0x7fffffff", "0", "0"], "EPERM", "ESRCH"),
    "pidfd_getfd": (["pidfd_getfd", "-1", "0", "0"], "EPERM", "EBADF"),
    "fsopen": (["fsopen", "s:no-such-fs", "0"], "EPERM", "ENODEV"),
    "keyctl": (["keyctl", "9999", "0", "0", "0", "0"], "EPERM", "EOPNOTSUPP"),
}
# A call that a kernel lacks, or forbids by a switch of its own, is the other honest answer of the control.
SWITCHED_OFF = {"io_uring_setup": ("EPERM", "ENOSYS"), "userfaultfd": ("ENOSYS",), "keyctl": ("ENOSYS",)}


@each_mode
def test_41_calls_denied(root, mode):
    verbs = [word for call, _, _ in CALLS.values() for word in ("syscall", *call, ",")][:-1]
    result = confined(mode, root, *verbs)
    assert result.all("syscall") == [(call[0], denied) for call, denied, _ in CALLS.values()], result


@pytest.mark.parametrize("name", CALLS)
def test_41_control_call_is_there(name):
    call, _, plain = CALLS[name]
    assert outside("syscall", *call).one("syscall", call[0]) in (plain, *SWITCHED_OFF.get(name, ()))


@each_mode
def test_41_processes_without_namespaces_allowed(root, mode):
    fork = ["syscall", "clone", "17", "0", "0", "0", "0"]
    assert confined(mode, root, *fork).one("syscall", "clone") == "OK"


@each_mode
@pytest.mark.parametrize("flags", ["0x1000", str(HIGH | 0x1000)], ids=["plain", "bit32"])
def test_41_execveat_of_a_memfd_denied(root, mode, flags):
    # The first descriptor is 3; the file is empty, so that a kernel that tries says ENOEXEC.
    verbs = ["syscall", "memfd_create", "s:code", "0", ",", "syscall", str(NR["execveat"]), "3", "s:", "0", "0", flags]
    result = confined(mode, root, *verbs)
    assert [w for _, w in result.all("syscall")] == ["OK", "EPERM"], result
    naked = weak(payload(*verbs, rootfs=root))
    assert [w for _, w in naked.all("syscall")] == ["OK", "ENOEXEC"], naked
    # Of a file by its path the call is fine: the payload runs itself.
    path = ["syscall", str(NR["execveat"]), "-100", "s:/bin/payload", "0", "0", "0"]
    assert "payload: no verb" in confined(mode, root, *path).stderr


# ---- 42: Landlock, where nothing else stands ----


@pytest.fixture
def descriptor(tmp_path):
    """
    A directory of the host, open as standard error. Mounts do not defend against what one brings along: a
    service manager that was told to log to a file hands over just such a descriptor.
    """
    place = tmp_path / "host"
    (place / "a").mkdir(parents=True)
    (place / "b").mkdir()
    (place / "a/file").write_text("precious")
    for path in (place, place / "a", place / "b"):
        path.chmod(0o777)
    (place / "a/file").chmod(0o666)
    os.mknod(place / "device", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    (place / "device").chmod(0o666)
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    yield place, lambda: os.dup2(fd, 2)
    os.close(fd)


ESCAPES = {
    "read": ([str(NR["openat"]), "2", "s:a/file", "0"], ("EACCES",)),
    "write": ([str(NR["openat"]), "2", "s:a/file", "1"], ("EACCES",)),
    "truncate-by-open": ([str(NR["openat"]), "2", "s:a/file", "0x201"], ("EACCES",)),
    "truncate-by-path": ([str(NR["truncate"]), "s:/proc/self/fd/2/a/file", "0"], ("EACCES",)),
    "create": ([str(NR["openat"]), "2", "s:a/new", "0x41", "0644"], ("EACCES",)),
    "rename-across": ([str(NR["renameat2"]), "2", "s:a/file", "2", "s:b/file", "0"], ("EACCES", "EXDEV")),
    "leave": ([str(NR["openat"]), "2", "s:..", "0"], ("EACCES",)),
}


# truncate(2) is Landlock's business from ABI 3 (Linux 6.2) on. Debian 12's own kernel has ABI 2: the gap is the
# kernel's, and opening to truncate is denied there too.
LANDLOCK_CREATE_RULESET, VERSION = 444, 1
if kernel.libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, VERSION) < 3:
    del ESCAPES["truncate-by-path"]


@pytest.mark.parametrize("name", ESCAPES)
def test_42_files_beyond_the_mounts_denied(root, descriptor, name):
    place, enter = descriptor
    call, denied = ESCAPES[name]
    before = rootfs.snapshot(place)
    spec = payload("syscall", *call, rootfs=root)

    assert run(spec, preexec=enter).one("syscall", call[0]) in denied
    assert rootfs.snapshot(place) == before
    # Without Landlock the same call goes through, so that it is Landlock that stands there.
    naked = run(unprotected(spec), wrapper=without("landlock_create_ruleset"), preexec=enter)
    assert naked.one("syscall", call[0]) == "OK", naked


def test_42_device_of_a_volume_denied(root, descriptor):
    place, _ = descriptor
    spec = payload("open", "w", "/data/device", ",", "open", "w", "/data/a/file", rootfs=root,
                   volumes=[(place, "/data", "rw")])
    for result in (run(spec), weak(spec)):  # mounts say nodev as well
        assert result.one("open", "/data/device") == "EACCES", result
    assert outside("open", "w", str(place / "device")).one("open", str(place / "device")) == "OK"


def test_42_device_files_are_not_made(root, tmp_path):
    volume = tmp_path / "volume"
    volume.mkdir(mode=0o777)
    volume.chmod(0o777)
    # A whiteout (0:0) is the character device that needs no capability.
    call = ["syscall", "mknodat", "-100", "s:/data/whiteout", str(stat.S_IFCHR), "0"]
    fifo = ["syscall", "mknodat", "-100", "s:/data/fifo", str(stat.S_IFIFO | 0o644), "0"]
    spec = payload(*call, ",", *fifo, rootfs=root, volumes=[(volume, "/data", "rw")])

    # Landlock's word in agent mode, whose filter lets it pass; the filter's in the stricter ones.
    for mode, denied in (("agent", "EACCES"), ("strict-agent", "EPERM")):
        assert [w for _, w in run(spec.but(mode=mode)).all("syscall")] == [denied, "OK"]
        assert os.listdir(volume) == ["fifo"]
        os.unlink(volume / "fifo")
    assert [w for _, w in weak(spec).all("syscall")] == ["OK", "OK"]


def test_42_changes_in_a_writable_volume_allowed(root, tmp_path):
    volume = tmp_path / "volume"
    for d in ("a", "b"):
        (volume / d).mkdir(parents=True)
    (volume / "a/file").write_text("text")
    for top, _, _ in os.walk(volume):
        os.chmod(top, 0o777)
    calls = [[str(NR["truncate"]), "s:/data/a/file", "2"],
             [str(NR["renameat2"]), "-100", "s:/data/a/file", "-100", "s:/data/b/file", "0"]]
    verbs = ["syscall", *calls[0], ",", "syscall", *calls[1]]

    def at(how):
        spec = payload(*verbs, rootfs=root, volumes=[(volume, "/data", how)])
        return [w for _, w in run(spec).all("syscall")]

    os.chmod(volume / "a/file", 0o666)
    denied = at("ro")
    assert set(denied) <= {"EROFS", "EACCES", "EXDEV"} and len(denied) == 2
    assert at("rw") == ["OK", "OK"]
    assert (volume / "b/file").read_text() == "te"


def test_42_devices_of_the_service_answer(root):
    assert run(payload("ioctl", "/dev/null", str(TCGETS), "b:64", rootfs=root)).one("ioctl") == \
        ("/dev/null", str(TCGETS), "ENOTTY")  # the device's own word, not EACCES
