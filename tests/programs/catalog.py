# SPDX-License-Identifier: Apache-2.0
"""
The real programs that the built-in policies are tried with. Each does in its sandbox what such programs do, prints
"ok" at its end, and complains of nothing. `needs` names system calls (of one call the forms that architectures or
releases differ in) without which it fails.
"""

import glob
import os
import shutil
import subprocess
from dataclasses import dataclass, field

from lib import rootfs

SOURCES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "sources")
SYSTEM = "/usr/sbin:/usr/bin:/sbin:/bin"  # what a sandbox sees; compilers of binaries may live elsewhere


@dataclass
class Program:
    command: list  # of /tmp/in, where the sources and what was compiled of them are
    needs: tuple
    installed: bool = True  # False: `tools/deps --programs` would
    user: str = "0"
    extra: list = field(default_factory=list)  # paths of the host that it needs to see besides
    compile: callable = None  # makes files in the directory that becomes /tmp/in


def script(name, *needs, **more):
    return Program(["/bin/sh", "-eu", f"/tmp/in/{name}"], needs, **more)


def python(name, *needs):
    return Program(["/usr/bin/python3", "-I", f"/tmp/in/python-{name}.py"], needs)


def there(*programs, path=SYSTEM):
    return all(shutil.which(p, path=path) for p in programs)


def command(*words, **environment):
    """Compiles outside of the sandbox: the result is what is tried."""
    return lambda place: subprocess.run(words, cwd=place, check=True, timeout=600, env={**os.environ, **environment})


GO = command("go", "build", "-o", "go-program", "program.go", CGO_ENABLED="0", GO111MODULE="off")
RUST = command("rustc", "-O", "-o", "rust-program", "program.rs")
POSTGRESQL = glob.glob("/usr/lib/postgresql/*/bin/initdb")

PROGRAMS = {
    # What building and testing need anyway.
    "busybox": script("busybox.sh", "wait4"),
    "gcc": script("gcc.sh", "wait4"),
    "make": script("make.sh", "wait4"),
    "packages": script("packages.sh", "wait4"),
    "git": script("git.sh", "rename", "renameat", "renameat2"),
    "perl": Program(["/usr/bin/perl", "/tmp/in/program.pl"], ("socket",)),
    "python-threads": python("threads", "clone"),
    "python-subprocess": python("subprocess", "wait4"),
    "python-asyncio": python("asyncio", "epoll_wait", "epoll_pwait"),
    "python-sqlite": python("sqlite", "fcntl"),
    "python-multiprocessing": python("multiprocessing", "link", "linkat"),
    "python-files": python("files", "flock"),
    # What `tools/deps --programs` adds.
    "curl": script("curl.sh", "connect", installed=there("curl", "openssl")),
    "nginx": script("nginx.sh", "bind", installed=there("nginx", "curl", "openssl"),
                    user="www-data"),
    "node": Program(["/usr/bin/node", "/tmp/in/program.js"], ("epoll_ctl",), installed=there("node")),
    "java": script("java.sh", "clone", installed=there("javac"), extra=glob.glob("/etc/java-*")),
    "go": Program(["/tmp/in/go-program"], ("rt_sigaction",), installed=there("go", path=None), compile=GO),
    "rust": Program(["/tmp/in/rust-program"], ("clone",), installed=there("rustc", path=None), compile=RUST),
    "postgresql": script("postgresql.sh", "shmget", installed=bool(POSTGRESQL), user="postgres"),
}


def prepare(place):
    """Makes the directory that sandboxes see at /tmp/in."""
    shutil.copytree(SOURCES, place, dirs_exist_ok=True)
    for program in PROGRAMS.values():
        if program.installed and program.compile:
            program.compile(place)
    for top, directories, files in os.walk(place):
        for name in (*directories, *files):
            path = os.path.join(top, name)
            os.chmod(path, 0o755 if os.path.isdir(path) or os.access(path, os.X_OK) else 0o644)


# ---- the host's programs for a service that must have a root of its own ----

HOST_TREE = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc/alternatives", "/etc/group", "/etc/hosts",
             "/etc/ld.so.cache", "/etc/nsswitch.conf", "/etc/passwd", "/etc/ssl")


def host_root(path, extra):
    """
    An attested root that holds the host's small files and has the host's directories as volumes: what a production
    service would have in its root. Returns the changes to a Spec.
    """
    volumes = []
    for directory in ("", "dev", "proc", "tmp", "etc"):
        os.makedirs(os.path.join(path, directory), exist_ok=True)
        os.chmod(os.path.join(path, directory), 0o755)
    for source in (*HOST_TREE, *extra):
        target = os.path.join(path, source.lstrip("/"))
        if os.path.islink(source):
            os.symlink(os.readlink(source), target)
        elif os.path.isdir(source):
            os.makedirs(target)
            volumes.append((source, source, "ro"))
        elif os.path.exists(source):
            shutil.copy(source, target)
            os.chmod(target, 0o644)
    return {"mode": "production", "rootfs": path, "attest": rootfs.attest(path), "volumes": volumes}
