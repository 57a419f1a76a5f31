# SPDX-License-Identifier: Apache-2.0
import ctypes
import fcntl
import mmap
import os
import secrets
import select
import shutil
import signal
import tempfile
import time

with tempfile.TemporaryDirectory() as d, tempfile.TemporaryFile(dir=d):
    f = open(d + "/f", "w+b")
    f.write(b"x" * 8192)
    f.flush()
    os.fsync(f.fileno())
    fcntl.flock(f, fcntl.LOCK_EX)
    fcntl.lockf(f, fcntl.LOCK_EX)
    mmap.mmap(f.fileno(), 0)[0] = 65
    f.truncate(10)
    os.link(d + "/f", d + "/g")
    os.symlink("f", d + "/s")
    os.mkfifo(d + "/p")
    os.utime(d + "/f")
    os.chmod(d + "/f", 0o640)
    os.chown(d + "/f", os.getuid(), os.getgid())
    os.posix_fallocate(f.fileno(), 0, 9)
    os.posix_fadvise(f.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    shutil.copytree(d, "/tmp/copy", symlinks=True, ignore=shutil.ignore_patterns("p"))
    shutil.make_archive("/tmp/archive", "gztar", "/tmp/copy")
    shutil.move("/tmp/copy/f", "/dev/shm/f")
    os.unlink("/dev/shm/f")
epoll = select.epoll()
r, w = os.pipe()
epoll.register(r)
os.write(w, b"1")
assert epoll.poll(1)
signal.setitimer(signal.ITIMER_REAL, 10)
signal.alarm(0)
time.sleep(0.001)
secrets.token_bytes(8)
assert os.sched_getaffinity(0) and os.getloadavg() and os.sysconf("SC_NPROCESSORS_ONLN")
assert ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_int)(lambda n: n + 1)(4) == 5  # libffi makes code for this
print("ok")
