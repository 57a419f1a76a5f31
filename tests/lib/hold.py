# SPDX-License-Identifier: Apache-2.0
"""
Stops nucleus-exec at chosen system calls of its setup (seccomp_unotify(2)), so that a test can attack at each
moment there is instead of hoping to hit one.
"""

import contextlib
import errno
import fcntl
import os
import select
import socket
import struct
import threading
from dataclasses import dataclass

from lib import build, sandbox

# What a setup is made of. Calls of init and workload count too.
SETUP = ("capset,clone,clone3,close_range,execve,fsconfig,fsmount,fsopen,keyctl,landlock_add_rule,"
         "landlock_create_ruleset,landlock_restrict_self,mount,mount_setattr,move_mount,open_tree,openat2,pivot_root,"
         "prctl,seccomp,setgroups,sethostname,setresgid,setresuid,setsid,umount2,unshare")

NOTIFICATION, RESPONSE = struct.Struct("QIIiIQ6Q"), struct.Struct("QqiI")
RECEIVE, SEND = 0xC0502100, 0xC0182101
CONTINUE = 1


@dataclass
class Call:
    pid: int  # of the thread that waits, as seen from here
    number: int
    arguments: tuple


class Held:
    """A start whose setup calls wait for us."""

    def __init__(self, running, listener):
        self.running, self.listener, self.seen = running, listener, 0
        self.current, self.answering, self.finished = None, None, False

    def next(self):
        """Waits for the next call; None once the helper has ended or is ready."""
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        while True:
            if self.running.process.poll() is not None or any("READY=1" in t for _, t in self.running.notify.drain()):
                return None
            events = poll.poll(20)
            if not events:
                continue
            if not events[0][1] & select.POLLIN:
                return None
            buffer = bytearray(NOTIFICATION.size)
            try:
                fcntl.ioctl(self.listener, RECEIVE, buffer)
            except OSError as e:
                if e.errno in (errno.ENOENT, errno.EINTR):  # the caller died, or was interrupted
                    continue
                raise
            self.current, pid, _, number, _, _, *arguments = NOTIFICATION.unpack(buffer)
            self.seen += 1
            return Call(pid, number, tuple(arguments))

    def let_go(self):
        """Lets the call that next() returned go on."""
        if self.current is not None:
            with contextlib.suppress(OSError):
                fcntl.ioctl(self.listener, SEND, bytearray(RESPONSE.pack(self.current, 0, 0, CONTINUE)))
            self.current = None

    def at(self, count):
        """Goes on to the call of this number; None where there are fewer."""
        call = None
        while self.seen < count:
            self.let_go()
            call = self.next()
            if call is None:
                return None
        return call

    def let_all_go(self):
        """From here on nothing is held: a thread answers what comes."""
        self.let_go()
        self.answering = threading.Thread(target=self._answer, daemon=True)
        self.answering.start()

    def _answer(self):
        poll = select.poll()
        poll.register(self.listener, select.POLLIN)
        while not self.finished:
            for _, events in poll.poll(20):
                if not events & select.POLLIN:
                    return  # all that could call are gone
                buffer = bytearray(NOTIFICATION.size)
                with contextlib.suppress(OSError):
                    fcntl.ioctl(self.listener, RECEIVE, buffer)
                    self.current = NOTIFICATION.unpack(buffer)[0]
                    self.let_go()

    def close(self):
        self.finished = True
        if self.answering:
            self.answering.join()
        os.close(self.listener)


@contextlib.contextmanager
def held(spec, calls=SETUP, payload=None, **options):
    """Starts a spec so. `payload`: a copy that an unprivileged caller can run."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wrapper = (payload or build.payload(), "hold-exec", calls, str(theirs.fileno()))
        with sandbox.start(spec, wrapper=wrapper, pass_fds=[theirs.fileno()], **options) as running:
            _, fds, _, _ = socket.recv_fds(ours, 1, 1)
            helper = Held(running, fds[0])
            try:
                yield helper
            finally:
                helper.close()
