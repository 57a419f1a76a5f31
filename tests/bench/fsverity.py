# SPDX-License-Identifier: Apache-2.0
"""`nucleus attest --verify` by fs-verity and by SHA-256, over the same trees, in the QEMU machine of tests/rig, whose
kernel and ext4 have fs-verity. Without hardware acceleration its times are no machine's: the ratios count. An empty
tree is what a run costs by itself."""

import statistics
import sys

import rig
from lib import trees

VERIFY, FSVERITY, FLOOR = "nucleus attest --verify", "nucleus attest --verify --fsverity", "an empty tree"
TREES = {"small": (4000, 1024), "large": (8, 8 << 20)}
COLD = "sync; echo 3 > /proc/sys/vm/drop_caches"


def script(tree, runs, prepare):
    """Prints a line for each run: who, and its milliseconds."""
    one = "{ %s; a=$EPOCHREALTIME; %s >/dev/null 2>&1 || exit 1; b=$EPOCHREALTIME; " \
          "echo \"%s:$(( (${b/./} - ${a/./}) ))\"; }"
    what = [(VERIFY, f"{VERIFY} {tree}"), (FSVERITY, f"{FSVERITY} {tree}"), (FLOOR, f"{VERIFY} /srv/empty")]
    loop = "; ".join(one % (prepare, command, name) for name, command in what)
    return f"for i in $(seq {runs + 1}); do {loop}; done"


def times(vm, tree, runs, prepare):
    found = {VERIFY: [], FSVERITY: [], FLOOR: []}
    for line in vm.ok(script(tree, runs, prepare)).splitlines():
        name, microseconds = line.split(":")
        found[name].append(int(microseconds) / 1000)
    return {name: {"median": statistics.median(all_[1:]), "mean": statistics.mean(all_[1:]),
                   "stddev": statistics.pstdev(all_[1:]), "min": min(all_[1:]), "max": max(all_[1:]), "runs": runs}
            for name, all_ in found.items()}


def section(vm, name, runs, how, prepare):
    files, size = TREES[name]
    results = times(vm, f"/srv/{name}", runs, prepare)
    for way in (VERIFY, FSVERITY):
        results[way]["us_per_file"] = (results[way]["median"] - results[FLOOR]["median"]) * 1000 / files
    return {"title": f"fs-verity, {how}: {files} files of {size} bytes, emulated (milliseconds)", "reference": VERIFY,
            "results": results, "targets": [(FSVERITY, VERIFY, 1.0)]}


def boot(build):
    vm = rig.Vm(build)
    try:
        for name, (files, size) in TREES.items():
            tree = trees.blocks(files, size)
            with trees.lock(tree):
                vm.copy_tree(tree, f"/srv/{name}")
    except BaseException:
        vm.stop()
        raise
    return vm.start()


def run(build, runs):
    """Name to section."""
    try:
        vm = boot(build)
    except rig.Unavailable as e:
        sys.exit(f"bench: {e}")
    found = {}
    try:
        vm.ok("mkdir /srv/empty; nucleus attest /srv/empty")
        for name in TREES:
            vm.ok(f"nucleus attest --fsverity --enable-verity /srv/{name}")
            found[f"{name}, warm"] = section(vm, name, runs, "warm", "true")
            found[f"{name}, cold"] = section(vm, name, max(runs // 3, 3), "cold", COLD)
    finally:
        vm.stop()
    return found
