# SPDX-License-Identifier: Apache-2.0
"""`nucleus attest` as the tests use it: write, verify, and what must and must not be refused."""

import contextlib
import ctypes
import json
import os
import resource
import select
import subprocess
import sys

from lib import build, rootfs
from lib.spec import Exit

MANIFEST = rootfs.MANIFEST
SECONDS = 60  # after which a run is called hung; what must not be read would take longer
IN_OPEN = 0x20
LISTS = ("missing", "changed", "extra")

# Runs a program from a small process: what a process has resident before exec counts as its peak afterwards, and
# a test has more than what is measured here.
PEAK = """
import json, os, sys
pid = os.posix_spawn(sys.argv[2], sys.argv[2:], os.environ)
_, status, usage = os.wait4(pid, 0)
with open(sys.argv[1], "w") as f:
    json.dump({"kib": usage.ru_maxrss, "code": os.waitstatus_to_exitcode(status)}, f)
"""


def nucleus(*arguments, seconds=SECONDS, **options):
    return subprocess.run([build.program("tools/nucleus"), *map(os.fspath, map(text, arguments))],
                          capture_output=True, timeout=seconds, **options)


def text(argument):
    return argument if isinstance(argument, (str, bytes, os.PathLike)) else str(argument)


def is_sanitized():
    """Sanitizers take memory of their own: limits on it mean nothing then."""
    with open(build.program("tools/nucleus"), "rb") as f:
        program = f.read()
    return b"__asan_init" in program or b"__tsan_init" in program


def bounded(size, stack=512 * 1024):
    """For preexec_fn: no more anonymous memory than this, and no stack to recurse on."""
    limits = [(resource.RLIMIT_DATA, size)] if not is_sanitized() else []
    limits += [(resource.RLIMIT_STACK, stack)] if not is_sanitized() else []

    def limit():
        for what_is_limited, most in limits:
            resource.setrlimit(what_is_limited, (most, most))
    return limit


def assert_peak(peak, most):
    if not is_sanitized():
        assert peak < most, f"a peak of {peak / (1 << 20):.1f} MiB"


def nucleus_peak(*arguments, report, **options):
    """The status and the greatest resident set, in bytes, of a run; its output goes nowhere but to `options`."""
    command = [sys.executable, "-S", "-E", "-c", PEAK, report, build.program("tools/nucleus"), *map(text, arguments)]
    done = subprocess.run(list(map(os.fspath, command)), capture_output=True, check=True, **options)
    with open(report) as f:
        measured = json.load(f)
    return measured["code"], measured["kib"] * 1024, done


def write(root, version=2):
    """Writes the manifest; its digest."""
    done = nucleus("attest", "--json", "--format", version, root)
    assert done.returncode == 0, done
    return json.loads(done.stdout)["manifest_sha256"]


def attest(root, version=2):
    """Writes the manifest, shows that it holds; its digest. The control of all that is changed later."""
    digest = write(root, version)
    assert_fine(root)
    return digest


def verify(root, pin=None, everything=True):
    more = ["--manifest-sha256", pin] if pin else []
    more += ["--all"] if everything else []
    return nucleus("attest", "--verify", "--json", *more, root)


def assert_fine(root, pin=None):
    for everything in (False, True):
        done = verify(root, pin, everything)
        assert done.returncode == 0, done


def assert_refused(root, result="mismatch", pin=None, **lists):
    """Refused with 65, with --all and without; `lists` are the paths that each list must hold with --all, and no
    other; without it, a part of them, and not nothing. The report with --all."""
    for everything in (False, True):
        done = verify(root, pin, everything)
        assert done.returncode == Exit.DATAERR, done
        report = json.loads(done.stdout)
        assert report["result"] == result, report
        assert report["message"].isprintable() and report["message"].isascii()
        assert all(i["what"] for name in LISTS for i in report[name]["items"]), report
        if result == "mismatch":
            found = {name: [i["path"] for i in report[name]["items"]] for name in LISTS}
            wanted = {name: lists.get(name, []) for name in LISTS}
            if everything:
                assert found == wanted, report
            else:
                assert any(found.values()) and all(set(found[n]) <= set(wanted[n]) for n in LISTS), report
    return report


def what(report, name):
    """Path to what is said of it, of one list of a report."""
    return {i["path"]: i["what"] for i in report[name]["items"]}


def manifest(root):
    with open(f"{root}/{MANIFEST}", "rb") as f:
        return f.read()


def manifest_lines(root):
    return manifest(root).split(b"\n")[:-1]


def put_manifest(root, data):
    with contextlib.suppress(FileNotFoundError):
        os.unlink(f"{root}/{MANIFEST}")
    with open(f"{root}/{MANIFEST}", "wb") as f:
        f.write(data)


class Opened:
    """Inotify on one path: was it opened? (O_PATH does not count: it opens nothing.)"""

    def __init__(self, path):
        libc = ctypes.CDLL(None, use_errno=True)
        self.fd = libc.inotify_init1(os.O_CLOEXEC | os.O_NONBLOCK)
        assert self.fd >= 0
        assert libc.inotify_add_watch(self.fd, os.fsencode(path), IN_OPEN) >= 0, os.strerror(ctypes.get_errno())

    def seen(self):
        return bool(select.select([self.fd], [], [], 0)[0]) and bool(os.read(self.fd, 4096))

    def close(self):
        os.close(self.fd)
