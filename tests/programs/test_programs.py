# SPDX-License-Identifier: Apache-2.0
"""
Real programs in a sandbox: what the built-in policy of each tier must let through. Those that `tools/deps` installs
are always tried; a further one (`tools/deps --programs`) where the machine has it, else it is skipped by name.
"""

import base64
import contextlib
import json
import os
import pathlib
import re
import struct
import subprocess
import tempfile

import catalog
import pytest
from lib import build, rootfs
from lib.sandbox import run
from lib.spec import Spec

MIB = 1 << 20
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C"}
MODES = ["agent", "strict-agent", "production"]
POLICIES = pathlib.Path(__file__).parents[2] / "policies"
PYTHON = "/usr/bin/python3"

each_program = pytest.mark.parametrize("name", catalog.PROGRAMS)


@pytest.fixture(scope="module")
def place():
    with rootfs.public_directory() as directory:
        catalog.prepare(directory)
        yield directory


@pytest.fixture
def service(place, name):
    """Makes the Spec of a program in a tier. It sees the host's programs, and has a /tmp to work in."""
    program = catalog.PROGRAMS[name]
    if not program.installed:
        pytest.skip(f"{name} is not installed here (tools/deps --programs)")

    def make(mode):
        spec = Spec(arguments=program.command, environment=ENVIRONMENT, workdir="/tmp", tmpfs=[("/tmp", 1024 * MIB)],
                    user=program.user, mode=mode, volumes=[(p, p, "ro") for p in program.extra])
        if mode == "production":
            spec = spec.but(**catalog.host_root(roots.enter_context(rootfs.public_directory()), program.extra))
        return spec.but(volumes=[*spec.volumes, (place, "/tmp/in", "ro")])

    with contextlib.ExitStack() as roots:
        yield make


def succeeds(spec, last_line="ok"):
    """Ends with 0, says at the end what it ought to, and complains of nothing that a policy could have denied."""
    result = run(spec)
    lines = result.stdout.decode().splitlines()
    assert result.code == 0 and lines and lines[-1] == last_line, result
    for complaint in ("Operation not permitted", "Permission denied", "Function not implemented"):
        assert complaint not in result.stderr and complaint not in result.stdout.decode(), result
    return result


@each_program
@pytest.mark.parametrize("mode", MODES)
def test_program_works(service, mode):
    succeeds(service(mode))


@pytest.mark.parametrize("name", ["busybox", "make", "git", "packages", "python-multiprocessing", "python-asyncio"])
def test_program_works_in_agent_mode_on_a_volume(service, name):
    """As an agent's tools are run: a directory of the host is its place, and what it makes there stays."""
    with rootfs.public_directory() as volume:
        os.chmod(volume, 0o777)
        (volume / "in").mkdir()
        spec = service("agent")
        succeeds(spec.but(tmpfs=[], volumes=[(volume, "/tmp", "rw"), *spec.volumes]))
        assert name.startswith("python") or len(os.listdir(volume)) > 1


@pytest.mark.parametrize("link", [None, "/run/resolved/stub", "../run/resolved/stub", "/run/nowhere"])
def test_names_can_be_looked_up(link):
    """resolv.conf may be a link to what systemd-resolved keeps in /run, which no service sees."""
    make = f"ln -s {link} resolv.conf" if link else "cp /run/resolved/stub resolv.conf"
    spec = Spec(arguments=["/bin/sh", "-euc", "cat /etc/resolv.conf; getent hosts localhost"], environment=ENVIRONMENT)
    with rootfs.public_directory() as own:
        host = f"""set -e; mount -t tmpfs none {own}; cp -a /etc {own}/etc; mount --bind {own}/etc /etc; cd /etc
            rm -f resolv.conf; mount -t tmpfs none /run; mkdir /run/resolved
            echo nameserver 192.0.2.1 >/run/resolved/stub; {make}; cd /; exec "$0" "$@" """
        result = run(spec, wrapper=["unshare", "-m", "sh", "-c", host])
    assert ("nameserver 192.0.2.1" in result.stdout.decode()) == (link != "/run/nowhere"), result
    assert "localhost" in result.stdout.decode() or link == "/run/nowhere", result


# ---- controls: what is denied is seen to fail ----


def without(calls):
    """
    The changes to a Spec that give it the built-in profile of strict-agent in which nothing allows these calls: the
    default denies them.
    """
    profile = json.loads((POLICIES / "strict-agent.seccomp.json").read_text())
    for entry in profile["syscalls"]:
        entry["names"] = [n for n in entry["names"] if n not in calls]
    profile["syscalls"] = [entry for entry in profile["syscalls"] if entry["names"]]
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(profile, file)
        file.flush()
        header = subprocess.run([build.program("policies/compile-policy"), file.name, "x"], capture_output=True,
                                text=True, check=True).stdout
    # One array for each architecture.
    array = header.partition(f"defined(__{os.uname().machine}__)")[2].partition("};")[0]
    rows = re.findall(r"{ (0x\w+), (\d+), (\d+), (0x\w+) }", array)
    program = b"".join(struct.pack("<HBBI", *(int(field, 0) for field in row)) for row in rows)
    return {"seccomp": "custom", "seccomp_program": base64.b64encode(program).decode()}


@each_program
def test_control_program_fails_without_a_call_that_it_needs(service, name):
    """Under a profile that has lost one call no program passes."""
    with pytest.raises(AssertionError):
        succeeds(service("strict-agent").but(**without(catalog.PROGRAMS[name].needs)))


@pytest.mark.parametrize("name", ["busybox"])
def test_control_profile_that_has_lost_nothing_works(service):
    succeeds(service("strict-agent").but(**without(())))


UNSHARE = "import ctypes, os; l = ctypes.CDLL(None, use_errno=True); r = l.unshare(0x10000000)\n" \
          "print('ok' if r == 0 else os.strerror(ctypes.get_errno()))"


def test_control_program_that_is_denied_fails():
    with pytest.raises(AssertionError, match="Operation not permitted"):
        succeeds(Spec(arguments=[PYTHON, "-I", "-c", UNSHARE], environment=ENVIRONMENT))
    outside = subprocess.run([PYTHON, "-I", "-c", UNSHARE], capture_output=True, text=True, check=True)
    assert outside.stdout == "ok\n"
