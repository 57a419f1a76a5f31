# SPDX-License-Identifier: Apache-2.0
"""A cgroup for each machine. systemd-nspawn with --keep-unit stays in the cgroup that it was started in, and two
machines in one cgroup would each stop the other's services, which have the same names."""

import os
import pathlib
import time

from .stop import Unavailable, alive

LIMIT = 30  # seconds that the kernel has to empty a cgroup whose processes were killed


def _mounts():
    lines = pathlib.Path("/proc/self/mounts").read_text().splitlines()
    return [(pathlib.Path(where), kind, options.split(",")) for _, where, kind, options, *_ in map(str.split, lines)]


def _parent():
    """Where this process is, in the hierarchy of version 2."""
    top = next((where for where, kind, _ in _mounts() if kind == "cgroup2"), None)
    if not top:
        raise Unavailable("needs a cgroup v2 hierarchy, and none is mounted")
    lines = pathlib.Path("/proc/self/cgroup").read_text().splitlines()
    return top / next(line[4:] for line in lines if line.startswith("0::"))


def make(name):
    """The path of a new cgroup; those of test runs that were killed are removed on the way."""
    parent = _parent()
    for stale in parent.glob("nucleus-*-*"):
        if not alive(stale.name.split("-")[1]):
            remove(stale)
    path = parent / name
    try:
        path.mkdir()
    except OSError as e:
        raise Unavailable(f"cannot make the cgroup {path}: {e.strerror}") from e
    return path


def enter(path):
    """Moves the calling process; for what is about to exec."""
    fd = os.open(path / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC)
    os.write(fd, b"0")
    os.close(fd)


def remove(path):
    """Kills all that is in it, and removes it."""
    end = time.monotonic() + LIMIT
    while path.exists():
        try:
            (path / "cgroup.kill").write_text("1")
            _remove_tree(path)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.02)
    for where, kind, options in _mounts():
        # On a host with both versions, systemd-nspawn makes directories in systemd's own version 1 too.
        if kind == "cgroup" and "name=systemd" in options:
            _remove_tree(where / path.name)


def _remove_tree(path):
    for directory, _, _ in os.walk(path, topdown=False):
        os.rmdir(directory)
