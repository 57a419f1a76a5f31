# SPDX-License-Identifier: Apache-2.0
"""What a service with log_denials says of its denials. Without a service manager the records are lines on standard
error. Needs the kernel's audit records, which root can read outside of containers."""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import struct

import pytest

from conftest import MUST_WORK
from lib import kernel, rootfs
from lib.sandbox import run, start
from lib.service import eventually, install, install_tree, state, toml
from lib.service import start as start_service
from lib.spec import ID_BASE, payload
from rig import Unavailable, cgroup

NETLINK_AUDIT, AUDIT_GET, NLMSG_ERROR = 9, 1000, 2
LANDLOCK_CREATE_RULESET, LANDLOCK_VERSION = 444, 1
MINE, OTHER = ID_BASE + (7 << 16), ID_BASE + (8 << 16)  # no other tests' ids
LINES = "default:00050001@2,165:00050001@14"  # of mount(2) on x86_64
MOUNT = ["syscall", "mount", "0", "0", "0", "0", "0"]
UNSEEN = "denials cannot be seen: "


def audit(request, body=b""):
    """Asks the kernel's audit; the answer's body, or an OSError."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_AUDIT) as s:
        s.settimeout(5)
        s.send(struct.pack("=IHHII", 16 + len(body), request, 5, 1, 0) + body)
        while True:
            data = s.recv(8192)
            _, kind, *_ = struct.unpack_from("=IHHII", data)
            error = struct.unpack_from("=i", data, 16)[0] if kind == NLMSG_ERROR else 0
            if error:
                raise OSError(-error, os.strerror(-error))
            if kind == request:
                return data[16:]


def landlock_is_told():
    enabled = struct.unpack_from("=II", audit(AUDIT_GET))[1]
    return enabled and kernel.libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, LANDLOCK_VERSION) >= 7


@pytest.fixture(autouse=True)
def readable(request):
    if {"machine", "vm"} & set(request.fixturenames):
        return
    try:
        audit(AUDIT_GET)
    except OSError as e:
        (pytest.fail if MUST_WORK else pytest.skip)(f"the kernel's audit is not to be read here: {e.strerror}")


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


def denying(*verbs, root, **more):
    return payload(*verbs, rootfs=root, **{"log_denials": True, "id_base": MINE, "seccomp_lines": LINES, **more})


def told(result, word="test: system call"):
    """The lines that tell of denials."""
    return [line for line in result.stderr.splitlines() if word in line]


# ---- system calls ----


def test_denial_names_call_errno_program_line_and_what_to_ask(root):
    result = run(denying(*MOUNT, root=root))
    assert result.all("syscall", "mount") == ["EPERM"], result
    assert told(result) == [
        'nucleus-exec: test: system call mount denied with EPERM: "payload" (/bin/payload), by '
        "/usr/share/nucleus/policies/strict-agent.seccomp.json:14; see: nucleus policy explain --service test "
        "--syscall mount"], result


def test_denial_is_not_told_without_log_denials(root):
    spec = denying(*MOUNT, root=root)
    assert run(spec.but(log_denials=False)).stderr == ""
    assert told(run(spec))  # the control


def test_denial_is_not_told_of_what_is_allowed(root):
    assert not told(run(denying("syscall", "write", "1", "s:", "0", root=root)))


def test_denial_names_the_policy_of_the_service(root):
    result = run(denying(*MOUNT, root=root, seccomp_lines="default:00050001@2,165:00050001@0,165:00050001@9"))
    assert "by the floor of this host or /usr/share/nucleus/policies/strict-agent.seccomp.json:9; see: nucleus policy " \
        "explain --service test --syscall mount" in told(result)[0], result
    result = run(denying(*MOUNT, root=root, seccomp_lines="default:00050001@2,165:00050001@0"))
    assert told(result)[0].endswith(", by the floor of this host; see: nucleus show test"), result
    result = run(denying(*MOUNT, root=root, seccomp_lines=None))
    assert "system call mount denied: " in told(result)[0] and ", by /usr/share" in told(result)[0], result


def test_denial_is_told_once_and_counted(root):
    words = [word for _ in range(300) for word in [*MOUNT, ","]]
    result = run(denying(*words, "syscall", "bpf", "0", "0", "0", root=root))
    assert len(told(result)) == 2, result
    assert told(result, "more denial") == ['nucleus-exec: test: … and 299 more denials: 299 × mount by "payload"']


def test_denial_of_many_kinds_is_bounded(root):
    words = [word for nr in range(600, 800) for word in ["syscall", str(nr), ","]]
    result = run(denying(*words, "exit", "0", root=root))
    assert result.code == 0 and len(told(result)) == 64, result
    assert "… and 136 more denials: 136 others" in result.stderr, result


def test_denial_under_many_names_hides_no_other(root):
    """A program changes its name as often as it likes: prctl(PR_SET_NAME)."""
    name = ["syscall", "prctl", "15"]
    words = [word for i in range(70) for word in (*name, f"s:n{i}", ",", *MOUNT, ",")]
    result = run(denying(*words, "syscall", "bpf", "0", "0", "0", ",", "syscall", "kexec_load", root=root))
    assert [line.split(" denied")[0].rsplit(" ", 1)[1] for line in told(result)] == [*["mount"] * 4, "bpf", "kexec_load"]
    assert "… and 66 more denials: 66 × mount by other programs" in result.stderr, result


def test_denial_of_a_hostile_name_forges_no_line(root):
    name = 'a\nb" (x) \x1b[1m'
    shutil.copy(f"{root}/bin/payload", f"{root}/bin/{name}")
    result = run(denying(*MOUNT, root=root).but(arguments=[f"/bin/{name}", *MOUNT]))
    assert 'denied with EPERM: "a\\x0ab\\x22 (x) \\x1b[1m" (/bin/a\\x0ab\\x22 (x) \\x1b[1m), by' in result.stderr, result
    assert len(told(result)) == len(told(result, "nucleus-exec: test: system call")) == 1, result
    assert len([line for line in result.stderr.splitlines() if not line.startswith("nucleus-exec: test: ")]) == 0


def test_death_by_the_policy_is_named(root):
    spec = denying("int80", "20", root=root)
    result = run(spec)
    assert result.code == -31, result
    assert "system call getpid of another architecture killed its process" in told(result)[0], result
    assert "killed by its system call policy" in result.stderr, result
    assert "STATUS=Killed by its system call policy (SIGSYS)" in result.notified, result
    # The wait status alone says so much, without anybody asking.
    result = run(spec.but(log_denials=False))
    assert not told(result) and "killed by its system call policy" in result.stderr, result
    assert "nucleus policy explain --service test" in result.stderr, result
    # And a death by another signal says nothing of it.
    result = run(denying("kill-self", "9", root=root))
    assert "policy" not in result.stderr.replace("what Landlock", "") and "STATUS=Ended" in result.notified, result


# ---- whose ----


def test_denial_of_another_service_is_not_claimed(root):
    with start(denying("linger", root=root)) as mine:
        mine.until_ready()
        other = run(denying(*MOUNT, root=root, id_base=OTHER))
        assert told(other)  # the control
        mine.signal(15)
        assert not told(mine.wait()), mine.result


@contextlib.contextmanager
def own_cgroup(name):
    """A preexec function that enters a new cgroup."""
    try:
        path = cgroup.make(f"nucleus-{os.getpid()}-{name}")
    except Unavailable as e:
        (pytest.fail if MUST_WORK else pytest.skip)(str(e))
    try:
        yield lambda: cgroup.enter(path)
    finally:
        cgroup.remove(path)


def test_denial_without_ids_is_told_by_the_cgroup(root):
    # The process must still be there when the record is read.
    spec = denying(*MOUNT, ",", "linger", root=root, mode="agent", id_base=0)
    with own_cgroup("a") as a, own_cgroup("b") as b, start(spec, preexec=a) as mine, start(spec, preexec=b) as other:
        for s in (mine, other):
            s.until_ready()
            s.read_until("ready")
        other.signal(15)
        mine.signal(15)
        assert len(told(mine.wait())) == 1 == len(told(other.wait())), (mine.result, other.result)
        assert "more denial" not in mine.result.stderr + other.result.stderr


def test_denial_without_ids_and_cgroup_is_not_guessed(root):
    top = next(pathlib.Path(where) for _, where, kind, *_ in map(str.split, open("/proc/self/mounts")) if kind == "cgroup2")
    result = run(denying(*MOUNT, root=root, mode="agent", id_base=0), preexec=lambda: cgroup.enter(top))
    assert result.code == 0 and not told(result), result
    assert UNSEEN + "the service has neither ids nor a cgroup of its own" in result.stderr, result


# ---- what cannot be seen ----


@pytest.mark.parametrize("wrapper, why", [
    (("unshare", "--net"), "the host's network namespace"),
    (("unshare", "--pid", "--fork", "--mount-proc"), "in a container"),
    (("setpriv", "--bounding-set=-audit_read"), "CAP_AUDIT_READ"),
])
def test_denials_that_cannot_be_seen_are_said_and_fail_nothing(root, wrapper, why):
    result = run(denying(*MOUNT, root=root), wrapper=wrapper)
    assert result.code == 0 and result.all("syscall", "mount") == ["EPERM"], result
    assert result.stderr.count(UNSEEN) == 1 and why in result.stderr and not told(result), result


def test_denials_of_an_unprivileged_caller_are_said_to_be_unseen():
    with rootfs.public_directory() as public:
        root = rootfs.make(public / "root")
        result = run(denying(*MOUNT, root=root, id_base=0), uid=65534)
        assert result.code == 0 and UNSEEN in result.stderr and "CAP_AUDIT_READ" in result.stderr, result


def test_denials_cost_no_system_call_where_they_are_not_logged(root, tmp_path):
    def traced(spec):
        out = tmp_path / "strace"
        # A sanitizer's own look for leaks is no friend of strace.
        assert run(spec, wrapper=("strace", "-qq", "-o", out), environment={"ASAN_OPTIONS": "detect_leaks=0"}).code == 0
        return out.read_text().splitlines()

    spec = denying("exit", "0", root=root)
    off, on = traced(spec.but(log_denials=False)), traced(spec)
    assert not [line for line in off if "NETLINK" in line or "seccomp" in line or "cgroup" in line], off
    assert [line for line in on if "NETLINK_AUDIT" in line]  # the control: it would have been seen
    # Nor one that only another descriptor in the loop would make: each poll is answered.
    assert sum(line.startswith("poll(") for line in off) <= 4 and not [line for line in off if "EAGAIN" in line], off


# ---- Landlock ----


def test_landlock_denial_is_told_or_said_to_be_unseen(root):
    spec = denying("mkdir", "/data/new", root=root, tmpfs=[("/data", 1 << 20)], landlock="custom",
                   landlock_min_abi=1, landlock_rules=[("/bin", "execute,read_file")])
    result = run(spec)
    assert result.all("mkdir", "/data/new") == ["EACCES"], result
    if landlock_is_told():
        [line] = told(result, "access make_dir")
        assert 'access make_dir to "/data" denied' in line and "by the Landlock policy of the service" in line, result
        [line] = told(run(spec.but(landlock_source="/etc/l.toml")), "access make_dir")
        assert ", by /etc/l.toml; see: " in line, line
        assert "nucleus policy explain --service test --path /data --access make_dir" in line, result
    else:
        assert result.stderr.count("what Landlock denies cannot be seen: the kernel") == 1, result
    assert run(spec.but(log_denials=False)).stderr == ""


# ---- with a service manager ----


def records(machine, name, **fields):
    found = machine.journal(f"NUCLEUS_SERVICE={name}")
    return [e for e in found if all(e.get(key) == value for key, value in fields.items())]


def run_service(machine, name):
    start_service(machine, name)
    assert eventually(lambda: state(machine, name) == "inactive/dead"), state(machine, name)


def test_denial_is_one_journal_record_with_its_policy_line(vm, tmp_path):
    install_tree(vm, tmp_path)
    install(vm, app=toml(*MOUNT, ",", *MOUNT) + "[policy]\nlog_denials = true\n", quiet=toml(*MOUNT))
    run_service(vm, "app")
    run_service(vm, "quiet")
    [entry] = records(vm, "app", NUCLEUS_DENIAL="seccomp")
    assert entry["NUCLEUS_SYSCALL"] == "mount" and entry["NUCLEUS_ANSWER"] == "EPERM", entry
    assert entry["NUCLEUS_COMM"] == "payload" and entry["NUCLEUS_EXE"] == "/bin/payload", entry
    assert entry["SYSLOG_IDENTIFIER"] == "nucleus-app" and entry["_SYSTEMD_UNIT"] == "nucleus-app.service", entry
    # The line is the one that the command which the message names prints.
    explained = vm.ok("nucleus policy explain --service app --syscall mount")
    assert f"{entry['NUCLEUS_POLICY']}:{entry['NUCLEUS_POLICY_LINE']}" in explained, (entry, explained)
    [more] = records(vm, "app", NUCLEUS_COUNT="1")
    assert "1 more denial" in more["MESSAGE"], more
    vm.ok("journalctl --update-catalog")
    assert "was denied something by its policy" in vm.journalctl("-x -u nucleus-app")
    assert not records(vm, "quiet")


def test_denial_in_a_container_is_said_to_be_unseen(machine, tmp_path):
    install_tree(machine, tmp_path)
    install(machine, app=toml(*MOUNT) + "[policy]\nlog_denials = true\n")
    run_service(machine, "app")
    [entry] = records(machine, "app")
    assert UNSEEN in entry["MESSAGE"] and json.dumps(entry["PRIORITY"]) == '"5"', entry
