# SPDX-License-Identifier: Apache-2.0
"""
What holds under a profile of somebody's own, however loose: no setuid or setgid file on a volume, no change of how the
service's mounts are mounted, no TCP connection past a Landlock policy. From TOML through the generator to
nucleus-exec; the control is the same program where nothing of ours stands before its rules.
"""

import base64
import json
import os
import stat
import struct

import pytest
from lib import generator, kernel, rootfs
from lib.sandbox import outside, refused, run
from lib.spec import Exit, escape, payload

ABI = kernel.libc.syscall(444, None, 0, 1)  # landlock_create_ruleset, LANDLOCK_CREATE_RULESET_VERSION
ALLOW_ALL = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
MACHINE = {"x86_64": {"fchmodat": 268, "openat": 257, "mknodat": 259, "mount_setattr": 442, "sendto": 44,
                      "sendmsg": 46, "socket": 41},
           "aarch64": {"fchmodat": 53, "openat": 56, "mknodat": 33, "mount_setattr": 442, "sendto": 206,
                       "sendmsg": 211, "socket": 198}}[os.uname().machine]
HIGH = 1 << 32


def nr(name):
    return str(MACHINE[name])


@pytest.fixture
def place(tmp_path):
    """A tree, a volume that all may write, and an allow-all profile."""
    root = rootfs.make(tmp_path / "root", ["data"])
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume").chmod(0o777)
    (tmp_path / "volume/file").write_text("x")
    profile = tmp_path / "all.json"
    profile.write_text(json.dumps(ALLOW_ALL))
    profile.chmod(0o644)
    return tmp_path, root


def start(place, *verbs, policy="", volume=True, mode="strict-agent", caps=()):
    """Through TOML, unit and spec, as a user's service goes."""
    path, root = place
    if caps:
        kept = json.dumps(caps)
        (path / "caps.toml").write_text(f"[bounding]\nkeep = {kept}\n[ambient]\nkeep = {kept}\n")
        (path / "caps.toml").chmod(0o644)
        policy += f'capabilities = "{path}/caps.toml"\n'
    text = (f'mode = "{mode}"\ncommand = {json.dumps(["/bin/payload", *verbs])}\nrootfs = "{root}"\n'
            f'[policy]\nseccomp = "{path}/all.json"\n{policy}')
    if volume:
        text += f'[[volumes]]\nsource = "{path}/volume"\ntarget = "/data"\nread_only = {json.dumps(volume == "ro")}\n'
    config = generator.write(path / "config", {"web.toml": text})
    unit = generator.run([config], path / "out").service("web")
    assert unit.error is None, unit.error
    spec = "\n".join(" ".join([row[0], *map(escape, row[1:])]) for row in unit.spec) + "\n"
    return run(spec.encode())


SETID = {
    "fchmodat-setuid": [nr("fchmodat"), "-100", "s:/data/file", str(0o4755)],
    "fchmodat-setgid": [nr("fchmodat"), "-100", "s:/data/file", str(0o2755)],
    "fchmodat-high-bits": [nr("fchmodat"), "-100", "s:/data/file", str(HIGH | 0o4755)],
    "openat-create": [nr("openat"), "-100", "s:/data/new", str(os.O_CREAT | os.O_WRONLY), str(0o4755)],
    "openat-create-high-bits": [nr("openat"), "-100", "s:/data/new", str(HIGH | os.O_CREAT | os.O_WRONLY),
                                str(HIGH | 0o2755)],
    "openat-tmpfile": [nr("openat"), "-100", "s:/data", str(os.O_TMPFILE | os.O_RDWR), str(0o4755)],
    "mknodat": [nr("mknodat"), "-100", "s:/data/new", str(stat.S_IFREG | 0o4755), "0"],
}


@pytest.mark.parametrize("name", SETID)
def test_no_setid_file_on_a_volume(place, name):
    assert start(place, "syscall", *SETID[name]).one("syscall", SETID[name][0]) == "EPERM"
    for path in (place[0] / "volume").iterdir():
        assert not path.stat().st_mode & 0o6000


@pytest.mark.parametrize("name", SETID)
def test_control_setid_files_are_for_the_kernel_to_refuse(place, name):
    """Without a volume to write to, the profile alone answers: the calls fail for other reasons, or work."""
    words = [w.replace("/data", "/dev/shm") for w in SETID[name]]
    words = [w.replace("/dev/shm/file", "/dev/shm") for w in words]
    assert start(place, "syscall", *words, volume="ro").one("syscall", words[0]) in ("OK", "EACCES")


def test_other_changes_of_a_volume_are_allowed(place):
    calls = [[nr("fchmodat"), "-100", "s:/data/file", str(0o755)],
             [nr("openat"), "-100", "s:/data/new", str(os.O_CREAT | os.O_WRONLY), str(0o644)],
             # Without O_CREAT the fourth argument is whatever the register holds.
             [nr("openat"), "-100", "s:/data/file", "0", str(0o4755)]]
    verbs = [w for call in calls for w in ("syscall", *call, ",")][:-1]
    assert [w for _, w in start(place, *verbs).all("syscall")] == ["OK"] * 3


@pytest.mark.parametrize("call, answer", [("openat2", "ENOSYS"), ("io_uring_setup", "ENOSYS")])
def test_calls_that_hide_the_mode_are_not_there(place, call, answer):
    assert start(place, "syscall", call, "0", "0").one("syscall", call) == answer
    assert start(place, "syscall", call, "0", "0", volume="ro").one("syscall", call) != answer  # the control


def test_mounts_stay_as_they_were_mounted(place):
    """CAP_SYS_ADMIN of its own namespaces: enough for mount_setattr to clear ro, nosuid and nodev."""
    clear = "x:" + (b"\0" * 8 + (1 | 2 | 4).to_bytes(8, "little") + b"\0" * 16).hex()
    call = ["syscall", nr("mount_setattr"), "-100", "s:/data", "0", clear, "32"]
    spec = start(place, *call, volume="ro", caps=["CAP_SYS_ADMIN"])
    assert spec.one("syscall", nr("mount_setattr")) == "EPERM"
    # The control: with another argument the kernel, too, would have been asked for nothing it knows.
    assert outside(*call).one("syscall", nr("mount_setattr")) in ("ENOENT", "EINVAL")


@pytest.mark.skipif(ABI < 4, reason="Landlock knows no ports before ABI 4")
def test_landlock_ports_hold_against_fast_open(place):
    path, _ = place
    (path / "ports.toml").write_text('[[rules]]\npath = "/"\naccess = ["read", "execute"]\n'
                                     '[[ports]]\nport = 443\naccess = ["connect_tcp"]\n')
    (path / "ports.toml").chmod(0o644)
    policy = f'landlock = "{path}/ports.toml"\n'
    fast = ["syscall", nr("sendto"), "-1", "0", "0", str(0x20000000), "0", "0"]
    message = ["syscall", nr("sendmsg"), "-1", "b:56", str(HIGH | 0x20000000)]
    mptcp = ["syscall", nr("socket"), "2", "1", "262"]
    verbs = [*fast, ",", *message, ",", *mptcp]
    with_ports = [w for _, w in start(place, *verbs, policy=policy, volume=False).all("syscall")]
    assert with_ports == ["EOPNOTSUPP", "EOPNOTSUPP", "EPROTONOSUPPORT"]
    without = [w for _, w in start(place, *verbs, volume=False).all("syscall")]
    assert without[:2] == ["EBADF", "EBADF"]  # the control: the kernel was asked
    plain = ["syscall", nr("sendto"), "-1", "0", "0", "0", "0", "0"]
    assert start(place, *plain, policy=policy, volume=False).one("syscall", nr("sendto")) == "EBADF"


def test_file_capabilities_cannot_be_given(place):
    path, root = place
    (path / "caps.toml").write_text('[bounding]\nkeep = ["CAP_SETFCAP"]\n')
    (path / "caps.toml").chmod(0o644)
    config = generator.write(path / "config", {"web.toml": (
        f'mode = "agent"\ncommand = ["/bin/payload"]\nrootfs = "{root}"\n'
        f'[policy]\ncapabilities = "{path}/caps.toml"\n')})
    unit = generator.run([config], path / "out").service("web")
    assert "caps.toml:2:" in unit.error and "CAP_SETFCAP cannot be kept" in unit.error


def test_calls_left_to_a_tracer_are_answered(place):
    """SCMP_ACT_TRACE with nobody who traces is ENOSYS, also where the workload would make a listener of its own."""
    path, _ = place
    (path / "all.json").write_text(json.dumps(ALLOW_ALL | {
        "syscalls": [{"names": ["getppid"], "action": "SCMP_ACT_TRACE"}]}))
    assert start(place, "syscall", "getppid", volume=False, mode="agent").one("syscall", "getppid") == "ENOSYS"


@pytest.mark.parametrize("action", [0x7FF00000, 0x7FC00000, None], ids=["trace", "notify", "accumulator"])
def test_spec_whose_program_asks_somebody_is_refused(place, action):
    """By hand, past every front end."""
    _, root = place
    ret = struct.pack("=HBBI", 0x06, 0, 0, action) if action else struct.pack("=HBBI", 0x16, 0, 0, 0)
    allow = struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)

    def spec(*program):
        return payload("exit", "0", rootfs=root, seccomp="custom", seccomp_program=base64.b64encode(
            b"".join(program)).decode())

    assert run(spec(allow)).code == 0  # the control
    refused(run(spec(allow, ret)), Exit.CONFIG)
