# SPDX-License-Identifier: Apache-2.0
"""The story that tools/quickstart tells: a build, two root trees, a machine, a stack, and an attack on it.

A Place is where the stack runs: the throw-away machine of tests/rig, or this host. Both are given the same
staged files and the same commands; what is put into the host is taken out again.
"""

import argparse
import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
CACHE = SOURCE / "build-cache"
BUILD = CACHE / "quickstart-build"
TREES = CACHE / "shop"
EXAMPLE = SOURCE / "docs/examples/shop"
SHOP = pathlib.Path("/var/lib/nucleus/shop")

sys.path.insert(0, str(SOURCE / "tests"))
import rig  # noqa: E402

COLOURS = sys.stdout.isatty()
BOLD, DIM, GREEN, RED, PLAIN = (f"\033[{c}m" if COLOURS else "" for c in ("1", "2", "32", "31", "0"))

HTTP_GET = r"""exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && cat <&3"""


class Trouble(Exception):
    """Ends the story with a message of one or two lines."""


# ---- telling ----

class Steps:
    """Headings. The first step, the packages, was tools/quickstart's."""

    def __init__(self):
        self.number = 1

    def __call__(self, title):
        self.number += 1
        print(f"\n{BOLD}── {self.number}. {title} ──{PLAIN}", flush=True)


step = Steps()


def say(text):
    print(text, flush=True)


def good(text):
    say(f"{GREEN}✓{PLAIN} {text}")


def quietly(argv, what, **options):
    """Runs a command that nobody wants to read, unless it fails."""
    begin = time.monotonic()
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          stdin=subprocess.DEVNULL, **options)
    if done.returncode != 0:
        raise Trouble(f"{what}: failed with status {done.returncode}:\n{done.stdout[-4000:]}")
    good(f"{what} {DIM}({time.monotonic() - begin:.0f} s){PLAIN}")
    return done.stdout


# ---- places ----

class Host:
    """This host's own systemd. What is put into it is remembered and taken out again, and nothing else."""

    name = "this host"
    prompt = "host#"

    def __init__(self, stage):
        self.made = []
        if not pathlib.Path("/run/systemd/system").is_dir():
            raise Trouble("--host: systemd is not PID 1 of this host; leave --host away to boot a machine")
        in_the_way = [p for p in [SHOP, *targets_of(stage)] if os.path.lexists(p) and (p == SHOP or not p.is_dir())]
        if in_the_way:
            raise Trouble(f"--host: {in_the_way[0]} exists: this would overwrite what is installed here")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        step("Remove it all from this host")
        self.run("systemctl stop nucleus-shop.target 'nucleus-shop-*'; systemctl reset-failed 'nucleus-shop-*'")
        for path in reversed(self.made):
            if path.is_dir() and not path.is_symlink():
                with contextlib.suppress(OSError):  # someone else has put something into it
                    path.rmdir()
            else:
                path.unlink(missing_ok=True)
        shutil.rmtree(SHOP, ignore_errors=True)
        with contextlib.suppress(OSError):
            SHOP.parent.rmdir()
        self.run("systemctl daemon-reload")
        good("removed")

    def install(self, stage):
        self.made += lay_over(stage, pathlib.Path("/"))

    def add_tree(self, tree, target):
        target.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", tree, target], check=True)

    def run(self, script):
        done = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace")
        return done.returncode, done.stdout


class Machine:
    """The throw-away machine of tests/rig."""

    name = "the machine"
    prompt = "machine#"

    def __init__(self, keep):
        self.keep, self.machine = keep, rig.Machine()

    def __enter__(self):
        step("Boot a throw-away machine")
        say("A container of its own with a real systemd as PID 1, and no network. It is gone at the end.")
        begin = time.monotonic()
        self.machine.start()
        good(f"booted {DIM}({time.monotonic() - begin:.0f} s){PLAIN}")
        return self

    def __exit__(self, kind, *_):
        if self.keep and kind is None:
            self.linger()
        self.machine.stop()

    def linger(self):
        shell = ["nsenter", "-t", str(self.machine.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--root", "--wdns=/",
                 "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "HOME=/root",
                 f"TERM={os.environ.get('TERM', 'dumb')}", "bash"]
        step("The machine stays up")
        say("A shell in it, from any terminal:\n\n    " + " ".join(shell) + "\n")
        if sys.stdin.isatty():
            say("Here is one; the machine is gone when you leave it.")
            subprocess.run(shell)
        else:
            say("It is gone when this program ends (Ctrl-C).")
            with contextlib.suppress(KeyboardInterrupt):
                signal.pause()

    def install(self, stage):
        lay_over(stage, self.machine.root)

    def add_tree(self, tree, target):
        self.machine.copy_tree(tree, target)

    def run(self, script):
        result = self.machine.run(f"{{ {script}\n}} 2>&1")
        return result.code, result.stdout


def lay_over(stage, root):
    """Copies the files of `stage` to the same places under `root`; the paths that were not there before."""
    made = []
    for path in sorted(stage.rglob("*")):
        there = root / path.relative_to(stage)
        if path.is_dir() and not path.is_symlink():
            if not there.is_dir():
                there.mkdir()
                made.append(there)
        else:
            made.append(there)
            shutil.copy2(path, there, follow_symlinks=False)
    return made


def targets_of(stage):
    return [pathlib.Path("/") / path.relative_to(stage) for path in stage.rglob("*")]


# ---- the story ----

def build():
    step("Build Nucleus")
    if not (BUILD / "build.ninja").exists():
        quietly(["meson", "setup", "--buildtype=release", "--prefix=/usr", BUILD, SOURCE], "configured")
    quietly(["ninja", "-C", BUILD], "built")


def make_trees():
    step("Make two root trees from Debian's packages, and attest them")
    say("No image, no registry: a root tree is a directory. Its manifest lists every entry with its digest, and\n"
        "shop.toml pins the manifest. The first time this takes a minute or more.")
    out = quietly([EXAMPLE / "build-rootfs", TREES], "ready",
                  env={**os.environ, "NUCLEUS": str(BUILD / "tools/nucleus")})
    say(out.rstrip())


def make_stage():
    """What goes into the place's file system besides the trees, as a directory to lay over /."""
    stage = CACHE / "quickstart-stage"
    shutil.rmtree(stage, ignore_errors=True)
    quietly(["meson", "install", "-C", BUILD, "--no-rebuild", "--destdir", stage], "staged")
    for source, target in ((TREES / "shop.toml", "etc/nucleus/shop.toml"),
                           (EXAMPLE / "shop.tmpfiles.conf", "etc/tmpfiles.d/nucleus-shop.conf")):
        (stage / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, stage / target)
    return stage


def show(place, script, expect=0):
    """Runs a command in the place as if it had been typed there."""
    say(f"{DIM}{place.prompt}{PLAIN} {BOLD}{script}{PLAIN}")
    status, output = place.run(f"export SYSTEMD_COLORS={int(COLOURS)} SYSTEMD_PAGER= COLUMNS=110; {script}")
    if output.strip():
        say(output.rstrip() + "\n")
    if expect is not None and status != expect:
        raise Trouble(f"that should have ended with status {expect}, not {status}")
    return output


def install(place, stage):
    step(f"Install Nucleus and the stack into {place.name}")
    place.install(stage)
    for tree in ("db-rootfs", "web-rootfs"):
        place.add_tree(TREES / tree, SHOP / tree)
    show(place, "systemd-tmpfiles --create nucleus-shop.conf && ls -l /var/lib/nucleus/shop")
    show(place, "cat /etc/nucleus/shop.toml | sed -n '/services.web\\]/,$p'")


def start(place):
    step("Start the stack")
    say("daemon-reload compiles the TOML into units; after that, it is all systemd.")
    show(place, "systemctl daemon-reload && systemctl list-unit-files 'nucleus-shop*'")
    show(place, "nucleus graph")
    show(place, "systemctl start nucleus-shop.target && systemctl status --no-pager -n0 'nucleus-shop-*.service'")


def ask(place):
    step("Ask it something")
    say("PostgreSQL has no network at all, and neither has the web program but for the socket that systemd gave\n"
        "it. This answer came out of the database:")
    answer = show(place, HTTP_GET)
    if '"saffron"' not in answer:
        raise Trouble("the answer holds no row of the database")
    good("the rows came out of PostgreSQL")


def journal(place):
    step("Read the journal")
    show(place, "journalctl --no-pager -n 14 -u 'nucleus-shop-db.service' -u 'nucleus-shop-web.service'")


def tamper(place):
    step("Change one byte of the web program's tree")
    victim = SHOP / "web-rootfs/usr/bin/shop-web"
    show(place, f"cp -a {victim} /run/shop-web.good")
    show(place, f"printf X | dd of={victim} bs=1 seek=700 conv=notrunc status=none")
    say("What runs already was verified when it started; the next start sees the change:")
    show(place, "systemctl restart nucleus-shop-web.service", expect=1)
    status = show(place, "systemctl status --no-pager -n 12 nucleus-shop-web.service", expect=None)
    if "65/DATAERR" not in status or "Active: failed" not in status:
        raise Trouble("the service should have been refused with status 65/DATAERR")
    good("refused: 65/DATAERR, and systemd does not try again")
    step("Put the byte back")
    show(place, f"cp -a /run/shop-web.good {victim} && rm /run/shop-web.good")
    show(place, "systemctl start nucleus-shop-web.service && " + HTTP_GET.replace("cat <&3", "grep visits <&3"))
    good("verified, and running again")


def tell(place, stage):
    install(place, stage)
    start(place)
    ask(place)
    journal(place)
    tamper(place)


def confirm(stage):
    files = [p for p in targets_of(stage) if not (stage / p.relative_to("/")).is_dir()]
    say(f"--host: {len(files)} files would be installed under /usr and /etc, and two root trees into {SHOP}; all\n"
        "of it is removed at the end.")
    if input("Go on? [y/N] ").strip().lower() not in ("y", "yes"):
        raise Trouble("nothing was installed")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--host", action="store_true")
    parser.add_argument("--yes", action="store_true")
    args = parser.parse_args()
    if args.host and args.keep:
        parser.error("--keep is for the machine: what --host installs is always removed")
    begin = time.monotonic()
    CACHE.mkdir(exist_ok=True)
    try:
        build()
        make_trees()
        stage = make_stage()
        if args.host and not args.yes:
            confirm(stage)
        with Host(stage) if args.host else Machine(args.keep) as place:
            tell(place, stage)
    except (Trouble, EOFError, rig.Unavailable) as trouble:
        sys.exit(f"\n{RED}quickstart: {trouble or 'no answer'}{PLAIN}")
    except KeyboardInterrupt:
        sys.exit(130)
    say(f"\n{GREEN}Done{PLAIN} in {time.monotonic() - begin:.0f} s. Next: docs/examples/, and nucleus.toml(5) says"
        " every key.")


if __name__ == "__main__":
    main()
