# SPDX-License-Identifier: Apache-2.0
"""
Runs nucleus-exec (or, as a control, the payload alone) as the service manager would: spec on descriptor 0,
a notify socket of its own, nothing else. Output of the payload is read as rows, see tests/payload/payload.h.
"""

import array
import contextlib
import fcntl
import os
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time

from lib import build, kernel
from lib.spec import DEFAULT

LIMIT = 60  # seconds after which a test is called hung
UNPRIVILEGED = 20123  # a uid and gid that owns nothing


def unescape(text):
    raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), text)
    return raw.decode("utf-8", "surrogateescape")


def rows(stdout):
    return [tuple(unescape(f) for f in line.split(b"\t")) for line in stdout.split(b"\n") if line]


class Result:
    """How a run ended: `code` as subprocess has it (-N for signal N)."""

    def __init__(self, code, stdout, stderr, messages):
        self.code, self.stdout, self.messages = code, stdout, messages
        self.stderr = stderr.decode("utf-8", "replace")
        self.rows = rows(stdout)

    def all(self, *start):
        """The rest of each row that starts so; a lone field is not wrapped."""
        found = [r[len(start):] for r in self.rows if r[:len(start)] == start]
        return [r[0] if len(r) == 1 else r for r in found]

    def one(self, *start):
        found = self.all(*start)
        assert len(found) == 1, f"{start} is there {len(found)} times\n{self}"
        return found[0]

    @property
    def notified(self):
        """Lines of all notify messages."""
        return [line for _, text in self.messages for line in text.splitlines()]

    @property
    def ready(self):
        return "READY=1" in self.notified

    def __repr__(self):
        return (f"code {self.code}\nstdout {self.stdout[:4000]!r}\nstderr {self.stderr[:4000]}\n"
                f"notify {self.messages}")


class NotifySocket:
    """A datagram socket that says who sent what."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="nucleus-notify-")
        os.chmod(self.directory, 0o711)
        self.path = os.path.join(self.directory, "notify")
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.socket.bind(self.path)
        os.chmod(self.path, 0o666)
        self.messages = []

    def drain(self):
        while select.select([self.socket], [], [], 0)[0]:
            data, ancillary, _, _ = self.socket.recvmsg(8192, 1024)
            sender = None
            for level, kind, content in ancillary:
                if level == socket.SOL_SOCKET and kind == socket.SCM_CREDENTIALS:
                    sender = struct.unpack("iII", content[:12])[0]
                if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
                    fds = array.array("i")
                    fds.frombytes(content[:len(content) - len(content) % fds.itemsize])
                    for fd in fds:
                        os.close(fd)
            self.messages.append((sender, data.decode("utf-8", "replace")))
        return self.messages

    def close(self):
        self.socket.close()
        shutil.rmtree(self.directory, ignore_errors=True)


class Running:
    """A started nucleus-exec. Use it in a `with`; leaving it kills what is left."""

    def __init__(self, process, notify):
        self.process, self.notify, self.pid = process, notify, process.pid
        self.result = None
        self._early = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.result is None:
            below = kernel.descendants(self.pid) if self.process.returncode is None else []
            self.process.kill()
            self.process.wait()
            for pid in below:
                kernel.kill(pid)
            for stream in (self.process.stdout, self.process.stderr):
                stream.close()
        self.notify.close()

    def read_until(self, row):
        """Reads standard output until a line is exactly `row`; the rows so far."""
        wanted = row.encode()
        end = time.monotonic() + LIMIT
        while wanted not in self._early.split(b"\n"):
            assert time.monotonic() < end, f"{row!r} did not come, but {self._early!r}"
            if not select.select([self.process.stdout], [], [], 1)[0]:
                continue
            more = os.read(self.process.stdout.fileno(), 65536)
            assert more, f"ended before {row!r}: {self.wait()!r}"
            self._early += more
        return rows(self._early)

    def until_ready(self):
        """Waits for READY=1."""
        def ready():
            return any("READY=1" in text.splitlines() for _, text in self.notify.drain()) or \
                self.process.poll() is not None
        assert kernel.eventually(ready, LIMIT), "neither ready nor ended"
        assert self.process.poll() is None or any("READY=1" in t for _, t in self.notify.drain()), \
            f"ended before it was ready: {self.wait()!r}"

    def workload(self):
        """(init, workload): the pids, on the host, of PID 1 and its child."""
        def chain():
            below = kernel.descendants(self.pid)
            return below if len(below) >= 2 else None
        below = kernel.eventually(chain, LIMIT)
        assert below, "no init and workload below the supervisor"
        return below[-2], below[-1]

    def signal(self, sig):
        self.process.send_signal(sig)

    def wait(self, timeout=LIMIT):
        """Waits for the end of the process and of its output (which a surviving process would hold open)."""
        if self.result is None:
            out, err = self.process.communicate(timeout=timeout)
            self.result = Result(self.process.returncode, self._early + out, err, self.notify.drain())
        return self.result


def become(uid):
    os.setgroups([])
    os.setresgid(uid, uid, uid)
    os.setresuid(uid, uid, uid)


def spec_file(text):
    """A memory file at its start, as the service manager passes StandardInputText=."""
    fd = os.memfd_create("spec", os.MFD_CLOEXEC)
    os.write(fd, text)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


def start(spec, *, environment=None, pass_fds=(), uid=None, wrapper=(), preexec=None, program=None, arguments=(),
          stdin=None):
    """
    Starts nucleus-exec. `spec`: a Spec or bytes. `wrapper`: words that stand before the program. `preexec`
    runs last in the child. `uid`: the unprivileged caller. `stdin`: a descriptor in place of the spec.
    """
    notify = NotifySocket()
    text = spec if isinstance(spec, bytes) else spec.text()
    fd = spec_file(text) if stdin is None else stdin

    def prepare():
        if uid is not None:
            become(uid)
        if preexec:
            preexec()

    env = {"NOTIFY_SOCKET": notify.path, "PATH": "/usr/bin:/bin", **(environment or {})}
    command = [*wrapper, program or build.nucleus_exec(text), *arguments]
    try:
        process = subprocess.Popen(command, stdin=fd, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   env={k: v for k, v in env.items() if v is not None}, pass_fds=pass_fds,
                                   preexec_fn=prepare, cwd="/", bufsize=0)
    finally:
        if stdin is None:
            os.close(fd)
    return Running(process, notify)


def run(spec, **options):
    """Starts it and waits for its end."""
    with start(spec, **options) as s:
        return s.wait()


def outside(*verbs, uid=None, pass_fds=(), preexec=None, wrapper=(), program=None):
    """The payload without any sandbox: the control that shows that a probe can see what it looks for."""
    def prepare():
        if uid is not None:
            become(uid)
        if preexec:
            preexec()

    done = subprocess.run([*wrapper, program or build.payload(), *verbs], stdin=subprocess.DEVNULL,
                          capture_output=True, pass_fds=pass_fds, preexec_fn=prepare, cwd="/", timeout=LIMIT)
    return Result(done.returncode, done.stdout, done.stderr, [])


def refused(result, *codes):
    """Asserts a refusal: one of the exit codes, a message, no READY, not one instruction of the workload."""
    assert result.code in codes, result
    assert result.stderr.strip(), result
    assert result.stdout == b"", result
    assert not result.ready, result
    assert any(line.startswith("STATUS=") for line in result.notified), result
    return result


def without(*calls):
    """A wrapper under which these system calls give ENOSYS."""
    return (build.payload(), "errno-exec", ",".join(calls), "ENOSYS")


def published(directory, program):
    """A copy of a program that everyone can run: a build directory may be private. See public_directory()."""
    copy = shutil.copy(program, directory)
    os.chmod(copy, 0o755)
    return copy


def unprotected(spec):
    """
    The same service, as weak as agent mode allows: no user namespace and, with unprotected_by(), neither
    seccomp nor Landlock, so that one other defence stands alone.
    """
    return spec.but(mode="agent", id_base=0, namespaces=tuple(n for n in DEFAULT if n != "user"))


def unprotected_by():
    """The wrapper that goes with unprotected()."""
    return without("seccomp", "landlock_create_ruleset")


@contextlib.contextmanager
def placed(descriptors, first=3):
    """Options for run() and start() with which the program finds these descriptors at `first` and up."""
    high = [fcntl.fcntl(fd, fcntl.F_DUPFD, 300) for fd in descriptors]
    pairs = ",".join(f"{fd}={first + i}" for i, fd in enumerate(high))
    try:
        yield {"pass_fds": high, "wrapper": (build.payload(), "place-exec", pairs) if high else ()}
    finally:
        for fd in high:
            os.close(fd)


def start_with_sockets(spec, listeners, names=None):
    """Starts with these sockets at 3 and up, as the service manager hands them over."""
    environment = {"LISTEN_FDS": str(len(listeners)) if listeners else None, "LISTEN_FDNAMES": names}
    with placed([s.fileno() for s in listeners]) as options:
        return start(spec, environment=environment, **options)


@contextlib.contextmanager
def beside(*verbs):
    """A payload that runs beside, outside of any sandbox, until the block ends."""
    process = subprocess.Popen([build.payload(), *verbs], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
