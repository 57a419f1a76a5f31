# SPDX-License-Identifier: Apache-2.0
"""nucleus-generator over 1,000 and 10,000 services in chains of ten, against Podman's Quadlet over 1,000 like
files (make-services.py writes both).

Quadlet is of Debian's own podman package, unpacked once into the cache and run with that tree's own C library:
Debian 12's podman is too old to have it.
"""

import os
import pathlib
import shutil
import subprocess
import sys

from timing import Contestant, measure, usable

MAKE_SERVICES = pathlib.Path(__file__).parent / "make-services.py"
SUITE = "trixie"


def quadlet_tree(cache):
    tree = cache / "bench-podman"
    if tree.is_dir():
        return tree
    new = cache / "bench-podman.new"
    shutil.rmtree(new, ignore_errors=True)
    subprocess.run(["mmdebstrap", "--mode=root", "--variant=extract", "--include=podman", "--quiet",
                    "--dpkgopt=path-exclude=/usr/share/*", "--dpkgopt=path-exclude=/usr/bin/*", SUITE, new],
                   check=True, stdout=sys.stderr)
    new.rename(tree)
    return tree


def empty(directory):
    def prepare():
        shutil.rmtree(directory, ignore_errors=True)
        directory.mkdir()
    return prepare


def services(work, n, quadlet=False):
    directory = work / f"{'quadlet' if quadlet else 'toml'}-{n}"
    subprocess.run([sys.executable, MAKE_SERVICES, str(n), directory, *(["--quadlet"] if quadlet else [])],
                   check=True)
    return directory


def nucleus(work, build, n):
    out = work / f"out-{n}"
    return Contestant(f"nucleus-generator, {n:,}",
                      [str(build / "generator/nucleus-generator"), *[str(out)] * 3],
                      environment={"NUCLEUS_CONFIG_DIRS": str(services(work, n)), "SYSTEMD_SCOPE": "system"},
                      prepare=empty(out))


def quadlet(work, cache, n):
    tree, out = quadlet_tree(cache), work / "out-quadlet"
    loader = next(tree.glob("usr/lib64/ld-linux-*")).resolve()
    libraries = next((tree / "usr/lib").glob("*-linux-gnu"))
    return Contestant(f"quadlet, {n:,}",
                      [str(loader), "--library-path", str(libraries), str(tree / "usr/libexec/podman/quadlet"),
                       *[str(out)] * 3],
                      environment={"QUADLET_UNIT_DIRS": str(services(work, n, True)), "PATH": os.defpath},
                      prepare=empty(out))


def check(contestant, directory, n):
    """All of them wrote all their units, or the comparison means nothing."""
    units = len([p for p in directory.iterdir() if p.name.endswith(".service") and p.is_file()])
    if units != n:
        sys.exit(f"bench: {contestant} wrote {units} units, not {n}")


def run(work, build, cache, runs):
    contestants = usable([nucleus(work, build, 1000), nucleus(work, build, 10000), quadlet(work, cache, 1000)])
    results = measure(contestants, runs, warmup=1)
    for contestant in contestants:
        name, n = contestant.name.split(", ")
        check(contestant.name, pathlib.Path(contestant.argv[-1]), int(n.replace(",", "")))
    return {
        "title": "the generator (1,000 and 10,000 services in chains of ten)",
        "reference": "quadlet, 1,000",
        "results": results,
        "targets": [("nucleus-generator, 1,000", "quadlet, 1,000", 0.2),
                    ("nucleus-generator, 10,000", "nucleus-generator, 1,000", 12)],
    }
