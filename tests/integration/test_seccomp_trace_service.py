# SPDX-License-Identifier: Apache-2.0
"""A service in the agent tier that is traced: what the trace holds, that the policy holds none the less, that nothing
hangs, and that a profile learned from it lets the same run strictly. No service manager needed."""

import base64
import json
import os
import signal
import struct
import subprocess

import pytest

from lib import build, generator, kernel, rootfs
from lib.sandbox import refused, run, start
from lib.spec import Exit, escape, payload

CANTCREAT = 73
WRITE, PAUSE, SENDMSG, EXECVE, GETPPID, SETRESUID, SECCOMP, BPF = 1, 34, 46, 59, 110, 117, 317, 321  # on x86_64

pytestmark = pytest.mark.skipif(os.uname().machine != "x86_64", reason="knows the numbers of x86_64 alone")


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


@pytest.fixture
def trace(tmp_path):
    return tmp_path / "trace.json"


def traced(*verbs, root, trace, **more):
    return payload(*verbs, rootfs=root, **{"mode": "agent", "seccomp_trace": str(trace), **more})


def numbers(trace):
    return {int(nr): count for nr, count in json.loads(trace.read_text())["numbers"].items()}


def repeat(n, *verb):
    return [word for _ in range(n) for word in [*verb, ","]]


# ---- what it holds ----


def test_trace_counts_the_calls_of_the_workload(root, trace):
    result = run(traced(*repeat(17, "syscall", str(GETPPID)), "exit", "5", root=root, trace=trace))
    assert result.code == 5 and result.ready and result.stderr == "", result
    found = numbers(trace)
    assert found[GETPPID] == 17 and found[EXECVE] >= 1 and found[WRITE] >= 17, found
    document = json.loads(trace.read_text())
    assert document["nucleus-trace"] == 1 and document["architecture"] == "x86_64", document
    assert document["command"][:3] == ["/bin/payload", "syscall", "110"], document
    assert oct(trace.stat().st_mode & 0o7777) == "0o600"


def test_trace_does_not_hold_what_the_helper_does_itself(root, trace):
    run(traced("exit", "0", root=root, trace=trace))
    assert not {SENDMSG, SETRESUID, SECCOMP} & numbers(trace).keys(), numbers(trace)
    # The control: of the workload they are counted.
    run(traced("syscall", "sendmsg", "99", "0", "0", ",", "syscall", "setresuid", "0", "0", "0", root=root, trace=trace))
    assert {SENDMSG, SETRESUID} <= numbers(trace).keys(), numbers(trace)


def test_trace_holds_descendants(root, trace):
    run(traced("fork-bomb", "3", ",", "sleep", "1", root=root, trace=trace))
    assert numbers(trace)[PAUSE] == 3, numbers(trace)  # which the children call, and nobody else


def test_trace_leaves_denials_denied_and_out(root, trace):
    result = run(traced("syscall", "bpf", "0", "0", "0", root=root, trace=trace))
    assert result.all("syscall", "bpf") == ["EPERM"], result
    assert BPF not in numbers(trace)


def test_trace_counts_on_however_many_calls_there_are(root, trace):
    """Beyond the most different calls that are told apart, those that are known go on to be counted."""
    allow_all = base64.b64encode(struct.pack("=HBBI", 0x06, 0, 0, 0x7FFF0000)).decode()
    many = [word for nr in range(1000, 6000) for word in ("syscall", str(nr), ",")]
    spec = traced("syscall", str(GETPPID), ",", *many, "syscall", str(GETPPID), root=root, trace=trace, seccomp="custom",
                  seccomp_program=allow_all)
    assert run(spec).code == 0
    found = numbers(trace)
    assert found[GETPPID] == 2 and found[WRITE] >= 5002, found
    assert 4096 <= len(found) <= 4098 and found[2**32 - 1] > 800, found


def test_trace_tells_foreign_calls_apart(root, trace):
    """int 0x80 is killed by the policy, traced or not; what the policy lets through is no other ABI's."""
    assert run(traced("int80", "20", root=root, trace=trace)).code == -signal.SIGSYS
    assert "foreign" not in json.loads(trace.read_text())


def beside(trace):
    """What else is in the trace's directory of its kind."""
    return [path.name for path in trace.parent.iterdir() if trace.name in path.name and path != trace]


def test_trace_is_of_this_run_alone(root, trace):
    trace.write_text("x" * 100000)
    run(traced("exit", "0", root=root, trace=trace))
    first = numbers(trace)
    run(traced("exit", "0", root=root, trace=trace))
    assert numbers(trace) == first and GETPPID not in first and not beside(trace)


def test_trace_of_the_former_run_stays_until_there_is_another(root, trace):
    run(traced("syscall", str(GETPPID), root=root, trace=trace))
    former = trace.read_text()
    with start(traced("trap-signals", "23", root=root, trace=trace)) as s:
        s.until_ready()
        s.read_until("ready")
        assert trace.read_text() == former and beside(trace) == [f".{trace.name}.new"]
        s.signal(signal.SIGUSR1)
        s.read_until("signal\tUSR1")
        assert kernel.eventually(lambda: trace.read_text() != former)
        second = trace.read_text()
        s.signal(signal.SIGTERM)
        assert s.wait().code == 23, s.result
    assert GETPPID not in numbers(trace) and not beside(trace)
    assert sum(numbers(trace).values()) > sum(json.loads(second)["numbers"].values())


def test_trace_survives_the_death_of_a_later_supervisor(root, trace):
    run(traced("syscall", str(GETPPID), root=root, trace=trace))
    former = trace.read_text()
    with kernel.subreaper():
        with start(traced("linger", root=root, trace=trace)) as s:
            s.until_ready()
            s.signal(signal.SIGKILL)
            s.wait()
        assert kernel.eventually(lambda: not kernel.children_left())
    assert trace.read_text() == former and beside(trace) == [f".{trace.name}.new"]
    # What it left makes way, whatever it is.
    left = trace.with_name(f".{trace.name}.new")
    left.unlink()
    target = trace.with_name("target")
    target.write_text("precious")
    left.symlink_to(target)
    assert run(traced("exit", "0", root=root, trace=trace)).code == 0
    assert GETPPID not in numbers(trace) and not beside(trace) and target.read_text() == "precious"


def test_trace_of_the_former_run_stays_where_there_is_no_other(root, trace):
    run(traced("syscall", str(GETPPID), root=root, trace=trace))
    former = trace.read_text()
    for wrong in ({"arguments": ["/bin/absent"]}, {"workdir": "/absent"}, {"user": "nobody-knows"}):
        assert run(traced("exit", "0", root=root, trace=trace).but(**wrong)).code != 0
        assert trace.read_text() == former and not beside(trace)


def test_trace_that_cannot_be_written_is_said_and_the_former_stays(root, tmp_path):
    """A file system of one page has room for one trace."""
    place = tmp_path / "place"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=4k", "nucleus-test", place], check=True)
    try:
        trace = place / "trace.json"
        run(traced("syscall", str(GETPPID), root=root, trace=trace))
        former = trace.read_text()
        result = run(traced("exit", "3", root=root, trace=trace))
        assert result.code == 3 and f"cannot write the trace {trace}: No space left on device" in result.stderr, result
        assert trace.read_text() == former and numbers(trace)[GETPPID] == 1 and not beside(trace)
    finally:
        subprocess.run(["umount", place], check=True)


# ---- that nothing hangs ----


def test_trace_is_written_on_a_stop(root, trace):
    with start(traced("linger", root=root, trace=trace)) as s:
        s.until_ready()
        s.read_until("ready")
        s.signal(signal.SIGTERM)
        assert s.wait().code == -signal.SIGTERM, s.result
    assert numbers(trace)[EXECVE] >= 1


def test_trace_survives_a_stop_that_the_workload_ignores(root, trace):
    """systemd kills what does not stop in time, the supervisor too; what was learned until the stop is there."""
    trace.touch()
    with start(traced("trap-signals", "23", root=root, trace=trace)) as s:
        s.until_ready()
        s.read_until("ready")
        s.signal(signal.SIGHUP)
        s.read_until("signal\tHUP")
        assert kernel.eventually(lambda: trace.stat().st_size > 0)
        s.signal(signal.SIGKILL)
        s.wait()
    assert numbers(trace)[EXECVE] >= 1


def test_trace_ends_with_its_supervisor(root, trace):
    with kernel.subreaper():
        with start(traced(*repeat(20000, "syscall", str(GETPPID)), root=root, trace=trace)) as s:
            s.until_ready()
            below = kernel.descendants(s.pid)
            s.signal(signal.SIGKILL)
            s.wait()
            assert kernel.eventually(lambda: not any(os.path.exists(f"/proc/{pid}/exe") for pid in below)), below
        assert kernel.eventually(lambda: not kernel.children_left())


def test_trace_takes_signals_as_they_come(root, trace):
    with start(traced("trap-signals", "23", root=root, trace=trace)) as s:
        s.until_ready()
        s.read_until("ready")
        for _ in range(20):
            s.signal(signal.SIGUSR1)
            s.read_until("signal\tUSR1")
        s.signal(signal.SIGTERM)
        assert s.wait().code == 23, s.result


def test_trace_of_a_failed_exec_is_a_refusal(root, trace):
    spec = traced("exit", "0", root=root, trace=trace)
    refused(run(spec.but(arguments=["/bin/absent"])), Exit.EXEC)
    refused(run(spec.but(workdir="/absent")), Exit.CHDIR)
    assert run(spec).code == 0


def test_trace_of_an_unprivileged_caller():
    with rootfs.public_directory() as public:
        root = rootfs.make(public / "root")
        place = public / "place"
        place.mkdir(mode=0o755)
        spec = traced("syscall", str(GETPPID), root=root, trace=place / "t", id_base=0)
        result = refused(run(spec, uid=65534), CANTCREAT)
        assert f"cannot make a file beside the trace {place}/t: Permission denied" in result.stderr, result
        os.chown(place, 65534, 65534)
        result = run(spec, uid=65534)
        assert result.code == 0 and numbers(place / "t")[GETPPID] == 1, result


# ---- where it may not be ----


def test_trace_is_refused_in_other_tiers(root, trace):
    good = payload("exit", "0", rootfs=root, attest=rootfs.attest(root))
    for mode in ("strict-agent", "production"):
        assert run(good.but(mode=mode)).code == 0
        result = refused(run(good.but(mode=mode, seccomp_trace=str(trace))), Exit.CONFIG)
        assert "trace" in result.stderr and not trace.exists(), result


@pytest.mark.parametrize("make", ["link", "fifo", "directory", "other's", "absent", "beside"])
def test_trace_goes_to_a_regular_file_of_the_caller_alone(root, trace, tmp_path, make):
    target = tmp_path / "target"
    target.write_text("precious")
    if make == "link":
        trace.symlink_to(target)
    elif make == "fifo":
        os.mkfifo(trace)
    elif make == "directory":
        trace.mkdir()
    elif make == "other's":
        trace.write_text("theirs")
        os.chown(trace, 65534, 65534)
    elif make == "beside":
        trace.with_name(f".{trace.name}.new").mkdir()
    else:
        trace = tmp_path / "absent/trace"
    result = refused(run(traced("exit", "0", root=root, trace=trace)), CANTCREAT)
    assert str(trace) in result.stderr and target.read_text() == "precious", result
    if make == "other's":
        assert trace.read_text() == "theirs"
    assert ("cannot make a file beside the trace" in result.stderr) == (make == "beside"), result
    assert ("cannot open the directory of the trace" in result.stderr) == (make == "absent"), result
    if make == "directory":
        trace.rmdir()
    if make == "beside":
        trace.with_name(f".{trace.name}.new").rmdir()
    trace.unlink(missing_ok=True)
    trace.parent.mkdir(exist_ok=True)
    assert run(traced("exit", "0", root=root, trace=trace)).code == 0


# ---- what it is for ----


def spec_of(unit):
    return ("\n".join(" ".join([row[0], *map(escape, row[1:])]) for row in unit.spec) + "\n").encode("ascii")


def test_trace_becomes_a_profile_under_which_the_same_runs_strictly(root, trace, tmp_path):
    verbs = ["syscall", str(GETPPID), ",", "fork-bomb", "2", ",", "mkdir", "/absent/x"]
    assert run(traced(*verbs, root=root, trace=trace)).code == 0
    profile = tmp_path / "learned.json"
    subprocess.run([build.program("tools/nucleus"), "seccomp", "generate", trace, "-o", profile], check=True,
                   capture_output=True)

    def strictly(*verbs):
        toml = (f'mode = "strict-agent"\ncommand = {json.dumps(["/bin/payload", *verbs])}\nrootfs = "{root}"\n'
                f'[policy]\nseccomp = "{profile}"\n')
        made = generator.run([generator.write(tmp_path / "etc", {"app.toml": toml})], tmp_path / "out")
        unit = made.service("app")
        assert unit.error is None, unit.error
        return run(spec_of(unit))

    result = strictly(*verbs)
    assert result.code == 0 and result.all("syscall", str(GETPPID)) == ["OK"], result
    # The control: what was not traced is not allowed, and what is needed is no accident.
    assert strictly("syscall", "socket", "1", "1", "0").all("syscall", "socket") == ["EPERM"]
    learned = json.loads(profile.read_text())
    for entry in learned["syscalls"]:
        entry["names"] = [name for name in entry["names"] if name != "getppid"]
    profile.write_text(json.dumps(learned))
    assert strictly(*verbs).all("syscall", str(GETPPID)) == ["EPERM"]
