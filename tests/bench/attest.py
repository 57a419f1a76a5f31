# SPDX-License-Identifier: Apache-2.0
"""`nucleus attest` over the same trees as `sha256sum --quiet -c`, `nix-store --verify-path` and `openssl speed`.

  system    a real Debian root, as it is and with cold caches; Nix has it as a store path
  files     7,000 files of 250 MB in all, which the target of 5 times sha256sum names
  large     eight files of 128 MiB; openssl's rate is what the processors can do
  million   a million empty files in a thousand directories: time of each entry, and peak memory
  curves    time against files and against bytes, for the plot

The trees are made once, in build-cache/ (tests/lib/trees.py), with the lists that sha256sum checks and the
manifests. Cold means that the page cache and the caches of names and inodes were dropped before the run, as root can.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

from lib import attestation, trees
from rig import Unavailable
from rig.root import cache, remove
from timing import Contestant, measure, summary, usable

import plot

MIB = 1 << 20
LARGE_FILES, LARGE_SIZE = 8, 128 * MIB
MANY_FILES, MANY_SIZE = 7000, 250_000_000 // 7000
OPENSSL_SHARE = 0.85  # of openssl's rate, at least
VERIFY = "nucleus attest --verify"
FASTER = (VERIFY, "sha256sum --quiet -c", 0.2)
MEMORY = 64  # MiB, for a million entries

# What the curves go through: (files, bytes of each).
BY_FILES = [(100, 1024), (1000, 1024), (10_000, 1024), (100_000, 1024)]
BY_BYTES = [(LARGE_FILES, n * MIB // LARGE_FILES) for n in (1, 4, 16, 64, 256, 1024)]


def processors():
    return len(os.sched_getaffinity(0))


def drop_caches():
    os.sync()
    with open("/proc/sys/vm/drop_caches", "w") as f:
        f.write("3\n")


def nucleus(build, tree, *options, name=None, prepare=None):
    return Contestant(name or " ".join(["nucleus attest", *options]),
                      [str(build / "tools/nucleus"), "attest", "--json", *options, str(tree)], prepare=prepare)


def by_threads(build, tree, prepare=None):
    """As it is by itself, one thread, and one for each processor."""
    return [nucleus(build, tree, "--verify", prepare=prepare)] + [
        nucleus(build, tree, "--verify", "--threads", str(n), prepare=prepare) for n in sorted({1, processors()})]


def older(before, tree, prepare=None):
    """The same by another build, where one is given."""
    if not before:
        return []
    return [nucleus(before, tree, "--verify", prepare=prepare, name="nucleus attest --verify, before"),
            nucleus(before, tree, prepare=prepare, name="nucleus attest, before")]


def checksums(tree):
    """The list for sha256sum, made once: it names escapes where a name needs them."""
    path = tree.with_name(tree.name + ".sha256sum")
    if not path.exists():
        new = path.with_suffix(".new")
        with open(new, "wb") as f:
            subprocess.run(f"find . -type f ! -name {attestation.MANIFEST} -print0 | sort -z | xargs -0 sha256sum",
                           shell=True, cwd=tree, stdout=f, check=True)
        new.rename(path)
    return path


def sha256sum(tree, prepare=None):
    return Contestant("sha256sum --quiet -c", ["env", f"--chdir={tree}", "sha256sum", "--quiet", "-c",
                                               str(checksums(tree))], prepare=prepare)


def reading(tree, prepare=None):
    """What the disk alone takes, read in the order of the directories."""
    return Contestant("reading every file (find, cat)", ["find", str(tree), "-type", "f", "-exec", "cat", "{}", "+"],
                      prepare=prepare)


def nix_environment(where):
    return {"PATH": os.environ.get("PATH", os.defpath), "NIX_REMOTE": "local", "NIX_STORE_DIR": f"{where}/store",
            "NIX_STATE_DIR": f"{where}/var", "NIX_LOG_DIR": f"{where}/log", "NIX_CONF_DIR": f"{where}/conf"}


def nix_store(tree, prepare=None):
    """The tree as a path of a Nix store of its own, which its database knows by its place; none without Nix."""
    if not shutil.which("nix-store"):
        return []
    where = cache() / f"nix-{tree.name}"
    if not (where / "added").exists():
        remove(where)
        (where / "conf").mkdir(parents=True)
        (where / "conf/nix.conf").write_text("build-users-group =\n")
        done = subprocess.run(["nix-store", "--add", tree], env=nix_environment(where), check=True,
                              capture_output=True, text=True)
        (where / "added").write_text(done.stdout.strip())
    return [Contestant("nix-store --verify-path", ["nix-store", "--verify-path", (where / "added").read_text()],
                       environment=nix_environment(where), prepare=prepare)]


def manifest_of(build, tree):
    subprocess.run([build / "tools/nucleus", "attest", "--json", tree], check=True, stdout=subprocess.DEVNULL)
    return tree


def describe(tree):
    c = trees.contents(tree)
    return f"{c['entries']:,} entries, {c['files']:,} files, {c['bytes'] / 1e6:,.0f} MB"


def section(title, contestants, runs, reference, targets, warmup=1):
    return {"title": title, "reference": reference, "targets": targets,
            "results": measure(usable(contestants), runs, warmup=warmup)}


def system(build, runs, before):
    tree = manifest_of(build, trees.system())
    what, sections = describe(tree), {}
    for state, prepare, n in (("warm", None, runs), ("cold", drop_caches, max(runs // 3, 3))):
        contestants = [*by_threads(build, tree, prepare), nucleus(build, tree, prepare=prepare),
                       *older(before, tree, prepare), sha256sum(tree, prepare), *nix_store(tree, prepare),
                       *([reading(tree, prepare)] if prepare else [])]
        targets = [FASTER, ("nucleus attest", VERIFY, 1.15)]
        sections[f"system, {state}"] = section(f"a Debian root, {state}: {what}", contestants, n,
                                               "sha256sum --quiet -c", targets if state == "warm" else [],
                                               warmup=1 if state == "warm" else 0)
    return sections


def files(build, runs, before):
    tree = manifest_of(build, trees.blocks(MANY_FILES, MANY_SIZE))
    contestants = [*by_threads(build, tree), nucleus(build, tree), *older(before, tree), sha256sum(tree)]
    return {"files, warm": section(f"files, warm: {describe(tree)}", contestants, runs, "sha256sum --quiet -c", [FASTER])}


def openssl_rate(multi):
    """Bytes a second of `multi` processes, each with its own buffer of 16 KiB."""
    done = subprocess.run(["openssl", "speed", "-mr", "-evp", "sha256", "-multi", str(multi), "-bytes", "16384",
                           "-seconds", "1"], check=True, capture_output=True, text=True)
    rates = re.findall(r"^\+F:\d+:[^:\n]+:([0-9.]+)$", done.stdout, re.M)
    if len(rates) != 1:
        raise RuntimeError(f"openssl speed says: {done.stdout[-500:]}")
    return float(rates[0])


def large(build, runs, before):
    tree = manifest_of(build, trees.blocks(LARGE_FILES, LARGE_SIZE))
    size, multi = LARGE_FILES * LARGE_SIZE, processors()
    n, speed = max(runs * 2 // 3, 3), f"openssl speed -evp sha256 -multi {multi}"
    contestants = usable([*by_threads(build, tree), nucleus(build, tree),
                          *older(before, tree), sha256sum(tree)])
    rates, results = [], {}
    for _ in range(n):  # openssl beside each round: clocks and neighbours change
        rates.append(1000 * size / openssl_rate(multi))
        for name, r in measure(contestants, 1, warmup=0).items():
            results.setdefault(name, []).append(r["median"])
    results = {name: summary(values) for name, values in results.items()}
    results[speed] = summary(rates)
    warm = {"title": f"large files, warm: {describe(tree)}; openssl: these bytes at its rate", "reference": speed,
            "results": results, "targets": [(VERIFY, speed, round(1 / OPENSSL_SHARE, 3))]}
    cold = section(f"large files, cold: {describe(tree)}",
                   [*by_threads(build, tree, drop_caches), sha256sum(tree, drop_caches), reading(tree, drop_caches)],
                   3, "sha256sum --quiet -c", [], warmup=0)
    return {"large, warm": warm, "large, cold": cold}


def million(build, runs, before):
    tree = manifest_of(build, trees.million())
    few = max(runs // 5, 3)
    contestants = [*by_threads(build, tree), nucleus(build, tree), *older(before, tree),
                   sha256sum(tree)]
    warm = section(f"a million, warm: {describe(tree)}", contestants, few, "sha256sum --quiet -c", [], warmup=0)
    cold = section(f"a million, cold: {describe(tree)}",
                   [nucleus(build, tree, "--verify", prepare=drop_caches),
                    sha256sum(tree, drop_caches)], 1, "sha256sum --quiet -c", [], warmup=0)
    return {"million, warm": warm, "million, cold": cold, "million, memory": memory(build, tree)}


def memory(build, tree):
    """Peak resident sets, page cache that is mapped included."""
    limit = f"{MEMORY} MiB"
    results = {limit: summary([MEMORY])}
    with tempfile.TemporaryDirectory(prefix="nucleus-bench-") as work:
        for name, options in ((VERIFY, ["--verify"]), ("nucleus attest", [])):
            command = [build / "tools/nucleus", "attest", "--json", *options, tree]
            subprocess.run([sys.executable, "-S", "-E", "-c", attestation.PEAK, f"{work}/peak", *command], check=True,
                           stdout=subprocess.DEVNULL)
            with open(f"{work}/peak") as f:
                measured = json.load(f)
            if measured["code"] == 0:
                results[name] = summary([measured["kib"] / 1024])
    return {"title": f"peak memory (MiB): {describe(tree)}", "reference": limit, "results": results,
            "targets": [(VERIFY, limit, 1), ("nucleus attest", limit, 1)]}


def curve(build, shapes, value, runs):
    """For each contestant the points (value of the tree, milliseconds)."""
    points, found = {}, {}
    for count, size in shapes:
        tree = manifest_of(build, trees.blocks(count, size))
        verify = nucleus(build, tree, "--verify")
        results = measure([verify, sha256sum(tree)], runs, warmup=1)
        for name, r in results.items():
            points.setdefault(name, []).append((value(count, size), r["min"]))
            found[f"{name}, {count:,} files of {size:,} bytes"] = r
    return points, found


def curves(build, runs):
    few = max(runs // 3, 3)
    files, found_files = curve(build, BY_FILES, lambda count, size: count, few)
    sizes, found_bytes = curve(build, BY_BYTES, lambda count, size: count * size, few)
    rate = openssl_rate(processors())
    sizes[f"openssl speed -multi {processors()}"] = [(x, 1000 * x / rate) for x, _ in sizes["sha256sum --quiet -c"]]
    figure = plot.figure([plot.Panel("files of 1 KiB", "files", files), plot.Panel("eight files", "bytes", sizes)],
                         "Warm caches, both axes logarithmic, least of the runs")
    return {"title": "curves", "reference": None, "results": {**found_files, **found_bytes}, "targets": []}, figure


def run(build, runs, before=None, output=None):
    """All sections. `before`: a build of another commit; `output`: where the plot goes; or None."""
    sections = {}
    for make in (files, system, large, million):
        try:
            sections.update(make(build, runs, before))
        except Unavailable as e:
            sys.exit(f"bench: {e}")
    sections["curves"], figure = curves(build, runs)
    if output:
        output.write_text(figure)
    return sections
