# SPDX-License-Identifier: Apache-2.0
"""
Attack cases 1 to 12: what a hostile configuration, or a hostile neighbour in the directories, must not achieve.
In each, the positive control is a service that is well and must be emitted all the same.
"""

import os
import signal
import socket
import subprocess
import time

import pytest

from lib import generator

GOOD = 'mode = "agent"\ncommand = ["/bin/good"]\n'


def service(*arguments, rest=""):
    def quote(text):
        return '"' + "".join(c if c.isascii() and c.isalnum() or c in " /-" else f"\\U{ord(c):08x}" for c in text) + '"'

    return f'mode = "agent"\ncommand = [{", ".join(quote(a) for a in arguments)}]\n{rest}'


def make(tmp_path, files, **options):
    config = generator.write(tmp_path / "config", files)
    return generator.run([config], tmp_path / "out", **options)


def assert_good(run, name="good"):
    """The control: this one is as if it were alone."""
    unit = run.service(name)
    assert unit.error is None
    assert unit.arguments == ["/bin/good"]
    assert unit.all("ExecStart") == [unit.one("ExecStart")]


def assert_failing(run, name, *parts):
    unit = run.service(name)
    assert unit.error is not None, f"{name} is not refused"
    assert not unit.arguments
    for part in parts:
        assert part in unit.error
    assert unit.error in run.messages.replace("\n", "; ") or unit.error.split("; ")[0] in run.messages
    return unit


# 1

@pytest.mark.parametrize("character", ["\n", "\r", "\0", "\u2028", "\x1b"], ids=["lf", "cr", "nul", "ls", "esc"])
@pytest.mark.parametrize("key", ["command", "description", "environment", "hostname", "wanted_by", "volume", "listen"])
def test_attack_01_control_characters_are_refused(tmp_path, character, key):
    value = f'"x\\U{ord(character):08x}ExecStartPost=/bin/evil"'
    lines = {
        "command": f'mode = "agent"\ncommand = ["/bin/x", {value}]\n',
        "description": GOOD + f"description = {value}\n",
        "environment": GOOD + f"[environment]\nX = {value}\n",
        "hostname": GOOD + f"hostname = {value}\n",
        "wanted_by": GOOD + f"wanted_by = [{value}]\n",
        "volume": GOOD + f'[[volumes]]\nsource = "/{value[1:]}\ntarget = "/x"\n',
        "listen": GOOD + f'[[sockets]]\nlisten = "/{value[1:]}\n',
    }
    run = make(tmp_path, {"evil.toml": lines[key], "good.toml": GOOD})
    assert run.status == 0
    assert_failing(run, "evil", "evil.toml:")
    assert_good(run)
    for name in run.names:
        assert not any(line.startswith("ExecStartPost") for line in run.text(name).splitlines())


# 2

ARGUMENTS = ["%h", "%%", "%", "$X", "${X}", "$$", ";", " ; ", '"', "'", '"quoted"', "-@:+!|", "@/bin/sh", "!!x",
             "trailing ", " leading", "gr\u00fc\u00df \U0001f980", "\\", "\\x25h", "\\n", "#", "[x]", "=", "", "%n%i%t"]


def test_attack_02_arguments_reach_the_spec_byte_for_byte(tmp_path):
    run = make(tmp_path, {"web.toml": service("/bin/web", *ARGUMENTS)}, environment={"X": "expanded"})
    unit = run.service("web")
    assert unit.error is None, unit.error
    assert unit.arguments == ["/bin/web", *ARGUMENTS]
    assert "$" not in unit.one("ExecStart")


def test_attack_02_tab_reaches_the_workload_or_is_refused(tmp_path):
    run = make(tmp_path, {"web.toml": service("/bin/web", "a\tb")})
    unit = run.service("web")
    assert unit.arguments == ["/bin/web", "a\tb"] or unit.error


# 3

@pytest.mark.parametrize("n", [1, 2, 3])
def test_attack_03_value_ending_in_a_backslash_takes_no_line(tmp_path, n):
    description = "x" + "\\\\" * n
    text = service("/bin/web", "x" + "\\" * n, rest=f'description = "{description}"\n')
    run = make(tmp_path, {"web.toml": text})
    unit = run.service("web")
    assert unit.error is None, unit.error
    assert unit.arguments == ["/bin/web", "x" + "\\" * n]
    assert unit.one("Documentation") == "man:nucleus.toml(5)"
    assert unit.one("Description").startswith("x\\")
    assert unit.one("StandardInput") == "data"


# 4

def test_attack_04_value_over_one_mebibyte_is_refused(tmp_path):
    run = make(tmp_path, {
        "huge.toml": f'mode = "agent"\ncommand = ["/bin/x", "{"a" * (1 << 20)}"]\n',
        "long.toml": f'mode = "agent"\ncommand = ["/bin/x", "{" " * 200000}"]\n',
        "good.toml": GOOD,
    })
    assert_failing(run, "huge", "1 MiB")
    assert run.service("long").error is not None
    assert_good(run)
    assert max(len(line) for name in run.names for line in run.text(name).splitlines()) < 1 << 20


# 5

@pytest.mark.parametrize("name", ["", "x@y", "x.service", "-x", "_x", "UPPER", "a b", "\u202ex", "a" * 65, "a" * 250,
                                  "\n", "gr\u00fc\u00df", "%n"])
def test_attack_05_bad_name_of_a_file_is_refused(tmp_path, name):
    run = make(tmp_path, {name + ".toml": GOOD, "good.toml": GOOD})
    assert run.status == 0
    assert run.names == ["nucleus-good.service"]
    assert name == "" or "a name has 1 to 64" in run.messages
    assert "\u202e" not in run.messages
    assert_good(run)


@pytest.mark.parametrize("name", ["../x", "a/b", "", "x@y", "x.service", "-x", "\u202ex", "a" * 300])
def test_attack_05_bad_name_of_a_service_in_a_stack_is_refused(tmp_path, name):
    key = '"' + "".join(f"\\U{ord(c):08x}" for c in name) + '"'
    text = f'[services.{key}]\n{GOOD}\n[services.fine]\n{GOOD}'
    run = make(tmp_path, {"stack.toml": text, "good.toml": GOOD})
    assert run.status == 0
    assert "stack.toml:1:" in run.messages
    assert set(run.names) <= {"nucleus-good.service", "nucleus-stack.target", "nucleus-stack-fine.service",
                              "nucleus-stack.service"}
    assert sorted(p.name for p in tmp_path.iterdir()) == ["config", "out"]
    assert "\u202e" not in run.messages
    assert_good(run)


# 6

def test_attack_06_duplicate_service_is_an_error(tmp_path):
    run = make(tmp_path, {"shop.toml": f"[services.web]\n{GOOD}", "shop-web.toml": GOOD, "good.toml": GOOD})
    assert_failing(run, "shop-web", "defined twice", "shop-web.toml", "shop.toml")
    assert_good(run)


@pytest.mark.parametrize("suffix", ["service", "target"])
def test_attack_06_unit_of_somebody_else_stays(tmp_path, suffix):
    units = generator.write(tmp_path / "units", {f"nucleus-taken.{suffix}": "[Unit]\nDescription=theirs\n"})
    taken = GOOD if suffix == "service" else f"[services.web]\n{GOOD}"
    run = make(tmp_path, {"taken.toml": taken, "good.toml": GOOD}, units=units)
    assert f"nucleus-taken.{suffix}" not in run.names
    assert str(units / f"nucleus-taken.{suffix}") in run.messages
    assert_good(run)


def test_attack_06_unit_of_another_generator_stays(tmp_path):
    theirs = "[Service]\nExecStart=/bin/theirs\n"
    generator.write(tmp_path / "out", {"nucleus-taken.service": theirs})
    run = make(tmp_path, {"taken.toml": GOOD, "good.toml": GOOD})
    assert run.text("nucleus-taken.service") == theirs
    assert "cannot write unit nucleus-taken.service" in run.messages
    assert_good(run)


# 7

def test_attack_07_cycles_fail_by_name_and_nothing_else_does(tmp_path):
    def on(*names):
        return GOOD + "depends_on = [" + ", ".join(f'{{ service = "{n}" }}' for n in names) + "]\n"

    run = make(tmp_path, {"a.toml": on("b"), "b.toml": on("c"), "c.toml": on("a"), "self.toml": on("self"),
                          "lost.toml": on("nowhere"), "outside.toml": on("a"), "good.toml": GOOD})
    assert_failing(run, "a", "a -> b -> c -> a")
    assert_failing(run, "b", "b -> c -> a -> b")
    assert_failing(run, "c", "c -> a -> b -> c")
    assert_failing(run, "self", "self -> self")
    assert_failing(run, "lost", "nowhere")
    assert run.service("outside").all("Requires") == ["nucleus-a.service"]
    assert_good(run)
    assert_no_cycle(run)


def assert_no_cycle(run):
    after = {n: [d for d in run.unit(n).all("After")] for n in run.names}
    done = set()
    while todo := [n for n in after if n not in done and all(d in done or d not in after for d in after[n])]:
        done.update(todo)
    assert done == set(after)


@pytest.mark.parametrize("target", ["sysinit.target", "basic.target", "sockets.target", "local-fs.target"])
def test_attack_07_wanted_by_an_early_target_makes_no_cycle(tmp_path, target):
    run = make(tmp_path, {"early.toml": GOOD + f'wanted_by = ["{target}"]\n',
                          "stack.toml": f'wanted_by = ["{target}"]\n[services.web]\n{GOOD}', "good.toml": GOOD})
    assert_failing(run, "early", target)
    assert not any(target in link for link in run.links)
    assert_good(run)


# 8

def test_attack_08_files_that_are_none_are_skipped(tmp_path):
    config = generator.write(tmp_path / "config", {"writable.toml": GOOD, "group.toml": GOOD, "good.toml": GOOD})
    os.mkfifo(config / "fifo.toml")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(str(config / "socket.toml"))
    (config / "zero.toml").symlink_to("/dev/zero")
    (config / "directory.toml").mkdir()
    (config / "dangling.toml").symlink_to("/nowhere")
    (config / "loop.toml").symlink_to("loop.toml")
    (config / "removed.toml").symlink_to("/dev/null")
    with open(config / "sparse.toml", "wb") as f:
        f.truncate(1 << 30)
    (config / "writable.toml").chmod(0o646)
    (config / "group.toml").chmod(0o664)

    run = generator.run([config], tmp_path / "out")
    assert run.status == 0
    for name, part in {"fifo": "a FIFO", "socket": "a socket", "zero": "a device", "directory": "a directory",
                       "dangling": "No such file", "loop": "symbolic links", "sparse": "1 MiB",
                       "writable": "chmod go-w", "group": "chmod go-w"}.items():
        assert_failing(run, name, "skipped: ", part)
    assert "nucleus-removed.service" not in run.names
    assert_good(run)
    assert run.usage.ru_utime + run.usage.ru_stime < 1


def test_attack_08_foreign_file_and_directory_are_skipped(tmp_path):
    if os.geteuid() != 0:
        pytest.skip("giving a file away takes root")
    config = generator.write(tmp_path / "config", {"foreign.toml": GOOD, "good.toml": GOOD})
    os.chown(config / "foreign.toml", 12345, 12345)
    theirs = generator.write(tmp_path / "theirs", {"smuggled.toml": GOOD})
    os.chown(theirs, 12345, 12345)
    writable = generator.write(tmp_path / "writable", {"dropped.toml": GOOD})
    writable.chmod(0o777)

    run = generator.run([theirs, writable, config], tmp_path / "out")
    assert_failing(run, "foreign", "owner")
    assert run.names == ["nucleus-foreign.service", "nucleus-good.service"]
    assert f"{theirs}: skipped: the directory" in run.messages
    assert f"{writable}: skipped: the directory" in run.messages
    assert_good(run)


def test_attack_08_links_into_the_nix_store_work(tmp_path):
    """The store belongs to whoever built it: its files count, whoever owns them; elsewhere they do not."""
    if os.geteuid() != 0:
        pytest.skip("mounting a store takes root")
    store = generator.write(tmp_path / "store", {"hash-web.toml": GOOD})
    os.chown(store / "hash-web.toml", 12345, 12345)
    config = generator.write(tmp_path / "config", {})
    (config / "good.toml").symlink_to("/nix/store/hash-web.toml")
    (config / "elsewhere.toml").symlink_to(store / "hash-web.toml")
    (tmp_path / "out").mkdir()

    env = {"NUCLEUS_CONFIG_DIRS": str(config), "SYSTEMD_UNIT_PATH": "", "PATH": os.environ["PATH"]}
    subprocess.run(["unshare", "-m", "sh", "-ec", IN_STORE, "sh", str(store), generator.program(),
                    str(tmp_path / "out")], env=env, check=True)
    run = generator.Run(0, "", tmp_path / "out", None)
    assert_good(run)
    assert "owner" in run.service("elsewhere").error


# A private root that is the host's, but for /nix: it need not exist there, and is not touched where it does.
IN_STORE = """
root=$(dirname "$1")/root; mkdir "$root"; mount -t tmpfs none "$root"
for d in /*; do
    test "$d" = /nix || test -L "$d" || ! test -d "$d" || { mkdir "$root$d"; mount --rbind "$d" "$root$d"; }
    ! test -L "$d" || cp -P "$d" "$root$d"
done
mkdir -p "$root/nix/store"; mount --bind "$1" "$root/nix/store"; shift
exec chroot "$root" "$@"
"""


# 9

DEEP = {
    "arrays": "x = " + "[" * 100000,
    "tables": "x = " + "{a=" * 100000,
    "dotted": ".".join("a" for _ in range(100000)) + " = 1",
    "siblings": "".join(f"k{i} = 1\n" for i in range(100000))[: (1 << 20) - 1],
    "headers": "".join(f"[t{i}]\n" for i in range(100000))[: (1 << 20) - 10].rsplit("\n", 1)[0],
}


@pytest.mark.parametrize("kind", DEEP)
def test_attack_09_deep_and_wide_documents_are_refused_cheaply(tmp_path, kind):
    run = make(tmp_path, {"deep.toml": DEEP[kind], "good.toml": GOOD}, preexec=generator.limit_memory(64 << 20))
    assert run.status == 0
    assert_failing(run, "deep", "deep.toml")
    assert_good(run)
    assert len(run.text("nucleus-deep.service")) < 20000
    if not generator.is_sanitized():
        assert run.usage.ru_utime + run.usage.ru_stime < 1  # processor time, which a busy machine does not change


def test_attack_09_the_memory_limit_bites(tmp_path):
    if generator.is_sanitized():
        pytest.skip("the sanitizers' own memory is beyond any limit")
    run = make(tmp_path, {"deep.toml": DEEP["siblings"], "good.toml": GOOD}, preexec=generator.limit_memory(1 << 20))
    assert run.status != 0


# 10

@pytest.mark.parametrize("line, where", [
    ('colour = "red"', "3:1"), ("hostname = 7", "3:12"), ('mode = "agent"', "3:"), ('user = ["a"]', "3:8")],
    ids=["unknown", "type", "duplicate", "array"])
def test_attack_10_bad_keys_are_refused_at_their_place(tmp_path, line, where):
    run = make(tmp_path, {"bad.toml": GOOD + line + "\n", "good.toml": GOOD})
    assert_failing(run, "bad", f"bad.toml:{where}")
    assert_good(run)


# 11

def test_attack_11_two_generators_at_once_leave_whole_units(tmp_path):
    config = generator.write(tmp_path / "config", {f"s{i}.toml": GOOD for i in range(200)})
    out = tmp_path / "out"
    out.mkdir()
    alone = generator.run([config], tmp_path / "alone").tree()
    env = {"NUCLEUS_CONFIG_DIRS": str(config), "SYSTEMD_UNIT_PATH": ""}
    twins = [subprocess.Popen([generator.program(), str(out)], env=env) for _ in range(8)]
    assert [t.wait(generator.LIMIT) for t in twins] == [0] * 8
    assert generator.Run(0, "", out, None).tree() == alone


def test_attack_11_killed_at_any_moment_leaves_no_torn_unit(tmp_path):
    config = generator.write(tmp_path / "config", {f"s{i}.toml": GOOD for i in range(300)})
    whole = generator.run([config], tmp_path / "alone").tree()
    env = {"NUCLEUS_CONFIG_DIRS": str(config), "SYSTEMD_UNIT_PATH": ""}
    killed = 0
    for i in range(40):
        out = tmp_path / f"out{i}"
        out.mkdir()
        process = subprocess.Popen([generator.program(), str(out)], env=env)
        time.sleep(i * 0.0005)
        process.kill()
        killed += process.wait(generator.LIMIT) == -signal.SIGKILL
        for path in out.iterdir():
            if not path.name.startswith(".#"):
                assert path.read_bytes() == whole[path.name]
    assert killed > 0


def test_attack_11_planted_links_are_not_followed(tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    target = tmp_path / "target"
    target.mkdir()
    out = tmp_path / "out"
    out.mkdir()
    (out / "nucleus-web.service").symlink_to(victim)
    (out / "multi-user.target.wants").symlink_to(target)
    run = make(tmp_path, {"web.toml": GOOD, "good.toml": GOOD + 'wanted_by = ["multi-user.target"]\n'})
    assert victim.read_text() == "untouched"
    assert not list(target.iterdir())
    assert "nucleus-web.service" in run.messages
    assert_good(run)


# 12

def test_attack_12_one_argument_is_as_good_as_three(tmp_path):
    config = generator.write(tmp_path / "config", {"good.toml": GOOD + 'wanted_by = ["multi-user.target"]\n'})
    three = generator.run([config], tmp_path / "three")
    one = generator.run([config], tmp_path / "one", arguments=[str(tmp_path / "one")])
    assert three.status == one.status == 0
    assert one.tree() == three.tree() != {}


def hostile_start():
    os.umask(0o777)
    signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))
    os.chdir("/proc/self")
    for fd in (0, 1, 2):
        os.close(fd)


def test_attack_12_hostile_environment_changes_nothing(tmp_path):
    files = {f"s{i}.toml": service("/bin/x", f"%{i}", rest="[environment]\nA = \"b\"\n") for i in range(20)}
    files["bad.toml"] = "x"
    config = generator.write(tmp_path / "config", files)
    plain = generator.run([config], tmp_path / "plain")
    environment = {"NUCLEUS_SECRET": "s3cret", "TOKEN": "s3cret", "HOME": "/nonexistent/s3cret", "TMPDIR": "/x/s3cret",
                   "LC_ALL": "tr_TR.UTF-8", "LANG": "\x01", "XDG_CONFIG_HOME": "relative", "IFS": "x", "PATH": "",
                   "SYSTEMD_SCOPE": "elsewhere", "MALLOC_PERTURB_": "165", "TZ": "/etc/shadow"}
    hostile = generator.run([config], tmp_path / "hostile", environment=environment, preexec=hostile_start)
    assert hostile.status == 0
    assert hostile.tree() == plain.tree()
    assert not any("s3cret" in hostile.text(name) for name in hostile.names)
    assert all(p.stat().st_mode & 0o777 == 0o644 for p in hostile.out.glob("*.service"))


def test_attack_12_unusable_output_directory_fails(tmp_path):
    """The control of all above: status 0 is not simply what it always says."""
    config = generator.write(tmp_path / "config", {"good.toml": GOOD})
    run = generator.run([config], tmp_path / "out", arguments=[str(tmp_path / "missing")])
    assert run.status == 1
    assert "missing" in run.messages


# 2, 3 and 7 on a real systemd: what it makes of the units is what counts

AS_FILE = "[Service]\nType=oneshot\nExecStart=\nExecStart=/bin/sh -c 'cat > /run/nucleus-spec'\n"


def test_attack_02_and_03_systemd_hands_the_arguments_over_byte_for_byte(machine):
    arguments = [*ARGUMENTS, "x\\", "x\\\\"]
    machine.run("mkdir -p /etc/systemd/system/nucleus-web.service.d", check=True)
    machine.write("/etc/systemd/system/nucleus-web.service.d/file.conf", AS_FILE)
    machine.write("/etc/nucleus/web.toml", service("/bin/web", *arguments, rest='description = "x\\\\"\n'))
    machine.run("systemctl daemon-reload && systemctl start nucleus-web", check=True)
    lines = machine.ok("cat /run/nucleus-spec").splitlines()
    fields = [generator.field(line.split(" ")[1].encode()) for line in lines if line.startswith("argument ")]
    assert fields == ["/bin/web", *arguments]


def test_attack_07_systemd_finds_no_cycle(machine):
    for name, on in {"a": "b", "b": "a", "self": "self"}.items():
        machine.write(f"/etc/nucleus/{name}.toml", GOOD + f'depends_on = [{{ service = "{on}" }}]\n')
    machine.run("systemctl daemon-reload", check=True)
    for name in ("a", "b", "self"):
        assert machine.run(f"systemctl start nucleus-{name}").code != 0
        assert machine.show(f"nucleus-{name}", "ExecMainStatus")["ExecMainStatus"] == "78"
    assert "ordering cycle" not in machine.ok("journalctl -b -t systemd --no-pager")
