# SPDX-License-Identifier: Apache-2.0
"""Attacks on the life of a sandbox: ends at bad moments, orphans, a killed helper. See test_setup.py."""

import os
import random
import signal
import subprocess
import time

import pytest
from lib import build, kernel, rootfs
from lib.hold import held
from lib.sandbox import outside, run, start
from lib.spec import payload

STARTS = 500
SIGNALS = [s for s in signal.valid_signals() if s not in (signal.SIGKILL, signal.SIGSTOP)]


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


@pytest.fixture(autouse=True)
def nothing_left_behind():
    """Orphans come to us, and no mount stays."""
    before = kernel.mount_table()
    with kernel.subreaper():
        yield
        assert kernel.eventually(lambda: not kernel.children_left()), kernel.descendants(os.getpid())
    assert kernel.mount_table() == before


def hostile_signals():
    """SIGCHLD ignored (children vanish unwaited), everything else blocked."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)


def test_46_signals_inherited_from_the_caller_are_reset(root):
    seen = dict(run(payload("status", rootfs=root), preexec=hostile_signals).all("status"))
    for key in ("SigBlk", "SigIgn", "SigCgt"):
        assert int(seen[key], 16) == 0, (key, seen[key])
    control = dict(outside("status", preexec=hostile_signals).all("status"))
    assert int(control["SigBlk"], 16) != 0 and int(control["SigIgn"], 16) != 0

    assert run(payload("exit", "7", rootfs=root), preexec=hostile_signals).code == 7
    with start(payload("linger", rootfs=root), preexec=hostile_signals) as s:
        s.until_ready()
        s.signal(signal.SIGTERM)
        assert s.wait().code == -signal.SIGTERM, s.result


@pytest.mark.parametrize("entered", ["as usual", "with hostile signals"])
def test_46_terminated_at_any_moment_leaves_nothing(root, entered):
    dice = random.Random(46)
    spec = payload("linger", rootfs=root)
    preexec = hostile_signals if entered != "as usual" else None
    before, after = 0, 0
    for _ in range(STARTS // 2):
        with start(spec, preexec=preexec) as s:
            time.sleep(dice.uniform(0, 0.05))
            s.signal(signal.SIGTERM)
            result = s.wait()
            # 128 + SIGTERM where it came before the workload's exec and was therefore not the workload's death
            assert result.code == -signal.SIGTERM, result
        before += not result.ready
        after += result.ready
        assert not kernel.children_left()
    assert before > 0 and after > 0, (before, after)  # both sides of the exec were hit


def at_each_step(spec, act):
    """Starts anew for each setup call there is, acts when the helper has come to it, and lets it run on."""
    step = 0
    while True:
        step += 1
        with held(spec) as h:
            call = h.at(step)
            if call is None:
                h.let_all_go()
                assert h.running.result is None and h.running.process.poll() is None, h.running.wait()
                h.running.signal(signal.SIGTERM)
                h.running.wait()
                return step
            act(h.running)
            h.let_all_go()
            yield step, h.running.wait()
        assert kernel.eventually(lambda: not kernel.children_left()), (step, kernel.descendants(os.getpid()))


def test_46_terminated_at_each_step_of_its_setup(root):
    results = list(at_each_step(payload("linger", rootfs=root), lambda s: s.signal(signal.SIGTERM)))
    assert len(results) > 20, results
    for step, result in results:
        assert result.code == -signal.SIGTERM, (step, result)


def test_46_control_an_orphan_is_seen():
    subprocess.run([build.payload(), "daemon", "1"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                   check=True)
    assert kernel.children_left()
    for pid in kernel.descendants(os.getpid()):
        kernel.kill(pid)


def test_47_orphans_are_reaped(root):
    result = run(payload("orphans", "20000", "20", ",", "exit", "37", rootfs=root, mode="agent"))
    assert result.one("zombies") == "0", result
    assert result.code == 37

    # PID 1 that does not reap: the payload itself.
    control = outside("orphans", "50", "1", wrapper=("unshare", "--pid", "--fork", "--mount-proc", "--kill-child"))
    assert control.one("zombies") == "50", control


@pytest.mark.parametrize("code", [0, 1, 42, 77, 128, 255])
def test_47_daemons_die_with_the_workload(root, code):
    with start(payload("daemon", "20", ",", "exit", str(code), rootfs=root)) as s:
        result = s.wait()  # would not come while one of them holds standard output open
    assert result.one("daemons") == "20"
    assert result.code == code, result

    with pytest.raises(subprocess.TimeoutExpired):
        subprocess.run([build.payload(), "daemon", "1"], stdin=subprocess.DEVNULL, capture_output=True, timeout=1)
    for pid in kernel.descendants(os.getpid()):
        kernel.kill(pid)


def test_47_death_by_signal_is_exact_with_orphans(root):
    for sig in (signal.SIGKILL, signal.SIGSEGV, signal.SIGTERM, signal.SIGUSR1, signal.SIGABRT):
        result = run(payload("daemon", "3", ",", "kill-self", str(int(sig)), rootfs=root))
        assert result.code == -sig, result


def test_48_killed_helper_takes_all_with_it(root, tmp_path):
    source = tmp_path / "volume"
    source.mkdir()
    spec = payload("daemon", "5", ",", "linger", rootfs=root, volumes=[(source, "/data", "rw")])
    with start(spec) as s:
        s.read_until("ready")
        below = kernel.descendants(s.pid)
        init = below[0]
        spaces = {kind: kernel.namespace(init, kind) for kind in ("net", "mnt", "pid", "user", "uts", "ipc")}
        assert len(below) == 7, below  # init, the workload, five daemons
        assert all(init in kernel.holders(kind, it) for kind, it in spaces.items())

        s.signal(signal.SIGKILL)
        assert s.wait().code == -signal.SIGKILL
        assert kernel.eventually(lambda: not any(kernel.alive(pid) for pid in below))
    assert kernel.eventually(lambda: not kernel.children_left())  # a zombie would still show its namespaces
    for kind, it in spaces.items():
        assert kernel.eventually(lambda k=kind, i=it: not kernel.holders(k, i)), (kind, kernel.holders(kind, it))
    # Nothing holds the volume: it could be unmounted, and its directory goes.
    source.rmdir()

    with start(payload("exit", "0"), program=build.payload(), arguments=("daemon", "1")) as control:
        control.read_until("daemons\t1")
        control.signal(signal.SIGKILL)
        assert kernel.eventually(lambda: kernel.descendants(os.getpid()))
        assert kernel.children_left() or kernel.descendants(os.getpid())
        for pid in kernel.descendants(os.getpid()):
            kernel.kill(pid)


def test_48_killed_helper_at_any_moment_of_its_setup(root):
    dice = random.Random(48)
    spec = payload("linger", rootfs=root)
    ready = 0
    for _ in range(300):
        with start(spec) as s:
            time.sleep(dice.uniform(0, 0.015))
            s.signal(signal.SIGKILL)
            ready += s.wait().ready
            assert s.result.code == -signal.SIGKILL
        assert kernel.eventually(lambda: not kernel.children_left()), kernel.descendants(os.getpid())
    assert 0 < ready < 300, ready


def test_48_killed_helper_at_each_step_of_its_setup(root):
    results = list(at_each_step(payload("linger", rootfs=root), lambda s: s.signal(signal.SIGKILL)))
    assert len(results) > 20, results
    for step, result in results:
        assert result.code == -signal.SIGKILL, (step, result)


def test_48_killed_init_ends_the_helper(root):
    with start(payload("linger", rootfs=root)) as s:
        s.until_ready()
        init, workload = s.workload()
        os.kill(init, signal.SIGKILL)
        result = s.wait()
        assert result.code != 0, result
        assert kernel.eventually(lambda: not kernel.alive(workload))


def test_48_killed_workload_is_reported_as_such(root):
    with start(payload("linger", rootfs=root)) as s:
        s.until_ready()
        _, workload = s.workload()
        os.kill(workload, signal.SIGKILL)
        assert s.wait().code == -signal.SIGKILL, s.result
