# SPDX-License-Identifier: Apache-2.0
"""
Attacks on what a sandbox inherits, keeps and may do, by a hostile caller, workload or kernel. The number in a
test's name is that of the attack. Each has a control: the same probe where nothing defends.
"""

import os
import shutil
import signal
import socket
import struct
import subprocess

import pytest
from lib import build, kernel, rootfs, sandbox
from lib.hold import held
from lib.sandbox import beside, outside, refused, run, start, unprotected, unprotected_by, without
from lib.spec import Exit, Spec, payload

PR_SET_DUMPABLE = 4
EXECVE, PRCTL, UNSHARE, CLONE, CLONE3 = {"x86_64": (59, 157, 272, 56, 435),
                                         "aarch64": (221, 167, 97, 220, 435)}[os.uname().machine]


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


@pytest.fixture
def public():
    with rootfs.public_directory() as path:
        yield path


@pytest.fixture
def victim(tmp_path):
    """A directory of the host that an attack is after."""
    path = tmp_path / "victim"
    path.mkdir()
    return path


# ---- 18, 19: descriptors ----


def test_18_inherited_descriptors_are_closed(root):
    opened = [os.open("/etc", os.O_RDONLY | os.O_DIRECTORY) for _ in range(200)]
    try:
        result = run(payload("fds", rootfs=root), pass_fds=opened)
        control = outside("fds", pass_fds=opened)
    finally:
        for fd in opened:
            os.close(fd)
    assert [fd for fd, _ in result.all("fd")] == ["0", "1", "2"], result
    assert result.one("fd", "0") == "/dev/null"
    assert len(control.all("fd")) == 203


@pytest.mark.parametrize("number", range(3, 12))
def test_18_workdir_through_a_descriptor_refused(root, victim, number):
    fd = os.open(victim, os.O_RDONLY | os.O_DIRECTORY)

    try:
        with sandbox.placed([fd], number) as options:
            result = run(payload("cwd", rootfs=root, workdir=f"/proc/self/fd/{number}"), **options)
            control = outside("chdir", f"/proc/self/fd/{number}", ",", "cwd", **options)
    finally:
        os.close(fd)
    refused(result, Exit.CHDIR)
    assert control.one("cwd") == str(victim)


@pytest.mark.parametrize("workdir", ["/proc/self/cwd", "/proc/1/root", "/proc/self/root/../.."])
def test_18_workdir_through_a_magic_link_refused_or_inside(root, workdir):
    result = run(payload("cwd", ",", "stat", "/bin/payload", rootfs=root, workdir=workdir))
    assert result.code in (0, Exit.CHDIR, Exit.CONFIG), result
    if result.code == 0:
        assert result.one("cwd") == "/", result
    assert run(payload("cwd", rootfs=root, workdir="/data")).one("cwd") == "/data"


@pytest.mark.parametrize("closed", [(1,), (2,), (1, 2)])
def test_19_started_with_closed_descriptors(root, closed):
    def close():
        for fd in closed:
            os.close(fd)

    # Descriptor 1 may be what is closed: the answer comes through a file of a volume.
    result = run(payload("exit", "7", rootfs=root), preexec=close)
    assert result.code == 7, result
    if 1 not in closed:
        fds = dict(run(payload("fds", rootfs=root), preexec=close).all("fd"))
        assert set(fds) <= {"0", "1", "2"}, fds
        assert fds.get("2", "/dev/null") == "/dev/null", fds
    control = outside("fds", preexec=lambda: os.close(2))
    assert "2" not in dict(control.all("fd"))


def test_19_started_without_a_spec_refused(root):
    result = run(payload("exit", "0", rootfs=root), preexec=lambda: os.close(0))
    assert result.code in (Exit.CONFIG, Exit.STDIN), result
    assert result.stderr.strip(), result
    with start(payload("exit", "0", rootfs=root), preexec=lambda: [os.close(i) for i in range(3)]) as s:
        assert s.wait().code in (Exit.CONFIG, Exit.STDIN), s.result


def test_19_what_stands_at_1_and_2_is_the_workloads_only_when_it_was_given(root, tmp_path):
    """With 0-2 closed but the spec, whatever the helper opens must not become the workload's output."""
    out = tmp_path / "volume"
    out.mkdir(mode=0o777)

    def close():
        os.close(1)
        os.close(2)

    spec = payload("linger", rootfs=root)
    with start(spec, preexec=close) as s:
        s.until_ready()
        _, workload = s.workload()
        fds = {n: os.readlink(f"/proc/{workload}/fd/{n}") for n in os.listdir(f"/proc/{workload}/fd")}
        s.signal(signal.SIGTERM)
        assert s.wait().code == -signal.SIGTERM, s.result
    assert set(fds) <= {"0", "1", "2"}, fds
    assert set(fds.values()) == {"/dev/null"}, fds


# ---- 20: the helper's own program ----


@pytest.fixture
def helper(tmp_path):
    """A copy of nucleus-exec, for attacks that could harm it."""
    path = str(tmp_path / "nucleus-exec")
    subprocess.run(["cp", build.nucleus_exec(), path], check=True)
    return path


def test_20_program_of_the_helper_cannot_be_written(root, helper):
    before = content(helper)
    spec = payload("open", "w", "/proc/self/exe", "/proc/1/exe", ",", "open", "r", "/proc/1/exe", ",", "stat",
                   "/proc/1/exe", rootfs=root)
    result = run(spec, program=helper)
    assert result.all("open", "/proc/1/exe") == ["EACCES", "EACCES"], result
    assert result.one("open", "/proc/self/exe") in ("EROFS", "EACCES", "ETXTBSY"), result

    # Without Landlock, seccomp and user namespace, it must not even be reached.
    weak = run(unprotected(spec), program=helper, wrapper=unprotected_by())
    assert weak.code == 0, weak
    assert set(weak.all("open", "/proc/1/exe")) <= {"EACCES", "EPERM"}, weak
    assert content(helper) == before

    control = outside("open", "r", "/proc/self/exe")
    assert control.one("open", "/proc/self/exe") == "OK"


def content(path):
    with open(path, "rb") as f:
        return f.read()


@pytest.mark.parametrize("how", ["argument", "link", "script"])
def test_20_program_of_the_helper_cannot_be_the_workload(root, helper, how):
    program = "/bin/app"
    if how == "argument":
        program = "/proc/self/exe"
    elif how == "link":
        os.symlink("/proc/self/exe", f"{root}/bin/app")
    else:
        rootfs.write(f"{root}/bin/app", "#!/proc/self/exe --help\n")
        os.chmod(f"{root}/bin/app", 0o755)
    spec = Spec(arguments=[program, "--help"], rootfs=root)
    refused(run(spec, program=helper), Exit.EXEC)

    rootfs.write(f"{root}/bin/good", "#!/bin/payload argv\n")
    os.chmod(f"{root}/bin/good", 0o755)
    good = run(Spec(arguments=["/bin/good"], rootfs=root), program=helper)
    assert good.all("arg") == ["/bin/good"], good


INIT = ["/proc/1/exe", "/proc/1/mem", "/proc/1/environ", "/proc/1/ns/net", "/proc/1/root/etc", "/proc/1/cwd",
        "/proc/1/fd/0"]


@pytest.mark.parametrize("user", ["0", "web"])
def test_20_init_cannot_be_looked_into_or_ended(root, user):
    spec = payload("open", "r", *INIT, ",", "syscall", "kill", "1", "9", ",", "syscall", "kill", "1", "19", ",", "exit",
                   "7", rootfs=root, user=user)
    result = run(spec)
    assert dict(result.all("open")) == dict.fromkeys(INIT, "EACCES"), result
    assert [w for _, w in result.all("syscall")] == ["EPERM"] * 2, result
    assert result.code == 7

    weak = run(unprotected(spec), wrapper=unprotected_by())  # the signals arrive, and do nothing to PID 1
    assert dict(weak.all("open")) == dict.fromkeys(INIT, "EACCES"), weak
    assert weak.code == 7
    with beside("linger") as other:
        control = outside("open", "r", *(path.replace("/1/", f"/{other.pid}/") for path in INIT))
    assert {w for _, w in control.all("open")} == {"OK"}, control


# ---- 21: privilege ----

SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.mark.parametrize("mode", ["strict-agent", "production"])
@pytest.mark.parametrize("user", ["0", "web"])
def test_21_workload_has_no_privilege(root, mode, user):
    rootfs.attest(root)
    result = run(payload("status", ",", "ids", rootfs=root, user=user, mode=mode, attest="unpinned"))
    seen = dict(result.all("status"))
    assert {s: int(seen[s], 16) for s in SETS} == dict.fromkeys(SETS, 0), result
    assert (seen["NoNewPrivs"], seen["Seccomp"]) == ("1", "2")
    assert result.all("supplementary") == [] and seen["Groups"].strip() == ""

    control = dict(outside("status", preexec=lambda: os.setgroups([1, 2])).all("status"))
    assert int(control["CapBnd"], 16) != 0 and control["NoNewPrivs"] == "0" and control["Seccomp"] == "0"
    assert control["Groups"].split() == ["1", "2"]


def test_21_inherited_capabilities_are_dropped(root):
    """A caller that hands over inheritable and ambient capabilities."""
    spec = payload("status", rootfs=root)
    # A new user namespace clears the inheritable set by itself, so also without one.
    for variant, wrapper in ((spec, ()), (unprotected(spec), unprotected_by())):
        seen = dict(run(variant, preexec=kernel.raise_ambient_net_raw, wrapper=wrapper).all("status"))
        assert {s: int(seen[s], 16) for s in SETS} == dict.fromkeys(SETS, 0), seen
    control = dict(outside("status", preexec=kernel.raise_ambient_net_raw).all("status"))
    assert int(control["CapAmb"], 16) == 1 << 13 and int(control["CapInh"], 16) == 1 << 13


def test_21_file_capabilities_and_setuid_gain_nothing(public):
    root = rootfs.make(public / "root")
    for name in ("capped", "setuid"):
        subprocess.run(["cp", f"{root}/bin/payload", f"{root}/bin/{name}"], check=True)
    os.chmod(f"{root}/bin/setuid", 0o6755)
    os.chmod(f"{root}/bin/capped", 0o755)
    os.setxattr(f"{root}/bin/capped", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))

    for name in ("capped", "setuid"):
        inside = run(payload("exec", f"/bin/{name}", "status", rootfs=root, user="web"))
        seen = dict(inside.all("status"))
        assert {s: int(seen[s], 16) for s in SETS} == dict.fromkeys(SETS, 0), inside
        assert seen["Uid"].split() == ["1000"] * 4 or len(set(seen["Uid"].split())) == 1, inside
        # As the first program too, not only from within.
        first = dict(run(Spec(arguments=[f"/bin/{name}", "status"], rootfs=root, user="web")).all("status"))
        assert int(first["CapEff"], 16) == 0 and first["Uid"] == seen["Uid"]

    capped = dict(outside("status", uid=sandbox.UNPRIVILEGED, program=f"{root}/bin/capped").all("status"))
    setuid = dict(outside("status", uid=sandbox.UNPRIVILEGED, program=f"{root}/bin/setuid").all("status"))
    assert int(capped["CapEff"], 16) == 1 << 13
    assert setuid["Uid"].split() == [str(sandbox.UNPRIVILEGED), "0", "0", "0"]


# ---- 25: keys ----


def test_25_key_of_the_hosts_session_is_unreadable(root):
    serial = kernel.session_with_key("nucleus-secret", "secret")
    spec = payload("keyring", "nucleus-secret", str(serial), rootfs=root)
    result = run(spec)
    for row in ("key-search", "key-read"):
        assert result.all(row)[0][1] in ("EPERM", "ENOSYS"), result  # the filter

    # Without the filter and without a user namespace, the fresh session keyring alone must do it.
    weak = run(unprotected(spec), wrapper=unprotected_by())
    assert weak.one("key-search", "nucleus-secret") == "ENOKEY", weak
    assert weak.one("key-read", str(serial)) == "EACCES", weak

    control = outside("keyring", "nucleus-secret", str(serial))
    assert [w for _, w in control.all("key-search") + control.all("key-read")] == ["OK", "OK"]


# ---- 27: ptrace during the setup ----


@pytest.fixture
def mine(public):
    """All that an unprivileged caller needs: a tree, nucleus-exec, and the payload as tracer."""
    root = rootfs.make(public / "root")
    rootfs.give(root, sandbox.UNPRIVILEGED, sandbox.UNPRIVILEGED)
    return root, sandbox.published(public, build.nucleus_exec()), sandbox.published(public, build.payload())


def test_27_helper_cannot_be_traced_by_its_user(mine):
    """The helper waits for a spec that does not come: the earliest moment at which it has something to lose."""
    root, helper, tracer = mine
    reader, writer = os.pipe()
    try:
        with start(b"", stdin=reader, uid=sandbox.UNPRIVILEGED, program=helper) as s:
            assert kernel.eventually(lambda: in_read(s.pid)), "the helper does not read the spec"
            assert traced(s.pid, tracer) == "EPERM"
            os.write(writer, payload("linger", rootfs=root, id_base=0).text())
            os.close(writer)
            writer = None
            s.until_ready()
            init, _ = s.workload()
            assert traced(s.pid, tracer) == "EPERM"
            assert traced(init, tracer) == "EPERM"
            s.signal(signal.SIGTERM)
            assert s.wait().code == -signal.SIGTERM, s.result
    finally:
        os.close(reader)
        if writer is not None:
            os.close(writer)

    with subprocess.Popen(["sleep", "60"], preexec_fn=lambda: sandbox.become(sandbox.UNPRIVILEGED)) as control:
        assert kernel.eventually(lambda: os.readlink(f"/proc/{control.pid}/exe").endswith("sleep"))
        assert traced(control.pid, tracer) == "OK"
        control.kill()


def test_27_helper_cannot_be_traced_at_any_step(mine):
    """
    A caller without privilege may write the id maps of its new namespaces only while they can be traced. The
    helper opens itself for that, and nothing else; what it opens, it closes.
    """
    root, helper, tracer = mine
    spec = payload("linger", rootfs=root, id_base=0)
    denied, allowed, last = [], [], {}
    with held(spec, payload=tracer, uid=sandbox.UNPRIVILEGED, program=helper) as h:
        while (call := h.next()) is not None:
            if call != last.get(call.pid):  # a call that was traced begins anew
                outcome = traced(call.pid, tracer)
                assert outcome in ("OK", "EPERM"), outcome
                (allowed if outcome == "OK" else denied).append(call.number)
            last[call.pid] = call
            h.let_go()
        h.let_all_go()
        h.running.signal(signal.SIGTERM)
        assert h.running.wait().code == -signal.SIGTERM
    assert len(denied) > 20, (denied, allowed)
    # The exec of the helper, then where it makes namespaces, and a child until its own first word.
    assert set(allowed) <= {EXECVE, PRCTL, UNSHARE, CLONE3, CLONE}, allowed
    assert len(allowed) <= 10, allowed


def in_read(pid):
    with open(f"/proc/{pid}/syscall") as f:
        return f.read().split()[0] in ("0", "17")  # read, pread64


def traced(pid, tracer):
    return outside("ptrace", str(pid), uid=sandbox.UNPRIVILEGED, program=tracer).one("ptrace", str(pid))


# ---- 28: reinterpretation ----


def test_28_hostile_environment_changes_nothing(root, tmp_path):
    library = tmp_path / "evil.so"
    library.write_text("not a library")
    hostile = {"LISTEN_FDS": "3", "LISTEN_PID": "1", "LISTEN_FDNAMES": "a:b:c", "TMPDIR": "/nowhere",
               "LD_LIBRARY_PATH": str(tmp_path), "LD_DEBUG_OUTPUT": str(tmp_path / "debug"), "IFS": "/",
               "SYSTEMD_LOG_LEVEL": "debug", "NUCLEUS_MODE": "agent", "HOME": "/root", "LANG": "\xff",
               "CREDENTIALS_DIRECTORY": "/", "GCONV_PATH": str(tmp_path)}
    result = run(payload("env", rootfs=root, environment={"PATH": "/bin", "A": "b c"}), environment=hostile)
    assert result.all("env") == ["A=b c", "PATH=/bin"], result
    plain = run(payload("env", rootfs=root, environment={"PATH": "/bin", "A": "b c"}))
    assert plain.rows == result.rows


def test_28_notify_socket_does_not_reach_the_workload(root):
    result = run(payload("env", rootfs=root))
    assert result.ready, result
    assert result.all("env") == [], result


def test_28_words_that_look_like_options_are_arguments(root):
    os.link(f"{root}/bin/payload", f"{root}/--bind")
    words = ["--bind", "/", "/", "--help", "--print-recipe", "-", "--", "", "$HOME", "%h", "a\tb", "\\x41", "\udcff"]
    result = run(Spec(arguments=["/--bind", "argv", *words], rootfs=root))
    assert result.all("arg") == words, result
    assert run(Spec(arguments=["--bind", "argv"], rootfs=root)).code == Exit.CONFIG


def test_28_arguments_to_the_helper_are_not_taken(root):
    result = run(payload("argv", rootfs=root), arguments=["--bind", "/"])
    assert result.code not in (0,) and result.stdout == b"", result


def test_28_started_without_any_argument_is_as_with_one(root):
    """argc 0, as execve() with an empty argv asks for (Linux makes it one empty argument since 5.18)."""
    code = ("import ctypes, sys; ctypes.CDLL(None).execve(sys.argv[1].encode(), (ctypes.c_char_p * 1)(None), "
            "(ctypes.c_char_p * 1)(None))")
    result = run(payload("exit", "9", rootfs=root), program="/usr/bin/python3",
                 arguments=["-c", code, build.nucleus_exec()])
    assert result.code == 9, result


@pytest.mark.parametrize("given,said", [(2, 1), (1, 2), (0, 1), (1, 0)])
def test_28_number_of_sockets_must_be_as_the_spec_says(root, given, said):
    result = with_sockets(payload("exit", "0", rootfs=root, listen_fds=said), given)
    if said == 0:  # not asked for: they must not arrive
        result = with_sockets(payload("fds", rootfs=root), given)
        assert result.code in (0, Exit.STDIN, Exit.CONFIG), result
        assert [fd for fd, _ in result.all("fd")] in ([], ["0", "1", "2"]), result
    else:
        refused(result, Exit.STDIN, Exit.CONFIG)
    assert with_sockets(payload("exit", "5", rootfs=root, listen_fds=given), given).code == 5


def with_sockets(spec, count):
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    try:
        with sandbox.start_with_sockets(spec, listeners) as s:
            return s.wait()
    finally:
        for listener in listeners:
            listener.close()


# ---- 29: a kernel that lacks what is needed ----


PROBE = ["status", ",", "fds", ",", "write", "/bin/x", "x", ",", "mounts"]


@pytest.mark.parametrize("mode", ["agent", "strict-agent"])
@pytest.mark.parametrize("calls", [("openat2",), ("mount_setattr",), ("close_range",), ("open_tree",), ("move_mount",),
                                   ("fsopen",), ("clone3",), ("openat2", "close_range", "mount_setattr")])
def test_29_missing_system_call_is_as_safe_or_refused(root, calls, mode):
    fd = os.open("/etc", os.O_RDONLY)
    try:
        result = run(payload(*PROBE, rootfs=root, mode=mode), wrapper=without(*calls), pass_fds=[fd])
        whole = run(payload(*PROBE, rootfs=root, mode=mode), pass_fds=[fd])
    finally:
        os.close(fd)
    assert whole.code == 0 and whole.all("status"), whole
    if result.code != 0 or not result.stdout:
        refused(result, Exit.NAMESPACE, Exit.STDIN, Exit.CONFIG, Exit.LANDLOCK, Exit.SECCOMP)
        return
    seen, wanted = dict(result.all("status")), dict(whole.all("status"))
    for key in (*SETS, "NoNewPrivs", "Seccomp", "Groups"):
        assert seen[key] == wanted[key], result
    assert [f for f, _ in result.all("fd")] == ["0", "1", "2"], result
    assert result.one("write", "/bin/x") == whole.one("write", "/bin/x") != "OK", result
    strip = [m.split(" ", 3)[3] for m in whole.all("mount")]
    assert [m.split(" ", 3)[3].split(" - ")[0] for m in result.all("mount")] == \
        [m.split(" - ")[0] for m in strip], result


@pytest.mark.parametrize("calls,code", [(("landlock_create_ruleset",), Exit.LANDLOCK),
                                        (("landlock_restrict_self",), Exit.LANDLOCK), (("seccomp",), Exit.SECCOMP)])
def test_29_missing_policy_refused_but_in_agent_mode(root, calls, code):
    refused(run(payload("exit", "0", rootfs=root), wrapper=without(*calls)), code)
    rootfs.attest(root)
    refused(run(payload("exit", "0", rootfs=root, mode="production", attest="unpinned"), wrapper=without(*calls)), code)

    agent = run(payload("status", rootfs=root, mode="agent"), wrapper=without(*calls))
    assert agent.code == 0, agent
    assert dict(agent.all("status"))["NoNewPrivs"] == "1"
    assert agent.stderr.strip(), "what was left out must be said"
    assert run(payload("status", rootfs=root, mode="agent")).stderr == ""


# ---- 54: what a value could say to the service manager ----

FORGED = "\nREADY=1\nMAINPID=1\nX="


@pytest.mark.parametrize("change", [dict(arguments=["/no" + FORGED]), dict(error="bad" + FORGED), dict(user="x" + FORGED),
                                    dict(workdir="/x" + FORGED), dict(supplementary=["x" + FORGED])])
def test_54_newline_in_a_value_forges_no_notification(root, change):
    result = run(payload("ids", rootfs=root).but(**change))
    assert result.code not in (0, 1) and not result.ready, result
    assert not any(line.startswith("MAINPID") for line in result.notified), result
    assert len(result.stderr.splitlines()) == 1 and "MAINPID=1" in result.stderr, result


# ---- 55: rights that nobody meant the service to have ----


def test_55_setuid_helper_refuses():
    with rootfs.public_directory() as path:
        root = rootfs.make(path / "root")
        spec = payload("ids", rootfs=root, id_base=0)
        helper = sandbox.published(path, build.nucleus_exec())
        control = run(spec, program=helper, uid=sandbox.UNPRIVILEGED)
        assert control.code == 0, control
        os.chmod(helper, 0o4755)
        result = run(spec, program=helper, uid=sandbox.UNPRIVILEGED)
        assert result.code == Exit.CONFIG and "setuid" in result.stderr and result.messages == [], result


def test_55_ids_of_root_refused_but_in_agent(root):
    spec = payload("ids", rootfs=root, id_base=0)
    refused(run(spec), Exit.NAMESPACE)
    assert run(spec.but(mode="agent")).code == 0


def test_55_id_that_setresuid_ignores_refused(root):
    rootfs.write(f"{root}/etc/passwd", "web:x:4294967295:0::/:/bin/sh\nroot:x:0:4294967295::/:/bin/sh\n")
    rootfs.write(f"{root}/etc/group", "all:x:4294967295:\n")
    for user in ("web", "root", "4294967295"):
        refused(run(unprotected(payload("ids", rootfs=root, user=user))), Exit.USER)
    for group in ("all", "4294967295"):
        refused(run(unprotected(payload("ids", rootfs=root, user="0", group=group))), Exit.GROUP)
    rootfs.write(f"{root}/etc/passwd", "web:x:4294967294:0::/:/bin/sh\n")
    assert run(unprotected(payload("ids", rootfs=root, user="web"))).one("uid") == ("4294967294",) * 3


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("error", ["EINVAL", "EPERM"])
def test_55_failing_prctl_leaves_no_capability(root, error):
    for n in range(1, 14):
        wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject=prctl:error={error}:when={n}")
        result = run(payload("status", rootfs=root), wrapper=wrapper)
        seen = dict(result.all("status"))
        if result.code == 0:
            assert [int(seen[k], 16) for k in SETS] == [0] * len(SETS) and seen["NoNewPrivs"] == "1", (n, result)
        else:
            assert result.stdout == b"" and not result.ready, (n, result)
