# SPDX-License-Identifier: Apache-2.0
"""A real systemd as PID 1, in systemd-nspawn: native speed, boots in a moment. It has no cgroup controllers."""

import itertools
import json
import os
import pathlib
import subprocess
import time

from . import cgroup, root
from .stop import Unavailable, die_with_parent

_numbers = itertools.count(1)
BOOT_LIMIT = 120  # seconds after which a boot is called hung
COMMAND_LIMIT = 120  # and a command in the machine


class Result:
    """How a command in a machine ended."""

    def __init__(self, code, stdout, stderr):
        self.code, self.stdout, self.stderr = code, stdout, stderr

    def __repr__(self):
        return f"code {self.code}\nstdout:\n{self.stdout}\nstderr:\n{self.stderr}"


class Commands:
    """What every machine can do; a subclass has `execute(script, stdin)`."""

    cursor = None  # where the journal of this test begins; see forget()

    def run(self, script, stdin=b"", check=False):
        """Runs a bash script as root in the machine."""
        result = self.execute(script, stdin)
        assert not check or result.code == 0, f"{script}\n{result}"
        return result

    def ok(self, script, stdin=b""):
        """The same, and it must succeed; its standard output."""
        return self.run(script, stdin, check=True).stdout

    def write(self, path, content, mode=0o644):
        data = content if isinstance(content, bytes) else content.encode()
        self.ok(f"mkdir -p '{pathlib.PurePosixPath(path).parent}' && cat > '{path}' && chmod {mode:o} '{path}'", data)

    def show(self, unit, *properties):
        """systemctl show as a dictionary."""
        out = self.ok(f"systemctl show {' '.join('-p ' + p for p in properties)} '{unit}'")
        return dict(line.split("=", 1) for line in out.splitlines() if "=" in line)

    def forget(self):
        """Makes journalctl() and journal() begin here."""
        self.run("journalctl --sync")
        self.cursor = json.loads(self.ok("journalctl -n 1 -o json"))["__CURSOR"]

    def journalctl(self, arguments):
        """What it prints of the time since forget()."""
        self.run("journalctl --sync")
        since = f"--after-cursor='{self.cursor}'" if self.cursor else ""
        return self.ok(f"journalctl --no-pager --all {since} {arguments}")

    def journal(self, *matches):
        """Journal entries as dictionaries."""
        out = self.journalctl("-o json " + " ".join(matches))
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]

    def wait_booted(self):
        end = time.monotonic() + BOOT_LIMIT
        while True:
            state = self.run("systemctl is-system-running").stdout.strip()
            if state in ("running", "degraded"):
                return
            if time.monotonic() > end:
                raise Unavailable(f"the machine did not boot: {state}\n" + self.boot_log()[-3000:])
            time.sleep(0.1)


class Machine(Commands):
    """Use it in a `with`, or call start() and stop(). `build` (or None) is installed into it."""

    def __init__(self, build=None):
        root.need("systemd-nspawn", "nsenter", "unshare")
        self.name = f"nucleus-{os.getpid()}-{next(_numbers)}"
        self.directory = root.cache() / "run" / self.name
        self.root = self.directory / "root"
        self.build = build
        self.process = self.leader = self.cgroup = None

    # -- life

    def start(self):
        root.sweep()
        self.directory.mkdir(parents=True)
        try:
            subprocess.run(["cp", "-a", "--reflink=auto", root.machine_root(), self.root], check=True)
            if self.build:
                root.install_nucleus(self.build, self.root)
            self.boot()
        except BaseException:
            self.stop()
            raise
        return self

    def boot(self):
        """In a PID and a mount namespace of its own: whatever ends the test run ends all that is in the machine,
        and leaves no mount behind."""
        environment = dict(os.environ, SYSTEMD_SECCOMP="0", SYSTEMD_NSPAWN_UNIFIED_HIERARCHY="1")
        self.cgroup = cgroup.make(self.name)
        with open(self.directory / "console", "wb") as console:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child=KILL", "--mount-proc",
                 "sh", "-c", 'mount -t tmpfs none /run && exec "$@"', "sh",  # nspawn leaves files in /run
                 "systemd-nspawn", "--keep-unit", "--register=no", "--quiet", "--boot", "--directory", self.root,
                 "--capability=all", "--private-network", "--console=pipe", "--machine", self.name],
                env=environment, stdin=subprocess.DEVNULL, stdout=console, stderr=subprocess.STDOUT,
                start_new_session=True, preexec_fn=self._before_exec)
        self.leader = self._find_leader()
        self.wait_booted()

    def _before_exec(self):
        die_with_parent()
        cgroup.enter(self.cgroup)

    def _find_leader(self):
        end = time.monotonic() + BOOT_LIMIT
        while time.monotonic() < end:
            if self.process.poll() is not None:
                raise Unavailable("systemd-nspawn ended:\n" + self.boot_log()[-3000:])
            for child in _descendants(self.process.pid):
                if _comm(child) == "systemd":
                    return child
            time.sleep(0.02)
        raise Unavailable("systemd did not start in the machine:\n" + self.boot_log()[-3000:])

    def boot_log(self):
        try:
            return (self.directory / "console").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def power_off(self):
        """As by pulling the plug."""
        if self.process:
            self.process.kill()
            self.process.wait()
        if self.cgroup:
            cgroup.remove(self.cgroup)
        self.process = self.leader = self.cgroup = self.cursor = None

    def stop(self):
        self.power_off()
        root.remove(self.directory)

    def reboot(self):
        """Boots the same root again, as after a power cut."""
        self.power_off()
        self.boot()

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    # -- use

    def execute(self, script, stdin):
        done = subprocess.run(
            ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--root", "--wdns=/",
             "env", "-i", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin", "LANG=C.UTF-8", "HOME=/root",
             "SYSTEMD_PAGER=", "bash", "-c", script],
            input=stdin, capture_output=True, timeout=COMMAND_LIMIT, preexec_fn=self._join)
        return Result(done.returncode, done.stdout.decode("utf-8", "replace"),
                      done.stderr.decode("utf-8", "replace"))

    def _join(self):
        """What is outside of the machine's cgroups is nobody's process to logind, and refused."""
        path = self.cgroup / "payload/init.scope"
        if path.exists():  # not yet, where the machine is just booting
            cgroup.enter(path)

    def copy_tree(self, source, target):
        """Copies a file or tree of the host, owners and all, to a path in the machine that is not there yet."""
        there = self.root / str(target).lstrip("/")
        there.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", source, there], check=True)


def _descendants(pid):
    try:
        children = [int(p) for p in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except (FileNotFoundError, ProcessLookupError):
        return []
    return children + [d for child in children for d in _descendants(child)]


def _comm(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()
    except (FileNotFoundError, ProcessLookupError):
        return ""
