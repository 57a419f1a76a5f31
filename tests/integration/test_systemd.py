# SPDX-License-Identifier: Apache-2.0
"""From a TOML file in /etc/nucleus to a running service, on a real systemd: starts, dependencies, refusals, ends,
and what the operator sees of them. What the sandbox promises inside is tested in test_exec.py."""

import os
import subprocess

import pytest

from lib.service import (TREE, after, ended, eventually, fails_to_start, install, install_tree, processes, rows,
                         start, state, toml)

DATA = '[[volumes]]\nsource = "/srv/data"\ntarget = "/data"\n'


@pytest.fixture
def systemd(machine, tmp_path):
    """The machine with the payload's tree, and a directory for volumes."""
    install_tree(machine, tmp_path)
    machine.ok("mkdir /srv/data")
    return machine


# ---- starting ----


def test_start_of_a_file_dropped_into_etc(systemd):
    systemd.write("/etc/nucleus/web.toml", toml("linger", description="Front end"))
    fails_to_start(systemd, "web")  # nobody has read it yet
    systemd.ok("systemctl daemon-reload")
    start(systemd, "web")

    assert state(systemd, "web") == "active/running"
    shown = systemd.show("nucleus-web", "Description", "SourcePath", "Slice", "UnitFileState", "MemoryMax")
    assert shown == {"Description": "Front end", "SourcePath": "/etc/nucleus/web.toml", "Slice": "nucleus.slice",
                     "UnitFileState": "generated", "MemoryMax": str(64 << 20)}
    status = systemd.run("systemctl status nucleus-web").stdout
    assert "active (running)" in status and "man:nucleus.toml(5)" in status, status

    systemd.ok("systemctl stop nucleus-web")
    assert state(systemd, "web") == "inactive/dead" and ended(systemd, "web")[0] == "success"


def test_start_returns_when_the_workload_runs(systemd):
    """READY=1 is exec, not fork: the very first look finds the payload."""
    install(systemd, web=toml("linger"))
    for _ in range(5):
        assert "/bin/payload linger" in systemd.ok(
            "systemctl start nucleus-web && cat /sys/fs/cgroup/nucleus.slice/nucleus-web.service/cgroup.procs | "
            "while read p; do tr '\\0' ' ' </proc/$p/cmdline; echo; done; systemctl stop nucleus-web")


def test_start_fails_where_exec_fails(systemd):
    install(systemd, web=toml(command=["/bin/absent"], restart="no"))
    fails_to_start(systemd, "web")
    assert ended(systemd, "web") == ("exit-code", 203)
    status = systemd.run("systemctl status nucleus-web").stdout
    assert "status=203/EXEC" in status and "/bin/absent" in status, status


def test_start_of_what_is_masked_or_removed(systemd):
    install(systemd, web=toml("linger"), other=toml("linger"))
    systemd.ok("mkdir -p /run/nucleus && ln -s /dev/null /run/nucleus/web.toml && systemctl daemon-reload")
    fails_to_start(systemd, "web")
    start(systemd, "other")
    systemd.ok("rm /run/nucleus/web.toml && systemctl daemon-reload")
    start(systemd, "web")


def test_start_at_boot_by_wanted_by(systemd):
    listening = '[[sockets]]\nlisten = "127.0.0.1:8081"\n'
    install(systemd, wanted=toml("linger", wanted_by=["multi-user.target"]), unwanted=toml("linger"),
            tcp=toml("serve-fd", "1", wanted_by=["multi-user.target"], rest=listening))
    systemd.reboot()
    assert state(systemd, "wanted") == "active/running"
    assert state(systemd, "unwanted") == "inactive/dead"
    assert state(systemd, "tcp") == "active/running"
    assert state(systemd, "nucleus-tcp.socket") == "active/running"
    assert "nucleus-wanted.service" in systemd.ok("systemctl list-dependencies --plain multi-user.target")


# ---- dependencies ----


def times(machine, name):
    shown = machine.show(f"nucleus-{name}", "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    return int(shown["InactiveExitTimestampMonotonic"]), int(shown["ActiveEnterTimestampMonotonic"])


def test_dependencies_start_first(systemd):
    install(systemd, c=toml("linger", depends_on=after("b")), b=toml("linger", depends_on=after("a")),
            a=toml("linger"), apart=toml("linger"))
    start(systemd, "c")
    for before, then in (("a", "b"), ("b", "c")):
        assert 0 < times(systemd, before)[1] <= times(systemd, then)[0]
    assert state(systemd, "apart") == "inactive/dead"

    systemd.ok("systemctl stop nucleus-a")
    assert [state(systemd, name) for name in "abc"] == ["inactive/dead"] * 3


def test_dependencies_that_fail_keep_their_dependents_from_starting(systemd):
    install(systemd, web=toml("write", "/data/ran", "x", depends_on=after("db"), rest=DATA),
            db=toml(command=["/bin/absent"], restart="no"))
    assert "dependency" in fails_to_start(systemd, "web").stderr.lower()
    assert ended(systemd, "db") == ("exit-code", 203)
    assert state(systemd, "web") == "inactive/dead" and systemd.run("ls /srv/data/ran").code != 0


def test_dependencies_completed_end_before_their_dependents_start(systemd):
    install(systemd, web=toml("read", "/data/made", ",", "linger", depends_on=after("init", condition="completed"),
                              rest=DATA),
            init=toml("sleep", "1", ",", "write", "/data/made", "x", restart="no", rest=DATA))
    start(systemd, "web")
    assert state(systemd, "init") == "active/exited" and state(systemd, "web") == "active/running"
    assert ("read", "/data/made", "OK") in rows(systemd, "web")
    assert systemd.show("nucleus-init", "Type")["Type"] == "oneshot"


def test_dependencies_completed_with_a_failure_stop_the_rest(systemd):
    install(systemd, web=toml("linger", depends_on=after("init", condition="completed")),
            init=toml("exit", "3", restart="no"))
    fails_to_start(systemd, "web")
    assert ended(systemd, "init") == ("exit-code", 3)
    assert state(systemd, "web") == "inactive/dead"


def test_dependencies_of_a_stack_start_by_its_target(systemd):
    def part(name, text):
        head, _, tables = text.partition("[[")
        return f"[services.{name}]\n{head}" + (f"[[services.{name}.{tables}" if tables else "")

    install(systemd, shop=part("web", toml("linger", depends_on=after("db"))) + part("db", toml("linger")))
    start(systemd, "nucleus-shop.target")
    assert state(systemd, "shop-web") == state(systemd, "shop-db") == "active/running"
    assert times(systemd, "shop-db")[1] <= times(systemd, "shop-web")[0]
    systemd.ok("systemctl stop nucleus-shop.target")
    assert eventually(lambda: state(systemd, "shop-web") == state(systemd, "shop-db") == "inactive/dead")


# ---- refusals ----


def test_refusal_of_a_bad_file_tells_the_operator(systemd):
    install(systemd, bad='mode = "agent"\ncomand = ["/bin/x"]\n', good=toml("linger"),
            needs=toml("linger", depends_on=after("bad")))
    fails_to_start(systemd, "bad")
    assert ended(systemd, "bad") == ("exit-code", 78)
    assert systemd.show("nucleus-bad", "NRestarts")["NRestarts"] == "0"
    status = systemd.run("systemctl status nucleus-bad").stdout
    assert "status=78/CONFIG" in status and "/etc/nucleus/bad.toml:2:1" in status and "comand" in status, status
    fails_to_start(systemd, "needs")
    start(systemd, "good")


def test_refusal_ends_when_the_file_is_mended(systemd):
    install(systemd, web='mode = "agent"\ncomand = ["/bin/x"]\n')
    fails_to_start(systemd, "web")
    install(systemd, web=toml("linger"))
    start(systemd, "web")


def test_refusal_of_a_tampered_rootfs_is_not_retried(systemd):
    install(systemd, web=toml("linger"))
    start(systemd, "web")
    systemd.ok(f"systemctl stop nucleus-web && printf X >> {TREE}/etc/passwd")
    fails_to_start(systemd, "web")
    assert ended(systemd, "web") == ("exit-code", 65)
    shown = systemd.show("nucleus-web", "NRestarts", "ActiveState")
    assert shown == {"NRestarts": "0", "ActiveState": "failed"}
    status = systemd.run("systemctl status nucleus-web").stdout
    assert "status=65/DATAERR" in status and "etc/passwd" in status, status


def test_refusal_is_what_is_not_retried_and_a_crash_is(systemd):
    install(systemd, web=toml("exit", "1", restart="on-failure"))
    systemd.run("systemctl start nucleus-web")
    assert eventually(lambda: int(systemd.show("nucleus-web", "NRestarts")["NRestarts"]) >= 2)


# ---- sockets ----

SOCKETS = """
[[sockets]]
listen = "127.0.0.1:8080"
name = "http"
[[sockets]]
listen = "/run/web.sock"
name = "admin"
mode = "0660"
"""


def test_sockets_activate_the_service(systemd):
    install(systemd, web=toml("interfaces", ",", "serve-fd", "2", restart="no", rest=SOCKETS))
    units = systemd.ok("systemctl list-unit-files --no-legend 'nucleus-web*.socket' | cut -d' ' -f1").split()
    systemd.ok("systemctl start " + " ".join(units))
    assert state(systemd, "web") == "inactive/dead"

    # At once: systemd does not say which comes first, and the payload serves 3 before 4.
    greetings = systemd.ok("socat -u -T 50 TCP:127.0.0.1:8080 - & socat -u -T 50 UNIX:/run/web.sock - & wait")
    assert sorted(greetings.splitlines()) == ["hello on 3", "hello on 4"]
    shown = rows(systemd, "web")
    count, pid, names = next(row[1:] for row in shown if row[0] == "listen")
    assert (count, pid, set(names.split(":"))) == ("2", "mine", {"http", "admin"}), shown
    # Served without a network of its own.
    assert [row[1] for row in shown if row[0] == "interface"] == ["lo"], shown
    assert systemd.ok("stat -c %a /run/web.sock").strip() == "660"
    assert eventually(lambda: ended(systemd, "web") == ("success", 0))


def test_sockets_of_a_service_that_is_refused_do_not_loop(systemd):
    install(systemd, web=toml("serve-fd", "1", rest='[[sockets]]\nlisten = "127.0.0.1:8080"\n'))
    systemd.ok(f"printf X >> {TREE}/etc/passwd && systemctl start nucleus-web.socket")
    assert systemd.run("socat -u -T 20 TCP:127.0.0.1:8080 -").stdout == ""
    assert eventually(lambda: ended(systemd, "web") == ("exit-code", 65))
    assert eventually(lambda: state(systemd, "nucleus-web.socket") == "failed/failed")


# ---- a running service ----


def test_running_service_lives_through_a_reload(systemd):
    install(systemd, web=toml("linger"))
    start(systemd, "web")
    before = processes(systemd, "web")
    assert len(before) == 3, before  # supervisor, PID 1, workload

    for text in (toml("linger", description="changed"), "not toml", None):
        if text:
            systemd.write("/etc/nucleus/web.toml", text)
        else:
            systemd.ok("rm /etc/nucleus/web.toml")
        systemd.ok("systemctl daemon-reload")
        assert processes(systemd, "web") == before and state(systemd, "web") == "active/running"
    systemd.ok("systemctl stop nucleus-web")
    assert eventually(lambda: not systemd.run(f"kill -0 {' '.join(map(str, before))}").code == 0)


def printed(machine, argument):
    return any(argument in row for row in rows(machine, "web"))


def test_running_service_takes_a_change_at_its_restart(systemd):
    install(systemd, web=toml("argv", "first", ",", "linger"))
    start(systemd, "web")
    install(systemd, web=toml("argv", "second", ",", "linger"))
    assert eventually(lambda: printed(systemd, "first")) and not printed(systemd, "second")
    systemd.ok("systemctl restart nucleus-web")
    assert eventually(lambda: printed(systemd, "second"))


def test_running_service_gets_signals(systemd):
    install(systemd, web=toml("trap-signals", "0"))
    start(systemd, "web")
    assert eventually(lambda: ("ready",) in rows(systemd, "web"))
    systemd.ok("systemctl kill --kill-whom=main -s USR1 nucleus-web")
    assert eventually(lambda: ("signal", "USR1") in rows(systemd, "web"))
    systemd.ok("systemctl stop nucleus-web")
    assert ("signal", "TERM") in rows(systemd, "web") and ended(systemd, "web") == ("success", 0)


def test_running_service_with_a_drop_in(systemd):
    install(systemd, web=toml("linger"))
    systemd.write("/etc/systemd/system/nucleus-web.service.d/limit.conf", "[Service]\nMemoryMax=48M\n")
    systemd.ok("systemctl daemon-reload")
    start(systemd, "web")
    assert systemd.show("nucleus-web", "MemoryMax")["MemoryMax"] == str(48 << 20)


# ---- ends ----


@pytest.mark.parametrize("code", [1, 42, 255])
def test_end_with_a_status_is_the_workloads(systemd, code):
    install(systemd, web=toml("exit", str(code), restart="no"))
    systemd.run("systemctl start nucleus-web")
    assert eventually(lambda: ended(systemd, "web") == ("exit-code", code)), ended(systemd, "web")


def test_end_well_is_no_failure(systemd):
    install(systemd, web=toml("exit", "0", restart="no"))
    systemd.run("systemctl start nucleus-web")
    assert eventually(lambda: state(systemd, "web") == "inactive/dead") and ended(systemd, "web") == ("success", 0)


def test_end_by_a_signal_is_seen_as_one(systemd):
    install(systemd, web=toml("kill-self", "11", restart="no"))
    systemd.run("systemctl start nucleus-web")
    assert eventually(lambda: ended(systemd, "web")[1] == 11)
    assert ended(systemd, "web")[0] in ("signal", "core-dump")


def test_end_of_a_stubborn_workload_comes_with_its_timeout(systemd):
    stubborn = ["/bin/sh", "-c", "trap '' TERM; echo ready; while :; do sleep 0.1; done"]
    install(systemd, web=toml(command=stubborn, mode="strict-agent", rootfs=None, stop_timeout="1s"))
    start(systemd, "web")
    assert eventually(lambda: ("ready",) in rows(systemd, "web"))
    inside = processes(systemd, "web")
    systemd.ok("systemctl stop nucleus-web")
    assert ended(systemd, "web")[0] == "timeout"
    assert all(systemd.run(f"kill -0 {pid}").code != 0 for pid in inside)


@pytest.mark.parametrize("whom", ["main", "all"])
def test_end_by_kill_leaves_nothing(systemd, whom):
    install(systemd, web=toml("linger", restart="no"))
    start(systemd, "web")
    inside = processes(systemd, "web")
    assert len(inside) == 3
    systemd.ok(f"systemctl kill --kill-whom={whom} -s KILL nucleus-web")
    assert eventually(lambda: ended(systemd, "web") == ("signal", 9))
    assert eventually(lambda: all(systemd.run(f"kill -0 {pid}").code != 0 for pid in inside))


# ---- the journal ----


def test_journal_has_one_record_of_a_failure_with_its_fields(systemd):
    install(systemd, web=toml("linger", workdir="/nowhere", restart="no"))
    fails_to_start(systemd, "web")
    records = systemd.journal("NUCLEUS_SERVICE=web", "_SYSTEMD_UNIT=nucleus-web.service")
    assert len(records) == 1, records
    record = records[0]
    assert "/nowhere" in record["MESSAGE"] and record["PRIORITY"] == "3" and record["ERRNO"] == "2"
    assert record["NUCLEUS_STEP"] and record["SYSLOG_IDENTIFIER"]

    systemd.ok("journalctl --update-catalog")
    explained = systemd.journalctl("-x NUCLEUS_SERVICE=web")
    assert "Service web could not be set up" in explained, explained


@pytest.mark.parametrize("breakage,subject", [
    (f"printf X >> {TREE}/etc/passwd", "The root tree of service web is not what its manifest says"),
    ("echo 'x = 1' >> /etc/nucleus/web.toml && systemctl daemon-reload", "Service web has a bad configuration")])
def test_journal_names_the_kind_of_failure(systemd, breakage, subject):
    install(systemd, web=toml("linger"))
    systemd.ok(breakage)
    fails_to_start(systemd, "web")
    systemd.ok("journalctl --update-catalog")
    assert subject in systemd.journalctl("-x NUCLEUS_SERVICE=web")


def test_journal_has_the_output_of_the_workload(systemd):
    install(systemd, web=toml("argv", "to the journal", restart="no"))
    systemd.run("systemctl start nucleus-web")
    assert eventually(lambda: printed(systemd, "to the journal"))


# ---- a user's own services ----


@pytest.fixture
def user(systemd):
    """Runs a script as a user with a service manager of their own."""
    systemd.ok("useradd --create-home --shell /bin/bash someone && loginctl enable-linger someone")
    number = systemd.ok("id -u someone").strip()
    assert eventually(lambda: systemd.run(f"systemctl is-active user@{number}").code == 0)

    def as_user(script, stdin=b""):
        return systemd.run(f"exec setpriv --reuid={number} --regid={number} --clear-groups env HOME=/home/someone "
                           f"XDG_RUNTIME_DIR=/run/user/{number} bash -c {quote(script)}", stdin)

    yield as_user
    systemd.run(f"loginctl disable-linger someone; systemctl stop user@{number}; userdel -r someone")


def quote(text):
    return "'" + text.replace("'", "'\\''") + "'"


def test_user_service_runs_under_the_users_manager(systemd, user):
    text = toml(command=["/bin/sh", "-c", "id -u; sleep 1000"], mode="agent", rootfs=None, resources__memory=None)
    written = user("mkdir -p ~/.config/nucleus && cat > ~/.config/nucleus/mine.toml", text.encode())
    assert written.code == 0, written
    started = user("systemctl --user daemon-reload && systemctl --user start nucleus-mine")
    assert started.code == 0, (started, systemd.run("journalctl -n 30 --no-pager").stdout)
    assert user("systemctl --user is-active nucleus-mine").stdout == "active\n"
    assert systemd.run("systemctl cat nucleus-mine").code != 0  # not the system's

    main = user("systemctl --user show -P MainPID nucleus-mine").stdout.strip()
    assert systemd.ok(f"stat -c %U /proc/{main}").strip() == "someone"
    assert user("systemctl --user stop nucleus-mine").code == 0
    assert user("systemctl --user show -P Result nucleus-mine").stdout == "success\n"


def test_user_service_with_a_bad_file_says_so(user):
    written = user("mkdir -p ~/.config/nucleus && cat > ~/.config/nucleus/mine.toml", b"comand = 1\n")
    assert written.code == 0, written
    assert user("systemctl --user daemon-reload && systemctl --user start nucleus-mine").code != 0
    status = user("systemctl --user status nucleus-mine").stdout
    assert "78/CONFIG" in status and "mine.toml:1:1" in status, status


# ---- the machines themselves ----


def test_rig_leaves_nothing_behind_when_a_run_is_killed():
    """A test run that is killed takes its machine, its mounts and its processes with it."""
    script = ("import rig, os, signal\nm = rig.Machine().start()\nprint(m.leader, m.root, flush=True)\n"
              "os.kill(os.getpid(), signal.SIGKILL)\n")
    tests = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    done = subprocess.run(["/usr/bin/python3", "-c", script], cwd=tests, capture_output=True, text=True)
    assert done.returncode == -9 and done.stdout, done
    leader, root = done.stdout.split()
    assert eventually(lambda: not os.path.exists(f"/proc/{leader}"))
    with open("/proc/self/mounts") as f:
        assert root not in f.read()
