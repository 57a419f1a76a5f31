# SPDX-License-Identifier: Apache-2.0
"""What takes a whole kernel, the QEMU machine's: the limits of [resources], which its cgroup controllers enforce, and
the kernel log. Each limit that bites is paired with one, wide enough, that does not."""

import pytest

from lib.service import ended, eventually, install, install_tree, rows, start, state, toml

BUSY = ["/bin/sh", "-c", "while :; do :; done"]


@pytest.fixture
def systemd(vm, tmp_path):
    install_tree(vm, tmp_path)
    return vm


def knob(machine, name, file):
    """A file of the service's cgroup."""
    return machine.ok(f"cat /sys/fs/cgroup/nucleus.slice/nucleus-{name}.service/{file}").strip()


def counter(machine, name, file, key):
    return int(dict(line.split() for line in knob(machine, name, file).splitlines()).get(key, 0))


def has_no_cpu_quota(machine, name):
    """systemd may leave the whole controller out of a cgroup that needs none of it."""
    group = f"/sys/fs/cgroup/nucleus.slice/nucleus-{name}.service"
    return machine.ok(f"test -d {group}; cat {group}/cpu.max || true").strip() in ("", "max 100000")


def printed(machine, name, verb):
    return eventually(lambda: next((row for row in rows(machine, name) if row[0] == verb), None))


# ---- memory ----


def test_memory_over_the_limit_is_killed_alone(systemd):
    install(systemd, greedy=toml("allocate", "128", ",", "linger", resources__memory="32M", restart="no"),
            modest=toml("allocate", "8", ",", "linger", resources__memory="32M"))
    start(systemd, "modest")
    systemd.run("systemctl start nucleus-greedy")
    assert eventually(lambda: ended(systemd, "greedy")[0] == "oom-kill"), ended(systemd, "greedy")
    assert eventually(lambda: state(systemd, "greedy") == "failed/failed")
    assert not any(row[0] == "allocate" for row in rows(systemd, "greedy"))
    assert "oom-kill" in systemd.run("systemctl status nucleus-greedy").stdout

    assert printed(systemd, "modest", "allocate") == ("allocate", "OK")
    assert state(systemd, "modest") == "active/running"


def test_memory_within_a_wider_limit_is_given(systemd):
    install(systemd, greedy=toml("allocate", "128", ",", "linger", resources__memory="256M"))
    start(systemd, "greedy")
    assert printed(systemd, "greedy", "allocate") == ("allocate", "OK")
    assert knob(systemd, "greedy", "memory.max") == str(256 << 20)
    assert knob(systemd, "greedy", "memory.swap.max") == "0"


def test_memory_limit_of_a_drop_in_is_what_counts(systemd):
    install(systemd, greedy=toml("allocate", "128", ",", "linger", resources__memory="256M", restart="no"))
    systemd.write("/etc/systemd/system/nucleus-greedy.service.d/limit.conf", "[Service]\nMemoryMax=32M\n")
    systemd.ok("systemctl daemon-reload")
    systemd.run("systemctl start nucleus-greedy")
    assert eventually(lambda: ended(systemd, "greedy")[0] == "oom-kill"), ended(systemd, "greedy")


def test_memory_of_a_tmpfs_counts(systemd):
    """A tmpfs is bounded by its own size and by the memory limit, whichever is less."""
    tmpfs = '[[tmpfs]]\ntarget = "/tmp"\nsize = "128M"\n'
    install(systemd, greedy=toml("fill", "/tmp", "100", ",", "linger", resources__memory="32M", restart="no", rest=tmpfs),
            modest=toml("fill", "/tmp", "100", ",", "linger", resources__memory="200M", restart="no", rest=tmpfs))
    systemd.run("systemctl start nucleus-greedy")
    assert eventually(lambda: ended(systemd, "greedy")[0] == "oom-kill"), ended(systemd, "greedy")
    start(systemd, "modest")
    assert printed(systemd, "modest", "fill") == ("fill", "/tmp", "100", "OK")


# ---- tasks ----


def test_tasks_are_bounded(systemd):
    install(systemd, bomb=toml("fork-bomb", "200", ",", "linger", resources__pids=16),
            crowd=toml("fork-bomb", "200", ",", "linger", resources__pids=256))
    start(systemd, "bomb")
    _, count, error = printed(systemd, "bomb", "fork-bomb")
    # The supervisor, PID 1 and the workload itself are three of the sixteen.
    assert (int(count), error) == (13, "EAGAIN")
    assert knob(systemd, "bomb", "pids.max") == "16"
    assert counter(systemd, "bomb", "pids.events", "max") >= 1

    start(systemd, "crowd")
    assert printed(systemd, "crowd", "fork-bomb") == ("fork-bomb", "200", "OK")


def test_tasks_at_their_bound_can_be_stopped(systemd):
    install(systemd, bomb=toml("fork-bomb", "200", ",", "linger", resources__pids=16, stop_timeout="20s"))
    start(systemd, "bomb")
    assert printed(systemd, "bomb", "fork-bomb")
    systemd.ok("systemctl stop nucleus-bomb")
    assert state(systemd, "bomb") == "inactive/dead" and ended(systemd, "bomb")[0] == "success"


# ---- time and I/O ----


def test_cpu_quota_throttles(systemd):
    busy = dict(command=BUSY, mode="strict-agent", rootfs=None)
    install(systemd, slow=toml(**busy, resources__cpus=0.25))
    start(systemd, "slow")
    assert knob(systemd, "slow", "cpu.max") == "25000 100000"
    assert eventually(lambda: counter(systemd, "slow", "cpu.stat", "nr_throttled") > 0)
    systemd.ok("systemctl stop nucleus-slow")

    install(systemd, fast=toml(**busy))
    start(systemd, "fast")
    assert has_no_cpu_quota(systemd, "fast")
    assert eventually(lambda: counter(systemd, "fast", "cpu.stat", "usage_usec") > 500_000)
    assert counter(systemd, "fast", "cpu.stat", "nr_throttled") == 0


def test_io_weight_is_set(systemd):
    install(systemd, light=toml("linger", resources__io_weight=20), plain=toml("linger"))
    start(systemd, "light")
    start(systemd, "plain")
    assert systemd.show("nucleus-light", "IOWeight")["IOWeight"] == "20"
    assert "20" in knob(systemd, "light", "io.weight").split()
    assert "20" not in knob(systemd, "plain", "io.weight").split()


def test_limits_left_out_are_not_set(systemd):
    install(systemd, free=toml("linger", mode="strict-agent", resources__memory=None))
    start(systemd, "free")
    assert knob(systemd, "free", "memory.max") == "max" and has_no_cpu_quota(systemd, "free")


# ---- the kernel log ----


def test_kernel_log_has_the_errors_of_the_generator(vm):
    """The service manager drops a generator's standard error."""
    install(vm, bad='mode = "agent"\ncomand = ["/bin/x"]\n')
    assert eventually(lambda: "/etc/nucleus/bad.toml:2:1" in vm.ok("journalctl -k --no-pager"))
