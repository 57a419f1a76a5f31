# SPDX-License-Identifier: Apache-2.0
"""Seccomp filters: the time to load one, and what a system call costs under it.

The built-in profiles by our compiler against the same profiles by libseccomp, as it is and with its binary tree,
and against the default profiles of two container engines, by libseccomp as they use it (for the machine's other
ABIs too, and with the capabilities that a container has by default) and by our compiler. The engines' profiles
are those of Debian's own packages, unpacked once into the cache.

Every number is of a process of its own. Each round takes every filter once, in an order of its own.
"""

import os
import random
import struct
import subprocess

from timing import summary

PROGRAM = os.path.join(os.path.dirname(__file__), "seccomp-load.c")
INSTRUCTION = 8  # bytes
RETURN_ALLOW = struct.pack("=HBBI", 0x06, 0, 0, 0x7fff0000)  # the shortest filter there is

NONE = "0"
CONTAINER = "a80425fb"  # what both engines leave to a container: chown, setuid, net_raw, mknod and ten more
TIERS = ("agent", "strict-agent", "production")
ENGINES = ("podman", "docker")  # unpacked by tools/deps
CALLS = {
    "getppid": "allowed whatever its arguments: the kernel skips the filter",
    "personality": "decided by its argument in each of them",
    "ioctl": "decided by its argument in our profiles alone",
}
CALL_RUNS_DIVISOR, CALL_LOOPS = 5, 200_000


def engine_profile(cache, source, name):
    path = cache / f"seccomp/{name}.json"
    if not path.exists():
        subprocess.run([source / "tools/deps"], check=True)
    return path


def build_compiler(build):
    subprocess.run(["ninja", "-C", build, "tests/bench/seccomp-filter"], check=True, stdout=subprocess.DEVNULL)
    return build / "tests/bench/seccomp-filter"


def compile_filters(work, build, source, cache):
    """Name to file. The name carries the number of instructions."""
    program = build_compiler(build)
    wanted = [(f"{tier}, nucleus", "nucleus", source / f"policies/{tier}.seccomp.json", NONE) for tier in TIERS]
    wanted += [(f"production, {compiler}", compiler, source / "policies/production.seccomp.json", NONE)
               for compiler in ("libseccomp", "libseccomp-tree")]
    wanted += [(f"{engine}, {compiler}", compiler, engine_profile(cache, source, engine), CONTAINER)
               for engine in ENGINES for compiler in ("engine", "nucleus")]
    filters = {"no filter": b"", "one instruction": RETURN_ALLOW}
    for name, compiler, profile, capabilities in wanted:
        filters[name] = subprocess.run([program, compiler, profile, capabilities],
                                       check=True, capture_output=True).stdout
    files = {}
    for i, (name, data) in enumerate(filters.items()):
        file = work / f"{i}.filter"
        file.write_bytes(data)
        files[f"{name} ({len(data) // INSTRUCTION})"] = file
    return files


def measure(program, files, runs, unit, *what):
    """In nanoseconds, or in units of so many of them."""
    times, dice = {name: [] for name in files}, random.Random(1)
    for _ in range(runs):
        order = list(files)
        dice.shuffle(order)
        for name in order:
            out = subprocess.run([program, files[name], *what], check=True, capture_output=True, text=True).stdout
            times[name].append(float(out) / unit)
    return {name: summary(values) for name, values in times.items()}


def find(files, name):
    return next(full for full in files if full.startswith(f"{name} ("))


def run(work, build, source, cache, runs):
    """One section for the load and one for each call."""
    program = work / "seccomp-load"
    subprocess.run(["cc", "-O2", "-static", "-D_GNU_SOURCE", PROGRAM, "-o", program], check=True)
    files = compile_filters(work, build, source, cache)
    loaded = {name: file for name, file in files.items() if file.stat().st_size > 0}
    ours, library = find(files, "production, nucleus"), find(files, "production, libseccomp")
    engine = find(files, "podman, engine")
    sections = {"load": {
        "title": "loading a seccomp filter (microseconds; in brackets the number of instructions)",
        "reference": engine,
        "results": measure(program, loaded, runs, 1000, "load"),
        "targets": [(ours, library, 0.5), (ours, engine, 0.5)],
    }}
    for call, what in CALLS.items():
        sections[call] = {
            "title": f"{call}(2) under a seccomp filter (nanoseconds): {what}",
            "reference": find(files, "no filter"),
            "results": measure(program, files, max(runs // CALL_RUNS_DIVISOR, 3), 1, call, str(CALL_LOOPS)),
            "targets": [(ours, library, 1.05), (ours, engine, 1.05)] if call != "ioctl" else [],
        }
    return sections
