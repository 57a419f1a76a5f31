# SPDX-License-Identifier: Apache-2.0
"""`nucleus seccomp`: tracing real programs as anybody, what is learned from it under nucleus-exec and container
engines, and the comparison of profiles."""

import errno
import json
import os
import re
import shutil
import signal
import subprocess

import pytest
from lib import build, generator, kernel, rootfs, sandbox

USAGE, CANNOT_TRACE, CANNOT_RUN, NOT_FOUND = 2, 125, 126, 127
LIMIT = 60
PYTHON = "/usr/bin/python3"
X86 = os.uname().machine == "x86_64"

THREADS = """
import os, threading
def work():
    for _ in range(100): os.getpriority(os.PRIO_PROCESS, 0)
threads = [threading.Thread(target=work) for _ in range(20)]
for t in threads: t.start()
for t in threads: t.join()
print("done")
"""
# Handlers run between the calls that are counted, and must not make one of them two. (Without SA_RESTART a call may
# end in EINTR before it is counted: nucleus-seccomp(1) says so.)
SIGNALS = """
import os, signal
signal.signal(signal.SIGALRM, lambda *_: None)
signal.siginterrupt(signal.SIGALRM, False)
signal.setitimer(signal.ITIMER_REAL, 0.0005, 0.0005)
for _ in range(3000): os.getpriority(os.PRIO_PROCESS, 0)
signal.setitimer(signal.ITIMER_REAL, 0)
signal.signal(signal.SIGALRM, signal.SIG_IGN)
print("done")
"""


@pytest.fixture(params=["root", "unprivileged"])
def who(request):
    return request.param


@pytest.fixture
def place():
    """A directory that everybody may write in."""
    with rootfs.public_directory() as path:
        path.chmod(0o1777)
        yield path


def python(text):
    """A command line that runs it: no newline can stand in a configuration."""
    return [PYTHON, "-c", f"exec({text!r})"]


def nucleus(*arguments, cwd, uid=None, program=None, check=None, **options):
    done = subprocess.run([program or build.program("tools/nucleus"), *map(str, arguments)], capture_output=True,
                          text=True, timeout=LIMIT, cwd=cwd, stdin=subprocess.DEVNULL,
                          preexec_fn=(lambda: sandbox.become(uid)) if uid else None, **options)
    if check is not None:
        assert done.returncode == check, done
    return done


def trace(place, *command, who="root", options=(), name="trace", check=0):
    """Runs it traced; (what was done, the trace)."""
    program, uid = None, None
    if who == "unprivileged":
        program, uid = sandbox.published(place, build.program("tools/nucleus")), sandbox.UNPRIVILEGED
    done = nucleus("seccomp", "trace", "-o", place / name, *options, "--", *command, cwd=place, uid=uid,
                   program=program, check=check)
    return done, json.loads((place / name).read_text()) if (place / name).exists() else None


def learn(place, *names, options=()):
    """The profile of these traces, as a file."""
    profile = place / "profile.json"
    nucleus("seccomp", "generate", *(place / n for n in names), "-o", profile, "--force", *options, cwd=place, check=0)
    return profile


def confined(place, profile, *command):
    """Runs the command as an agent service with that profile, from the generator's unit."""
    policies = place / "policies"  # nobody else may write there
    policies.mkdir(mode=0o755, exist_ok=True)
    profile = shutil.copy(profile, policies)
    config = generator.write(place / "config", {
        "app.toml": f'mode = "agent"\ncommand = {json.dumps(list(command))}\n[policy]\nseccomp = "{profile}"\n'})
    unit = generator.run([config], place / "units").service("app")
    assert unit.error is None, unit.error
    assert b"\nseccomp custom\n" in unit.spec_text
    return sandbox.run(unit.spec_text)


# ---- trace ----


def test_trace_of_true_holds_its_calls(place, who):
    done, made = trace(place, "/bin/true", who=who)
    assert done.stdout == ""
    assert re.search(r"^nucleus: \d+ calls of \d+ kinds written to .*trace; next: nucleus seccomp generate .*trace "
                     "-o profile.json\n$", done.stderr), done
    assert made["nucleus-trace"] == 1 and made["architecture"] == os.uname().machine
    assert made["command"] == ["/bin/true"] and made["kernel"] == os.uname().release
    assert made["syscalls"]["execve"] == {"count": 1} and made["syscalls"]["exit_group"] == {"count": 1}
    assert list(made["syscalls"]) == sorted(made["syscalls"]) and "numbers" not in made and "foreign" not in made
    assert os.stat(place / "trace").st_uid == (sandbox.UNPRIVILEGED if who == "unprivileged" else 0)


def test_trace_counts_every_call_of_every_thread(place, who):
    done, made = trace(place, *python(THREADS), who=who)
    assert done.stdout == "done\n"
    assert made["syscalls"]["getpriority"] == {"count": 2000}


def test_trace_counts_once_what_signals_interrupt(place):
    done, made = trace(place, *python(SIGNALS))
    assert done.stdout == "done\n"
    assert made["syscalls"]["rt_sigreturn"]["count"] > 1  # the control: there were signals
    assert made["syscalls"]["getpriority"] == {"count": 3000}


def test_trace_follows_a_pipeline(place, who):
    done, made = trace(place, "sh", "-c", "printf 'b\\na\\n' | sort | tr a-z A-Z", who=who)
    assert done.stdout == "A\nB\n"
    assert made["syscalls"]["execve"]["count"] == 3  # sh, sort, tr


def test_trace_keeps_values_that_tell_the_purpose(place):
    program = "import socket; [socket.socket(f).close() for f in (socket.AF_UNIX, socket.AF_UNIX, socket.AF_INET)]"
    _, made = trace(place, PYTHON, "-c", program)
    assert made["syscalls"]["socket"] == {"count": 3, "argument": 0, "values": {"0x1": 2, "0x2": 1}}


@pytest.mark.skipif(not X86, reason="only x86 has another way in")
def test_trace_of_a_foreign_call_records_and_reports_it(place):
    done, made = trace(place, build.payload(), "int80", "20")
    assert "int80\t20\tOK" in done.stdout  # it was let through
    assert made["foreign"] == [{"architecture": "0x40000003", "number": 20, "count": 1}]
    assert "1 calls of another ABI" in done.stderr


@pytest.mark.parametrize("command, status", [
    ("exit 0", 0), ("exit 7", 7), ("exit 255", 255), ("kill -TERM $$", 128 + signal.SIGTERM),
    ("kill -SEGV $$", 128 + signal.SIGSEGV)])
def test_trace_exits_as_the_command_and_writes_the_trace(place, command, status):
    _, made = trace(place, "sh", "-c", command, check=status)
    assert made["syscalls"]["execve"]["count"] == 1


@pytest.mark.parametrize("command, status, message", [
    ("no-such-command", NOT_FOUND, 'cannot find the command "no-such-command"'),
    ("/no/such/command", NOT_FOUND, "No such file"), ("", NOT_FOUND, "cannot find"),
    ("/etc/passwd", CANNOT_RUN, "Permission denied"), ("/etc", CANNOT_RUN, "Permission denied"),
    ("./text", CANNOT_RUN, "must begin with #!"), ("./lost", NOT_FOUND, "interpreter is missing")])
def test_trace_of_what_cannot_run_says_so_and_writes_nothing(place, command, status, message):
    for name, text in (("text", "echo hi\n"), ("lost", "#!/no/such/shell\n")):
        (place / name).write_text(text)
        (place / name).chmod(0o755)
    done, made = trace(place, command, check=status)
    assert message in done.stderr and done.stderr.count("\n") == 1 and made is None
    assert sorted(os.listdir(place)) == ["lost", "text"]  # no temporary file either


def test_trace_replaces_nothing_unasked(place):
    (place / "trace").write_text("precious")
    done = nucleus("seccomp", "trace", "-o", place / "trace", "--", "touch", place / "ran", cwd=place,
                   check=CANNOT_TRACE)
    assert "--append" in done.stderr and "--force" in done.stderr
    assert (place / "trace").read_text() == "precious" and not (place / "ran").exists()
    trace(place, "true", options=["--force"])
    assert (place / "trace").read_text() != "precious"


@pytest.mark.parametrize("option", ["--force", "--append"])
def test_trace_replaces_only_files(place, option):
    os.mkfifo(place / "fifo")
    (place / "link").symlink_to("/etc/hostname")
    before = open("/etc/hostname").read()
    for name in ("/dev/null", place / "fifo", place / "link", place):
        done = nucleus("seccomp", "trace", "-o", name, option, "--", "true", cwd=place, check=CANNOT_TRACE)
        assert "no regular file" in done.stderr
    assert open("/etc/hostname").read() == before
    assert os.stat("/dev/null").st_rdev == os.makedev(1, 3)


def test_trace_append_adds_up(place):
    _, once = trace(place, "/bin/true")
    _, twice = trace(place, "/bin/true", options=["--append"])
    assert twice["syscalls"]["execve"]["count"] == 2
    counts = [{name: c["count"] for name, c in made["syscalls"].items()} for made in (once, twice)]
    assert {name: 2 * n for name, n in counts[0].items()} == counts[1]


def test_trace_append_refuses_what_is_no_trace(place):
    (place / "trace").write_text('{"nucleus-trace": 1,\n "architecture": "vax"}')
    done = nucleus("seccomp", "trace", "-o", place / "trace", "--append", "--", "touch", place / "ran", cwd=place,
                   check=CANNOT_TRACE)
    assert f"{place}/trace:2: " in done.stderr and not (place / "ran").exists()


def start(place, *command):
    return subprocess.Popen([build.program("tools/nucleus"), "seccomp", "trace", "-o", place / "trace", "--", *command],
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=place)


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_trace_hands_signals_on_and_writes_the_trace(place, sig):
    program = f"trap 'echo got it; exit 9' {sig.name[3:]}; echo ready; while :; do sleep 0.05; done"
    with start(place, "sh", "-c", program) as process:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(sig)
        out, err = process.communicate(timeout=LIMIT)
    assert (process.returncode, out) == (9, "got it\n"), err
    assert json.loads((place / "trace").read_text())["syscalls"]["execve"]["count"] >= 1


def test_trace_waits_for_what_the_command_leaves_behind(place):
    _, made = trace(place, "sh", "-c", f"(sleep 0.3; mkdir {place}/late) & exit 3", check=3)
    assert (place / "late").is_dir() and made["syscalls"]["mkdir"] == {"count": 1}


def test_trace_ends_what_was_left_behind_when_asked(place):
    with start(place, "sh", "-c", "trap '' TERM; sleep 600 & echo $!; exit 4") as process:
        left = int(process.stdout.readline())
        assert "left behind" in process.stderr.readline()
        process.terminate()  # handed on, and ignored there
        assert kernel.alive(left)
        # Two that come at once are one: ask until it is so.
        assert kernel.eventually(lambda: process.poll() is not None or process.terminate())
        process.communicate(timeout=LIMIT)
    assert process.returncode == 4 and (place / "trace").exists()
    assert kernel.eventually(lambda: not kernel.alive(left))


def test_trace_killed_takes_the_command_along(place):
    with start(place, "sh", "-c", "echo $$; while :; do sleep 0.05; done") as process:
        pid = int(process.stdout.readline())
        process.kill()
        process.communicate(timeout=LIMIT)
    assert kernel.eventually(lambda: not kernel.alive(pid))


def test_trace_of_a_trace_is_refused(place):
    done, _ = trace(place, build.program("tools/nucleus"), "seccomp", "trace", "-o", place / "inner", "--", "true",
                    check=CANNOT_TRACE)
    assert "another tracer" in done.stderr and not (place / "inner").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_trace_gives_no_new_privileges(place):
    copy = sandbox.published(place, build.payload())
    os.chmod(copy, 0o4755)
    done, _ = trace(place, copy, "status", who="unprivileged")
    assert "status\tNoNewPrivs\t1\n" in done.stdout
    ids = r"\x09".join([str(sandbox.UNPRIVILEGED)] * 4)
    assert f"status\tUid\t{ids}\n" in done.stdout


# ---- generate ----


SHELL = "echo hello; ls / | wc -l >/dev/null; cat /dev/null"


@pytest.mark.parametrize("command, output", [
    (["/bin/true"], ""), (["/bin/sh", "-c", SHELL], "hello\n"), (python(THREADS), "done\n")],
    ids=["true", "pipeline", "threads"])
@pytest.mark.parametrize("options", [(), ("--arguments",), ("--base", "none")], ids=["default", "arguments", "no-base"])
def test_generated_profile_runs_the_program(place, command, output, options):
    trace(place, *command, name="t")
    # Where the output is no terminal and the input empty, as it will be.
    done = confined(place, learn(place, "t", options=options), *command)
    assert (done.code, done.stdout.decode()) == (0, output), done


@pytest.mark.parametrize("command", [
    ["/usr/bin/node", "-e", "setTimeout(() => console.log(1 + 1), 20)"], ["/usr/bin/java", "-version"],
    ["/usr/bin/go", "version"], ["/usr/bin/gcc", "-x", "c", "-fsyntax-only", "/dev/null"],
    ["/usr/bin/perl", "-e", "print `echo x`"]], ids=lambda command: os.path.basename(command[0]))
def test_generated_profile_runs_real_programs(place, command):
    if not os.access(command[0], os.X_OK):
        pytest.skip(f"needs {command[0]}")
    done, _ = trace(place, *command, name="t")
    confined_done = confined(place, learn(place, "t", options=["--arguments"]), *command)
    assert (confined_done.code, confined_done.stdout.decode()) == (0, done.stdout), confined_done


def test_generated_profile_denies_what_was_not_traced(place):
    probe = python("import os\ntry: os.mkdir('/')\nexcept OSError as e: print(e.errno)")
    trace(place, *python("import os\nprint()"), name="t")
    assert confined(place, learn(place, "t"), *probe).stdout == b"%d\n" % errno.EPERM
    trace(place, *probe, name="t2")  # the control: it is the trace that decides
    assert confined(place, learn(place, "t", "t2"), *probe).stdout == b"%d\n" % errno.EEXIST


def test_generated_profile_never_allows_what_its_base_refuses(place):
    """A program that tries a new namespace, and is watched doing it."""
    done, made = trace(place, build.payload(), "syscall", "unshare", "0x10000000")
    assert made["syscalls"]["unshare"]["count"] == 1
    profile = place / "profile.json"
    done = nucleus("seccomp", "generate", place / "trace", "-o", profile, cwd=place, check=0)
    assert "warning: unshare was traced 1 times, but production refuses it: SCMP_ACT_ERRNO (EPERM)" in done.stderr
    gained = [c for c in compare(place, "production", profile)["syscalls"] if c["more"]]
    assert gained == []
    loose = learn(place, "trace", options=["--allow", "unshare"])  # the control
    assert [c["name"] for c in compare(place, "production", loose)["syscalls"] if c["more"]] == ["unshare"]


def test_generate_prints_a_profile_with_counts_and_reasons(place):
    trace(place, "/bin/true")
    done = nucleus("seccomp", "generate", place / "trace", cwd=place, check=0)
    profile = json.loads(done.stdout)
    assert (profile["defaultAction"], profile["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", errno.EPERM)
    assert profile["architectures"] == ["SCMP_ARCH_" + os.uname().machine.upper()]
    allowed = {n: r["comment"] for r in profile["syscalls"] if r["action"] == "SCMP_ACT_ALLOW" for n in r["names"]}
    assert re.search(r"Traced: .*\bexecve 1\b", allowed["execve"])
    assert re.search(r"Not traced: .*\btgkill\b.* \(for abort\(3\)", allowed["tgkill"])
    assert "mkdir" not in allowed and "Learned by nucleus-seccomp(1)" in profile["comment"]
    assert nucleus("seccomp", "generate", place / "trace", "-o", "-", cwd=place, check=0).stdout == done.stdout
    assert os.listdir(place) == ["trace"]


@pytest.mark.parametrize("umask, mode", [(0o002, 0o644), (0, 0o644), (0o077, 0o600)])
def test_generated_profile_can_be_pinned_whatever_the_umask(place, umask, mode):
    """Debian's users have a group each and the umask 0002; what a group may write is not pinned."""
    program = sandbox.published(place, build.program("tools/nucleus"))

    def run(*arguments):
        return nucleus(*arguments, cwd=place, uid=sandbox.UNPRIVILEGED, program=program, check=0, umask=umask)

    run("seccomp", "trace", "-o", place / "trace", "--", "/bin/true")
    run("seccomp", "generate", place / "trace", "-o", place / "profile.json")
    assert [os.stat(place / name).st_mode & 0o777 for name in ("trace", "profile.json")] == [mode, mode]
    assert "seccomp_sha256" in run("policy", "pin", place / "profile.json").stdout
    (place / "profile.json").chmod(0o664)  # the control
    refused = nucleus("policy", "pin", place / "profile.json", cwd=place, uid=sandbox.UNPRIVILEGED, program=program)
    assert refused.returncode == 1 and "may be written by its group" in refused.stderr


def test_generate_takes_the_trace_of_a_service(place):
    (place / "numbers").write_text(
        '{"nucleus-trace": 1, "architecture": "%s", "numbers": {"0": 12, "1020": 1}}' % os.uname().machine)
    done = nucleus("seccomp", "generate", place / "numbers", cwd=place, check=0)
    assert "number 1020 was traced 1 times, but has no name here" in done.stderr
    json.loads(done.stdout)


def test_generate_replaces_nothing_unasked(place):
    trace(place, "/bin/true")
    (place / "profile.json").write_text("precious")
    done = nucleus("seccomp", "generate", place / "trace", "-o", place / "profile.json", cwd=place, check=1)
    assert "--force" in done.stderr and (place / "profile.json").read_text() == "precious"


@pytest.mark.parametrize("text, message", [
    ("", "is empty; the trace of a service is written when the service stops"), (" \n", "is empty"), ("{", ":1:"), ("[]", "must be an object"), ('{"nucleus-trace": 1, "nucleus-trace": 1}', "duplicate"),
    ('{"nucleus-trace": 1, "architecture": "x86_64",\n"syscalls": {"raed": {"count": 1}}}',
     ':2: unknown system call "raed"; did you mean "read"?')])
def test_generate_refuses_what_is_no_trace(place, text, message):
    (place / "bad").write_text(text)
    done = nucleus("seccomp", "generate", place / "bad", "-o", place / "out", cwd=place, check=1)
    assert message in done.stderr and done.stderr.count("\n") == 1 and not (place / "out").exists()


def engine(place, program, tree, profile):
    """One run of an OCI runtime. It gets a cgroup tree that it understands, and that nobody else sees."""
    ids = [{"containerID": 0, "hostID": 0x40000000, "size": 65536}]
    config = {
        "ociVersion": "1.0.0",
        "process": {"user": {"uid": 0, "gid": 0}, "args": ["/bin/payload", "mkdir", "/tmp/new"], "cwd": "/",
                    "env": ["PATH=/bin"], "capabilities": {}, "noNewPrivileges": True},
        "root": {"path": str(tree)}, "hostname": "test",
        "mounts": [{"destination": "/proc", "type": "proc", "source": "proc"},
                   {"destination": "/dev", "type": "tmpfs", "source": "tmpfs"},
                   {"destination": "/tmp", "type": "tmpfs", "source": "tmpfs"}],
        "linux": {"namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")],
                  "uidMappings": ids, "gidMappings": ids,
                  **({"seccomp": json.loads(profile.read_text())} if profile else {})},
    }
    if profile:
        config["linux"]["seccomp"].pop("comment")
    (place / "config.json").write_text(json.dumps(config))
    script = ("mount --make-rprivate / && umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup && "
              'exec "$@"')
    command = ["unshare", "-m", "sh", "-c", script, "sh", program, "--root", place / "state",
               *(["--cgroup-manager=disabled"] if program == "crun" else []), "run", "-b", place,
               f"nucleus-test-{os.getpid()}"]
    return subprocess.run(command, capture_output=True, text=True, timeout=LIMIT, cwd=place)


@pytest.mark.parametrize("program", ["crun", "runc"])
def test_generated_profile_serves_container_engines(place, program):
    if not shutil.which(program):
        pytest.skip(f"needs {program}")
    tree = rootfs.make(place / "tree")
    rootfs.give(tree, 0x40000000, 0x40000000)
    control = engine(place, program, tree, None)
    if control.returncode != 0:
        pytest.skip(f"{program} does not run here: {control.stderr}")
    assert "OK" in control.stdout
    trace(place, build.payload(), "mkdir", place / "new", name="t")
    trace(place, build.payload(), "cwd", name="t2")
    options = ["--runc"] if program == "runc" else []
    allowed = engine(place, program, tree, learn(place, "t", options=options))
    assert (allowed.returncode, allowed.stdout) == (0, control.stdout), allowed
    denied = engine(place, program, tree, learn(place, "t2", options=options))
    assert denied.returncode == 0 and "EPERM" in denied.stdout, denied


# ---- diff ----


def compare(place, a, b, *options):
    done = nucleus("seccomp", "diff", "--json", *options, a, b, cwd=place)
    assert done.returncode in (0, 1), done
    found = json.loads(done.stdout)
    assert found["differs"] == (done.returncode == 1)
    return found


def profile(place, name, *rules, default="SCMP_ACT_ERRNO"):
    path = place / name
    path.write_text(json.dumps({"defaultAction": default, "syscalls": [
        {"names": ["mseal"], "action": "SCMP_ACT_ALLOW"}, *rules]}))
    return path


def allow(*names, **more):
    return {"names": list(names), "action": "SCMP_ACT_ALLOW", **more}


@pytest.mark.parametrize("mode", ["agent", "strict-agent", "production"])
def test_diff_of_one_profile_is_nothing(place, mode):
    done = nucleus("seccomp", "diff", mode, mode, cwd=place, check=0)
    assert done.stdout == done.stderr == ""


def test_diff_of_the_tiers_gains_nothing(place):
    """A stricter tier allows no more."""
    for a, b in (("agent", "strict-agent"), ("strict-agent", "production"), ("agent", "production")):
        assert [c for c in compare(place, a, b)["syscalls"] if c["more"]] == []


def test_diff_says_what_is_gained_lost_and_changed(place):
    a = profile(place, "a", allow("read"), allow("mmap", args=[{"index": 0, "value": 1, "op": "SCMP_CMP_EQ"}]))
    b = profile(place, "b", allow("write"), allow("mmap"))
    found = {c["name"]: c for c in compare(place, a, b)["syscalls"]}
    assert sorted(found) == ["mmap", "read", "write"]
    assert [found[n]["change"] for n in ("read", "write", "mmap")] == ["lost", "gained", "arguments"]
    assert found["read"]["less"] and found["write"]["more"] and found["mmap"]["more"] and not found["mmap"]["less"]
    assert found["mmap"]["a"] == "SCMP_ACT_ALLOW where arg0 == 1; SCMP_ACT_ERRNO (EPERM)"
    text = nucleus("seccomp", "diff", a, b, cwd=place, check=1).stdout
    assert "gained: 1\n  SCMP_ACT_ERRNO (EPERM) -> SCMP_ACT_ALLOW\n    write\n" in text
    assert "lost: 1\n  SCMP_ACT_ALLOW -> SCMP_ACT_ERRNO (EPERM)\n    read\n" in text
    assert "(B allows more)\n    mmap\n" in text


def test_diff_all_has_every_call(place):
    found = compare(place, "agent", "agent", "--all")
    assert len(found["syscalls"]) > 300 and {c["change"] for c in found["syscalls"]} == {"none"}


def test_diff_in_trouble_exits_with_2(place):
    good, bad = profile(place, "good"), place / "bad"
    bad.write_text('{"defaultAction": "SCMP_ACT_ALOW", "syscalls": []}')
    for arguments in ((good, bad), (bad, good), (good, place / "absent"), (good, place), (good, "/dev/null"), (good,)):
        assert nucleus("seccomp", "diff", *arguments, cwd=place, check=2).stderr


@pytest.mark.parametrize("arguments", [
    (), ("trac",), ("trace",), ("trace", "--append", "--force", "true"), ("trace", "-o", "", "true"), ("trace", "-o", "-", "true"), ("generate",),
    ("generate", "-o", "-", "--force", "x"),
    ("generate", "--force", "x"), ("generate", "--base", "prodution", "x"), ("generate", "--allow", "mont", "x"),
    ("diff", "a", "b", "c"), ("diff", "--nonsense", "a", "b")])
def test_seccomp_wrong_usage_gives_2_and_says_why(place, arguments):
    done = nucleus("seccomp", *arguments, cwd=place, check=USAGE)
    assert done.stdout == "" and done.stderr.strip() and os.listdir(place) == []


def test_seccomp_unknown_word_suggests_the_nearest(place):
    assert 'did you mean "trace"?' in nucleus("seccomp", "trac", cwd=place).stderr
    assert 'did you mean "mount"?' in nucleus("seccomp", "generate", "--allow", "mont", "x", cwd=place).stderr
