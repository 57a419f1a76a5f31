# SPDX-License-Identifier: Apache-2.0
"""The root trees that machines boot: made once by mmdebstrap, with the host's own apt settings, and kept in the
build cache. A tree is never booted itself; each machine gets a copy."""

import fcntl
import hashlib
import json
import os
import pathlib
import platform
import shutil
import subprocess
import sys

from .stop import Unavailable, alive

SOURCE = pathlib.Path(__file__).resolve().parents[2]
SUITE = "trixie"
# What Nucleus links, and what its tests talk to.
PACKAGES = ["systemd", "systemd-sysv", "dbus", "dbus-user-session", "libpam-systemd", "busybox-static", "iproute2",
            "libarchive13t64", "libcap2", "libcryptsetup12", "libinih1", "libjansson4", "libseccomp2", "libssl3t64",
            "libstdc++6", "man-db", "procps", "socat"]
KERNEL_PACKAGES = ["cryptsetup-bin", "fsverity", "initramfs-tools", "linux-image-cloud-amd64"]


def cache():
    path = pathlib.Path(os.environ.get("NUCLEUS_CACHE") or SOURCE / "build-cache")
    path.mkdir(parents=True, exist_ok=True)
    return path


def need(*programs):
    if os.geteuid() != 0:
        raise Unavailable("needs root")
    for program in programs:
        if not shutil.which(program):
            raise Unavailable(f"needs the program {program} (tools/deps installs it)")


def say(text):
    print(text, file=sys.stderr, flush=True)


def made_once(name, inputs, make):
    """The path of what `make(path)` makes, which is called only where it is not in the cache."""
    key = hashlib.sha256("\n".join(inputs).encode()).hexdigest()[:12]
    path = cache() / f"{name}-{key}"
    with open(cache() / f"{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not path.exists():
            new = path.with_suffix(".new")
            remove(new)
            say(f"making the {name.replace('-', ' ')}; it is kept in {cache().name}/ for the next time")
            make(new)
            new.rename(path)
    return path


def remove(path):
    if path.is_dir() and not path.is_symlink():
        subprocess.run(["rm", "-rf", "--one-file-system", path], check=True)
    elif path.exists() or path.is_symlink():
        path.unlink()


def sweep():
    """Removes what test runs that were killed have left in the cache."""
    for path in (cache() / "run").glob("*-*-*"):
        pid = path.name.split("-")[1]
        if pid.isdigit() and not alive(pid):
            remove(path)


def apt_mirrors():
    """Where this host gets Debian from; empty where that cannot be told, and mmdebstrap then takes its default."""
    release = platform.freedesktop_os_release()
    asked = subprocess.run(["apt-get", "indextargets", "--format",
                            "$(SITE) $(RELEASE) $(COMPONENT) $(ORIGIN) $(LABEL)", "Created-By: Packages"],
                           capture_output=True, text=True)
    for line in asked.stdout.splitlines():
        site, suite, component, origin, label = (line.split(" ") + [""] * 3)[:5]
        if suite == release.get("VERSION_CODENAME") and component == "main" and \
                (origin, label) in (("Debian", "Debian"), ("$(ORIGIN)", "$(LABEL)"), ("", "")):
            return [site]
    return []


def apt_options():
    """The host's own way to its mirror: proxies, retries, checks of dates."""
    wanted = ("Acquire::http", "Acquire::https", "Acquire::Retries", "Acquire::Check-", "Acquire::ForceIPv")
    dump = subprocess.run(["apt-config", "dump"], capture_output=True, text=True, check=True).stdout
    return ["--aptopt=" + line for line in dump.splitlines()
            if line.startswith(wanted) and not line.endswith(' "";')]


def bootstrap(path, packages):
    done = subprocess.run(["mmdebstrap", "--mode=root", "--variant=minbase", "--quiet", "--skip=check/empty",
                           "--include=" + ",".join(packages),
                           "--dpkgopt=path-exclude=/usr/share/doc/*",
                           "--dpkgopt=path-exclude=/usr/share/locale/*", *apt_options(), SUITE, path,
                           *apt_mirrors()],
                          stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        remove(path)
        raise Unavailable(f"mmdebstrap failed:\n{done.stderr[-2000:]}")
    (path / "etc/machine-id").write_text("uninitialized\n")
    (path / "etc/hostname").write_text("machine\n")
    # No password anywhere: the machine has no network, and tests come in from outside.
    subprocess.run(["chroot", path, "passwd", "-d", "root"], check=True, capture_output=True)
    subprocess.run(["chroot", path, "systemctl", "mask", "-q", "systemd-networkd-wait-online.service",
                    "systemd-resolved.service", "man-db.timer", "apt-daily.timer", "apt-daily-upgrade.timer",
                    "systemd-firstboot.service", "systemd-modules-load.service"], check=True, capture_output=True)


def machine_root():
    need("mmdebstrap")
    return made_once("machine-root", [SUITE, *PACKAGES, bootstrap_text()], lambda p: bootstrap(p, PACKAGES))


def vm_root():
    need("mmdebstrap")
    return made_once("vm-root", [SUITE, *PACKAGES, *KERNEL_PACKAGES, bootstrap_text()],
                     lambda p: bootstrap(p, PACKAGES + KERNEL_PACKAGES))


def bootstrap_text():
    import inspect
    return inspect.getsource(bootstrap)


def install_nucleus(build, stage):
    """`meson install` of a build that was configured with --prefix=/usr."""
    prefix = json.loads(subprocess.run(["meson", "introspect", build, "--buildoptions"], check=True,
                                       capture_output=True).stdout)
    if not any(o["name"] == "prefix" and o["value"] == "/usr" for o in prefix):
        raise RuntimeError(f"{build} is not a build for /usr: configure it with meson setup --prefix=/usr")
    done = subprocess.run(["meson", "install", "-C", build, "--no-rebuild", "--quiet", "--destdir", stage],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"meson install failed:\n{done.stdout}{done.stderr}")
