# SPDX-License-Identifier: Apache-2.0
"""What nucleus-exec promises of a good service, and how it says no to a bad one. No service manager needed."""

import os
import signal
import socket
import subprocess

import pytest
from lib import build, kernel, rootfs, sandbox
from lib.sandbox import outside, refused, run, start
from lib.spec import ALL, DEFAULT, ID_BASE, Exit, Spec, payload

MIB = 1 << 20


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data", "cache", "srv/deep"])


@pytest.fixture
def volume(tmp_path):
    path = tmp_path / "volume"
    path.mkdir()
    (path / "there").write_text("from the host")
    return path


# ---- how it ends ----


@pytest.mark.parametrize("code", [0, 1, 2, 65, 78, 99, 126, 127, 128, 137, 203, 226, 255])
def test_status_passes_exactly(root, code):
    result = run(payload("exit", str(code), rootfs=root))
    assert result.code == code, result
    assert result.ready


@pytest.mark.parametrize("sig", ["HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV",
                                 "USR2", "PIPE", "ALRM", "TERM", "XCPU", "SYS"])
def test_status_death_by_signal_is_raised_again(root, sig):
    number = signal.Signals[f"SIG{sig}"]
    assert run(payload("kill-self", str(int(number)), rootfs=root)).code == -number
    assert outside("kill-self", str(int(number))).code == -number


def test_signals_are_forwarded(root):
    names = ["HUP", "INT", "QUIT", "USR1", "USR2", "WINCH"]
    with start(payload("trap-signals", "23", rootfs=root)) as s:
        s.until_ready()
        s.read_until("ready")
        for name in names:
            s.signal(signal.Signals[f"SIG{name}"])
            s.read_until(f"signal\t{name}")
        s.signal(signal.SIGTERM)
        result = s.wait()
    assert result.all("signal") == [*names, "TERM"]
    assert result.code == 23


def test_signals_unhandled_by_the_workload_end_it(root):
    for sig in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
        with start(payload("linger", rootfs=root)) as s:
            s.until_ready()
            s.signal(sig)
            assert s.wait().code == -sig, s.result


# ---- readiness ----


def test_ready_is_sent_once_by_the_main_process(root):
    with start(payload("linger", rootfs=root)) as s:
        s.until_ready()
        _, workload = s.workload()
        # Ready means that exec is done: the process is the payload, no longer the helper.
        assert os.stat(f"/proc/{workload}/exe").st_ino == os.stat(f"{root}/bin/payload").st_ino
        s.read_until("ready")
        s.signal(signal.SIGTERM)
        result = s.wait()
    assert result.notified.count("READY=1") == 1
    assert {sender for sender, _ in result.messages} == {s.pid}


@pytest.mark.parametrize("program", ["/bin/absent", "/etc/passwd", "/bin", "/bin/broken"])
def test_ready_is_not_sent_when_exec_fails(root, program):
    rootfs.write(f"{root}/bin/broken", "no format that the kernel knows")
    os.chmod(f"{root}/bin/broken", 0o755)
    result = refused(run(Spec(arguments=[program], rootfs=root)), Exit.EXEC)
    assert program in result.stderr


def test_ready_without_a_notify_socket_is_no_error(root):
    result = run(payload("exit", "3", rootfs=root), environment={"NOTIFY_SOCKET": None})
    assert result.code == 3 and result.messages == [], result


def test_ready_over_an_abstract_socket(root):
    name = f"\0nucleus-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        s.bind(name)
        s.settimeout(sandbox.LIMIT)
        assert run(payload("exit", "0", rootfs=root), environment={"NOTIFY_SOCKET": "@" + name[1:]}).code == 0
        assert b"READY=1" in s.recv(4096)


# ---- refusals ----


def test_refusal_names_what_is_wrong(root, tmp_path):
    absent = str(tmp_path / "absent")
    cases = [
        (dict(rootfs=absent), Exit.NAMESPACE, absent),
        (dict(rootfs=f"{root}/etc/passwd"), Exit.NAMESPACE, "passwd"),
        (dict(volumes=[(absent, "/data", "rw")]), Exit.NAMESPACE, absent),
        (dict(volumes=[(root, "/nowhere", "rw")]), Exit.NAMESPACE, "/nowhere"),
        (dict(tmpfs=[("/nowhere", MIB)]), Exit.NAMESPACE, "/nowhere"),
        (dict(workdir="/nowhere"), Exit.CHDIR, "/nowhere"),
        (dict(workdir="/etc/passwd"), Exit.CHDIR, "/etc/passwd"),
        (dict(user="nobodyhere"), Exit.USER, "nobodyhere"),
        (dict(user="70000"), Exit.USER, "70000"),
        (dict(group="nogrouphere"), Exit.GROUP, "nogrouphere"),
        (dict(group="70000"), Exit.GROUP, "70000"),
        (dict(supplementary=["nogrouphere"]), Exit.GROUP, "nogrouphere"),
        (dict(attest="unpinned"), Exit.DATAERR, rootfs.MANIFEST),
        (dict(attest="0" * 64), Exit.DATAERR, rootfs.MANIFEST),
        (dict(seccomp="other"), Exit.CONFIG, "unknown seccomp policy"),
        (dict(landlock="other"), Exit.CONFIG, "unknown landlock policy"),
    ]
    for change, code, word in cases:
        result = run(payload("exit", "0").but(**{"rootfs": root, **change}))
        refused(result, code)
        assert word in result.stderr, (change, result)
        assert len(result.stderr.splitlines()) <= 3, result
        assert any(line.startswith("STATUS=") and word in line for line in result.notified), (change, result)
    assert run(payload("exit", "0", rootfs=root)).code == 0


def test_refusal_of_a_bad_configuration_repeats_its_message(root):
    message = "/etc/nucleus/web.toml:3:1: unknown key \"comand\""
    result = refused(run(payload(error=message)), Exit.CONFIG)
    assert message in result.stderr
    assert f"STATUS={message}" in result.notified or any(message in line for line in result.notified)


@pytest.mark.parametrize("text", [b"", b"\n", b"nucleus-spec 1\n", b"nucleus-spec 2\nname a\n", b"\0" * 100,
                                  b"x" * (5 << 20), b"nucleus-spec 1\nname a\nname b\n"])
def test_refusal_of_what_is_no_spec(text):
    result = run(text)
    assert result.code == Exit.CONFIG and result.stderr.strip() and not result.ready, result


@pytest.mark.parametrize("change", [dict(mode="production"), dict(namespaces=("user", "mount")),
                                    dict(namespaces=("mount", "pid", "net")), dict(network="host"),
                                    dict(hostname="h", namespaces=("user", "pid", "mount", "net")),
                                    dict(id_base=ID_BASE + 1), dict(id_base=0xFFFF0000), dict(name="../x")])
def test_refusal_of_a_spec_that_contradicts_itself(root, change):
    good = payload("exit", "0", rootfs=root)
    refused(run(good.but(**change)), Exit.CONFIG)
    assert run(good).code == 0


@pytest.mark.parametrize("target", ["/", "/.", "/..", "//data", "/data/", "/data/..", "/data/../cache", "/./data"])
def test_refusal_of_targets_that_are_not_normal(root, volume, target):
    good = payload("exit", "0", rootfs=root)
    refused(run(good.but(volumes=[(volume, target, "rw")])), Exit.CONFIG)
    refused(run(good.but(tmpfs=[(target, MIB)])), Exit.CONFIG)
    assert run(good.but(volumes=[(volume, "/data", "rw")])).code == 0


def test_refusal_of_one_target_twice_and_of_a_boundless_tmpfs(root, volume):
    good = payload("exit", "0", rootfs=root)
    refused(run(good.but(volumes=[(volume, "/data", "rw"), (root, "/data", "ro")])), Exit.CONFIG)
    refused(run(good.but(volumes=[(volume, "/data", "rw")], tmpfs=[("/data", MIB)])), Exit.CONFIG)
    refused(run(good.but(tmpfs=[("/data", 0)])), Exit.CONFIG)
    assert run(good.but(volumes=[(volume, "/data", "rw")], tmpfs=[("/cache", MIB)])).code == 0


def test_refusal_in_a_rootfs_without_its_mount_points(root):
    for name in ("dev", "proc"):
        os.rmdir(f"{root}/{name}")
        result = refused(run(payload("exit", "0", rootfs=root)), Exit.NAMESPACE)
        assert f"/{name}" in result.stderr and "create" in result.stderr, result
        assert not os.path.exists(f"{root}/{name}")
        os.mkdir(f"{root}/{name}")
    assert run(payload("exit", "0", rootfs=root)).code == 0


def test_help_and_version_act_without_a_spec():
    for option in ("--help", "--version"):
        done = subprocess.run([build.nucleus_exec(), option], stdin=subprocess.DEVNULL, capture_output=True)
        assert done.returncode == 0 and done.stdout and not done.stderr


def test_print_recipe_acts_on_nothing(root, volume):
    before = kernel.mount_table()
    spec = payload("write", "/data/mark", "x", rootfs=root, volumes=[(volume, "/data", "rw")])
    result = run(spec, arguments=["--print-recipe"])
    assert result.code == 0 and not result.ready, result
    for word in (b"/data", b"seccomp", b"landlock", b"exec"):
        assert word in result.stdout.lower(), (word, result)
    assert not (volume / "mark").exists() and kernel.mount_table() == before
    assert run(spec, arguments=["--print-recipe"]).stdout == result.stdout
    assert run(spec).code == 0 and (volume / "mark").exists()


# ---- the file system inside ----


def test_rootfs_is_read_only(root):
    result = run(payload("write", "/etc/x", "x", ",", "write", "/etc/passwd", "x", ",", "mkdir", "/new", ",", "mounts",
                         ",", "read", "/etc/group", rootfs=root))
    assert result.one("write", "/etc/passwd") in ("EROFS", "EACCES"), result
    assert result.one("write", "/etc/x") in ("EROFS", "EACCES")
    assert result.one("mkdir", "/new") in ("EROFS", "EACCES")
    assert result.one("read", "/etc/group") == "OK"
    flags = mount_options(result, "/")
    assert {"ro", "nosuid", "nodev"} <= flags, flags
    # Read-only by the mount, not by Landlock alone.
    weak = run(payload("write", "/etc/x", "x", rootfs=root, mode="agent"),
               wrapper=sandbox.without("landlock_create_ruleset"))
    assert weak.one("write", "/etc/x") == "EROFS", weak


def mount_options(result, where):
    last = [m.split(" ") for m in result.all("mount") if m.split(" ")[4] == where]
    assert last, (where, result)
    return set(last[-1][5].split(","))


def test_volume_read_write_and_read_only(root, volume):
    verbs = ("read", "/data/there", ",", "write", "/data/new", "x", ",", "mounts")
    writable = run(payload(*verbs, rootfs=root, volumes=[(volume, "/data", "rw")]))
    assert writable.one("data", "/data/there") == "from the host"
    assert writable.one("write", "/data/new") == "OK"
    assert (volume / "new").read_text() == "x"
    assert {"nosuid", "nodev", "rw"} <= mount_options(writable, "/data")

    (volume / "new").unlink()
    frozen = run(payload(*verbs, rootfs=root, volumes=[(volume, "/data", "ro")]))
    assert frozen.one("data", "/data/there") == "from the host"
    assert frozen.one("write", "/data/new") in ("EROFS", "EACCES"), frozen
    assert not (volume / "new").exists()
    assert {"nosuid", "nodev", "ro"} <= mount_options(frozen, "/data")


def test_volume_of_a_file(root, volume, tmp_path):
    rootfs.write(f"{root}/etc/setting", "old")
    source = tmp_path / "setting"
    source.write_text("new")
    result = run(payload("read", "/etc/setting", rootfs=root, volumes=[(source, "/etc/setting", "ro")]))
    assert result.one("data", "/etc/setting") == "new", result


def test_volume_below_a_volume_and_not_its_submounts(root, volume, tmp_path):
    (volume / "sub").mkdir()
    (volume / "mnt").mkdir()
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "deep").write_text("deep")
    subprocess.run(["mount", "-t", "tmpfs", "none", volume / "mnt"], check=True)
    try:
        (volume / "mnt" / "hidden").write_text("hidden")
        result = run(payload("read", "/data/sub/deep", "/data/mnt/hidden", rootfs=root,
                             volumes=[(volume, "/data", "ro"), (inner, "/data/sub", "ro")]))
    finally:
        subprocess.run(["umount", volume / "mnt"], check=True)
    assert result.one("data", "/data/sub/deep") == "deep", result
    assert result.one("read", "/data/mnt/hidden") == "ENOENT", result


@pytest.mark.parametrize("user,uid,gid", [("0", 0, 0), ("web", 1000, 1001), ("3000", 3000, 3000)])
def test_volume_ownership_on_disk_is_the_id_inside(root, volume, user, uid, gid):
    for path in (volume, volume / "there"):
        os.chown(path, uid, gid)
    spec = payload("write", "/data/new", "x", ",", "stat", "/data/there", ",", "ids", rootfs=root, user=user,
                   group=str(gid), volumes=[(volume, "/data", "rw")])
    result = run(spec)
    assert result.one("write", "/data/new") == "OK", result
    assert (result.one("uid"), result.one("gid")) == ((str(uid),) * 3, (str(gid),) * 3), result
    assert result.one("stat", "/data/there")[2:4] == (str(uid), str(gid)), result
    made = os.stat(volume / "new")
    assert (made.st_uid, made.st_gid) == (uid, gid)

    os.chown(volume, uid + 1, gid + 1)
    (volume / "new").unlink()
    assert run(spec).one("write", "/data/new") == "EACCES"
    assert not (volume / "new").exists()


def test_tmpfs_has_its_size_and_is_writable(root):
    result = run(payload("fill", "/cache", "64", ",", "statfs", "/cache", ",", "mounts", ",", "stat", "/cache",
                         rootfs=root, tmpfs=[("/cache", 8 * MIB)]))
    assert result.one("fill", "/cache") == ("8", "ENOSPC") or int(result.one("fill", "/cache")[0]) < 9, result
    assert result.one("statfs", "/cache")[0] == str(8 * MIB)
    assert {"nosuid", "nodev", "rw"} <= mount_options(result, "/cache")
    bigger = run(payload("fill", "/cache", "12", rootfs=root, tmpfs=[("/cache", 16 * MIB)]))
    assert bigger.one("fill", "/cache") == ("12", "OK"), bigger


def test_tmpfs_is_writable_for_the_user(root):
    result = run(payload("write", "/cache/x", "x", rootfs=root, user="web", tmpfs=[("/cache", MIB)]))
    assert result.one("write", "/cache/x") == "OK", result
    assert run(payload("write", "/cache/x", "x", rootfs=root, user="web")).one("write", "/cache/x") != "OK"


def test_dev_is_private_and_whole(root):
    nodes = {"null": "1:3", "zero": "1:5", "full": "1:7", "random": "1:8", "urandom": "1:9", "tty": "5:0"}
    result = run(payload("list", "/dev", ",", "stat", *(f"/dev/{n}" for n in nodes), ",", "open", "w", "/dev/null", ",",
                         "write", "/dev/shm/x", "x", ",", "open", "r", "/dev/urandom", ",", "read", "/dev/fd/0", ",",
                         "open", "w", "/dev/ptmx", ",", "write", "/dev/new", "x", rootfs=root))
    for name, device in nodes.items():
        kind, *_, seen = result.one("stat", f"/dev/{name}")
        assert (kind, seen) == ("char", device), (name, result)
    assert result.one("open", "/dev/null") == "OK" and result.one("open", "/dev/urandom") == "OK"
    assert result.one("open", "/dev/ptmx") == "OK", result
    assert result.one("write", "/dev/shm/x") == "OK"
    assert result.one("read", "/dev/fd/0") == "OK"
    assert result.one("write", "/dev/new") != "OK", result
    assert set(result.all("entry", "/dev")) <= {*nodes, "ptmx", "pts", "shm", "fd", "stdin", "stdout", "stderr",
                                                "mqueue", "console"}, result


def test_proc_is_of_its_own_namespace(root):
    result = run(payload("processes", ",", "ids", rootfs=root))
    assert len(result.all("process")) <= 3 and result.one("pid") in result.all("process"), result
    assert result.one("pid") != "1", result


def test_proc_hides_other_users_in_production(root):
    rootfs.attest(root)
    spec = payload("processes", ",", "ids", rootfs=root, user="web", attest="unpinned")
    hidden = run(spec.but(mode="production"))
    assert hidden.all("process") == [hidden.one("pid")], hidden
    assert "1" in run(spec).all("process")


# ---- identity ----


def test_user_is_looked_up_in_the_rootfs(root):
    web = run(payload("ids", rootfs=root, user="web"))
    assert (web.one("uid"), web.one("gid")) == (("1000",) * 3, ("1001",) * 3), web
    assert web.all("supplementary") == []
    other = run(payload("ids", rootfs=root, user="web", group="extra", supplementary=["log", "4000"]))
    assert (other.one("uid"), other.one("gid")) == (("1000",) * 3, ("2000",) * 3), other
    assert sorted(other.all("supplementary")) == ["2001", "4000"], other
    number = run(payload("ids", rootfs=root, user="1000"))
    assert number.one("uid") == ("1000",) * 3


@pytest.mark.parametrize("line", [
    "web:x::1001::/:/bin/sh", "web:x:1000:::/:/bin/sh", "web:x:4294967296:4294967296::/:/bin/sh", "web:x:-4:1::/:/",
    "web:x:4294967295:1::/:/", "web:x:+5:1001::/:/", "web:x:0x10:1001::/:/", "web:x:12abc:9::/:/", "web:x:012:9::/:/",
    "web:x:1000:1001", "web:x:1000:1001::/:/bin/sh:"])
def test_user_of_a_wrong_line_is_refused(root, line):
    """No C library's guess, which would be root for some."""
    rootfs.write(f"{root}/etc/passwd", f"root:x:0:0::/:/\n{line}\n")
    result = refused(run(payload("ids", rootfs=root, user="web")), Exit.USER)
    assert "line 2 of the service's /etc/passwd, for user web, is not what it should be" in result.stderr
    rootfs.write(f"{root}/etc/passwd", f"{line.replace('web', 'other')}\nweb:x:7:8::/:/\n")
    result = run(payload("ids", rootfs=root, user="web"))
    assert (result.one("uid"), result.one("gid")) == (("7",) * 3, ("8",) * 3), result


@pytest.mark.parametrize("line", ["web:x::", "web:x:4294967296:", "web:x:-1:", "web:x:5", "web:x:07:", "web"])
def test_group_of_a_wrong_line_is_refused(root, line):
    rootfs.write(f"{root}/etc/group", f"root:x:0:\n\n{line}\n")
    for spec in (payload("ids", rootfs=root, user="1000", group="web"),
                 payload("ids", rootfs=root, user="1000", supplementary=["web"])):
        result = refused(run(spec), Exit.GROUP)
        assert "line 3 of the service's /etc/group, for group web, is not what it should be" in result.stderr
    rootfs.write(f"{root}/etc/group", f"# {line}\nweb:x:9:")
    assert run(payload("ids", rootfs=root, user="1000", group="web")).one("gid") == ("9",) * 3


def test_user_by_number_has_the_group_of_its_line(root):
    assert run(payload("ids", rootfs=root, user="1000")).one("gid") == ("1001",) * 3
    assert run(payload("ids", rootfs=root, user="1003")).one("gid") == ("1003",) * 3
    rootfs.write(f"{root}/etc/passwd", "web:x:1000:::/:/bin/sh\n")
    refused(run(payload("ids", rootfs=root, user="1000")), Exit.USER)


def test_user_is_another_one_on_the_host(root):
    with start(payload("linger", rootfs=root, user="web")) as s:
        s.until_ready()
        _, workload = s.workload()
        with open(f"/proc/{workload}/status") as f:
            uid = next(line.split()[1:] for line in f if line.startswith("Uid:"))
        with open(f"/proc/{workload}/uid_map") as f:
            assert f.read().split() == ["0", str(ID_BASE), "65536"]
        assert uid == [str(ID_BASE + 1000)] * 4
        s.signal(signal.SIGTERM)
        s.wait()


def test_session_and_arguments_are_its_own(root):
    words = ["", " ", "a b", "-x", "\n", "ü", "$X", "%h", "'\"", "\\"]
    result = run(payload("argv", *words, rootfs=root))
    assert result.all("arg") == words, result
    ids = run(payload("ids", rootfs=root))
    assert ids.one("sid") == ids.one("pid"), ids


def test_environment_is_the_specs(root):
    wanted = {"A": "1", "EMPTY": "", "SPACE": "a b\tc\nd", "UTF": "ü€", "PATH": "/bin"}
    result = run(payload("env", rootfs=root, environment=wanted), environment={"LEAK": "1"})
    assert dict(e.split("=", 1) for e in result.all("env")) == wanted, result
    assert run(payload("env", rootfs=root)).all("env") == []


def test_workdir_is_entered(root, volume):
    for where in ("/", "/srv/deep", "/data"):
        assert run(payload("cwd", rootfs=root, workdir=where, volumes=[(volume, "/data", "ro")])).one("cwd") == where


def test_hostname_is_set_inside_only(root):
    before = socket.gethostname()
    assert run(payload("hostname", rootfs=root, hostname="inside-only")).one("hostname") == "inside-only"
    assert socket.gethostname() == before
    denied = run(payload("syscall", "sethostname", "s:evil", "4", ",", "hostname", rootfs=root, hostname="fine"))
    assert denied.one("syscall", "sethostname") == "EPERM" and denied.one("hostname") == "fine", denied


# ---- namespaces ----

KERNEL_NAMES = dict(zip(ALL, ("user", "pid", "mnt", "net", "uts", "ipc", "cgroup", "time")))


@pytest.mark.parametrize("chosen", [ALL, DEFAULT, ("pid", "mount"), ("user", "pid", "mount", "net"),
                                    ("pid", "mount", "time"), ("pid", "mount", "cgroup", "uts")])
def test_namespaces_differ_exactly_where_asked(root, chosen):
    host = {k: kernel.namespace("self", k) for k in KERNEL_NAMES.values()}
    spec = payload("ns", rootfs=root, mode="agent", namespaces=chosen, id_base=ID_BASE if "user" in chosen else 0)
    result = run(spec)
    assert result.code == 0, result
    inside = dict(result.all("ns"))
    assert {k for k in host if inside[k] != host[k]} == {KERNEL_NAMES[c] for c in chosen}, result


def test_namespace_of_cgroups_hides_the_path_above(root):
    result = run(payload("read", "/proc/self/cgroup", rootfs=root))
    assert {line.rpartition(":")[2] for line in result.one("data", "/proc/self/cgroup").split()} == {"/"}, result


def test_network_none_has_lo_up_and_nothing_else(root):
    result = run(payload("interfaces", rootfs=root))
    assert result.all("interface") == [("lo", "up")], result


def test_network_host_is_the_hosts_in_agent_mode(root):
    shared = tuple(n for n in DEFAULT if n != "net")
    host = {name for _, name in socket.if_nameindex()}
    result = run(payload("interfaces", rootfs=root, mode="agent", namespaces=shared))
    assert {name for name, _ in result.all("interface")} == host, result
    refused(run(payload("interfaces", rootfs=root, namespaces=shared)), Exit.CONFIG)


# ---- sockets ----


def test_sockets_are_handed_on(root):
    with socket.create_server(("127.0.0.1", 0)) as a, socket.create_server(("127.0.0.1", 0)) as b:
        spec = payload("fds", ",", "serve-fd", "2", rootfs=root, listen_fds=2)
        with sandbox.start_with_sockets(spec, [a, b], "http:admin") as s:
            for number, server in ((3, a), (4, b)):
                with socket.create_connection(server.getsockname(), timeout=sandbox.LIMIT) as c:
                    assert c.makefile().read() == f"hello on {number}\n"
            result = s.wait()
    assert result.code == 0, result
    assert result.one("listen") == ("2", "mine", "http:admin"), result
    assert [fd for fd, _ in result.all("fd")] == ["0", "1", "2", "3", "4"], result


def test_sockets_for_another_process_refused(root):
    with socket.create_server(("127.0.0.1", 0)) as a, sandbox.placed([a.fileno()]) as options:
        # The wrapper would make LISTEN_PID right: an environment between it and the program makes it wrong again.
        options["wrapper"] += ("/usr/bin/env", "LISTEN_PID=1")
        result = run(payload("exit", "0", rootfs=root, listen_fds=1), environment={"LISTEN_FDS": "1"}, **options)
    refused(result, Exit.STDIN, Exit.CONFIG)


# ---- without a rootfs, without privilege, attested ----


def test_host_tree_shows_programs_read_only(tmp_path):
    copy = tmp_path / "bin"
    copy.mkdir()
    sandbox.published(copy, build.payload())
    spec = Spec(arguments=["/opt/t/payload", "list", "/", "/etc", ",", "write", "/usr/x", "x", ",", "open", "r",
                           "/usr/bin/env", "/root", "/home", "/var/lib", "/etc/shadow", ",", "write", "/tmp/x", "x"],
                volumes=[(copy, "/opt/t", "ro")], tmpfs=[("/tmp", MIB)])
    result = run(spec)
    assert result.code == 0, result
    assert result.one("open", "/usr/bin/env") == "OK"
    assert result.one("write", "/usr/x") in ("EROFS", "EACCES")
    assert result.one("write", "/tmp/x") == "OK"
    for hidden in ("/root", "/home", "/var/lib", "/etc/shadow"):
        assert result.one("open", hidden) == "ENOENT", result
    assert "sys" not in result.all("entry", "/")


def test_host_tree_runs_the_hosts_shell():
    result = run(Spec(arguments=["/bin/sh", "-c", "echo shell runs; exit 4"]))
    assert (result.code, result.stdout) == (4, b"shell runs\n"), result


@pytest.fixture
def mine():
    """What an unprivileged caller needs: nucleus-exec, a tree and a volume of its own."""
    me = sandbox.UNPRIVILEGED
    with rootfs.public_directory() as path:
        root = rootfs.make(path / "root", ["data"])
        (path / "volume").mkdir()
        rootfs.give(root, me, me)
        rootfs.give(path / "volume", me, me)
        yield {"uid": me, "program": sandbox.published(path, build.nucleus_exec())}, root, path / "volume"


@pytest.mark.parametrize("mode", ["agent", "strict-agent"])
def test_unprivileged_caller_gets_the_same_sandbox(mine, mode):
    caller, root, volume = mine
    spec = payload("ids", ",", "status", ",", "ns", ",", "write", "/data/new", "x", ",", "write", "/bin/x", "x", ",",
                   "interfaces", ",", "hostname", rootfs=root, id_base=0, mode=mode, hostname="mine",
                   volumes=[(volume, "/data", "rw")])
    result = run(spec, **caller)
    assert result.code == 0 and result.ready, result
    assert result.one("write", "/data/new") == "OK"
    assert os.stat(volume / "new").st_uid == sandbox.UNPRIVILEGED
    assert result.one("write", "/bin/x") in ("EROFS", "EACCES")
    seen = dict(result.all("status"))
    assert (seen["NoNewPrivs"], seen["Seccomp"], int(seen["CapEff"], 16), int(seen["CapBnd"], 16)) == ("1", "2", 0, 0)
    assert result.all("interface") == [("lo", "up")] and result.one("hostname") == "mine"
    host = {k: kernel.namespace("self", k) for k in KERNEL_NAMES.values()}
    inside = dict(result.all("ns"))
    assert {k for k in host if inside[k] == host[k]} == {"time"}, result


def test_unprivileged_caller_keeps_no_host_right(mine):
    caller, root, volume = mine
    for name, mode in (("secret", 0o600), ("there", 0o644)):
        (volume / name).write_text("of root")
        os.chmod(volume / name, mode)
    os.chown(volume, 0, 0)
    result = run(payload("read", "/data/secret", "/data/there", rootfs=root, id_base=0,
                         volumes=[(volume, "/data", "ro")]), **caller)
    assert result.one("read", "/data/secret") == "EACCES", result
    assert result.one("read", "/data/there") == "OK", result


def test_production_runs_an_attested_tree(root):
    pin = rootfs.attest(root)
    spec = payload("status", ",", "mounts", rootfs=root, mode="production", attest=pin, user="web")
    result = run(spec)
    assert result.code == 0 and result.ready, result
    assert run(spec.but(attest="unpinned")).code == 0
    refused(run(spec.but(attest=pin[::-1])), Exit.DATAERR)

    with open(f"{root}/etc/group", "a") as f:
        f.write("evil:x:0:web\n")
    changed = refused(run(spec), Exit.DATAERR)
    assert "etc/group" in changed.stderr, changed
