# SPDX-License-Identifier: Apache-2.0
"""
Policies that somebody wrote for a service, as nucleus-exec applies them: Landlock rules (attack 42), kept
capabilities, and a seccomp program. What is denied is paired with the same call where it is granted, so that it is
the policy that answers. Specs are written by hand; what becomes of policy files is for tests/unit/test-policy-files.c.
"""

import base64
import os
import shutil
import signal
import socket
import stat
import struct

import pytest
from lib import build, kernel, rootfs
from lib.sandbox import UNPRIVILEGED, outside, published, refused, run, without
from lib.spec import DEFAULT, Exit, Spec, payload

LANDLOCK_CREATE_RULESET, VERSION = 444, 1
ABI = kernel.libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, VERSION)
NO_ABI = 999  # that no kernel has
TCGETS = "0x5401"
GETPPID, EXECVE, READ, WRITE, EXIT, EXIT_GROUP = {
    "x86_64": (110, 59, 0, 1, 60, 231), "aarch64": (173, 221, 63, 64, 93, 94)}[os.uname().machine]

RIGHTS = ["execute", "write_file", "read_file", "read_dir", "remove_dir", "remove_file", "make_char", "make_dir",
          "make_reg", "make_sock", "make_fifo", "make_block", "make_sym", "refer", "truncate", "ioctl_dev"]
SINCE = {"refer": 2, "truncate": 3, "ioctl_dev": 5}  # the ABI that brought the right; 1 for the rest
START = ("/bin", "execute,read_file")  # what the payload, a static program, needs


def program(*instructions):
    return base64.b64encode(b"".join(struct.pack("=HBBI", *i) for i in instructions)).decode()


LOAD_NR, RETURN = (0x20, 0, 0, 0), 0x06
ALLOW, EPERM = (RETURN, 0, 0, 0x7FFF0000), (RETURN, 0, 0, 0x00050001)
EVERYTHING = program(ALLOW)


def custom(*verbs, rules=(START,), scoped=("abstract_unix_socket", "signal"), **more):
    """The payload under a Landlock policy of its own, and a filter that lets everything through."""
    return payload(*verbs, landlock="custom", landlock_rules=list(rules),
                   landlock_scoped=scoped if ABI >= 6 else (),
                   **{"seccomp": "custom", "seccomp_program": EVERYTHING, **more})


def built_in(spec):
    """The same service under the built-in rules."""
    return spec.but(landlock="default", landlock_rules=[], landlock_ports=[], landlock_scoped=())


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


@pytest.fixture
def volume(tmp_path):
    """For /data: one of everything, for user 0."""
    place = tmp_path / "volume"
    for name in ("a", "b", "empty"):
        (place / name).mkdir(parents=True)
    for name in ("file", "a/file"):
        (place / name).write_text("text")
    shutil.copy(build.payload(), place / "program")
    (place / "program").chmod(0o755)
    return place


def words(*without_these):
    return ",".join(r for r in RIGHTS if r not in without_these)


# ---- 42: each right, granted and not ----

# What is tried, the answer where the right is not granted, and where it is.
PROBES = {
    "execute": (["exec", "/data/program", "cwd"], "EACCES", "/"),
    "write_file": (["open", "w", "/data/file"], "EACCES", "OK"),
    "read_file": (["open", "r", "/data/file"], "EACCES", "OK"),
    "read_dir": (["open", "rd", "/data/a"], "EACCES", "OK"),
    "remove_dir": (["syscall", "unlinkat", "-100", "s:/data/empty", "0x200"], "EACCES", "OK"),
    "remove_file": (["syscall", "unlinkat", "-100", "s:/data/file", "0"], "EACCES", "OK"),
    # A whiteout (0:0) is the character device that needs no capability; of a block device the kernel says EPERM.
    "make_char": (["syscall", "mknodat", "-100", "s:/data/new", str(stat.S_IFCHR), "0"], "EACCES", "OK"),
    "make_block": (["syscall", "mknodat", "-100", "s:/data/new", str(stat.S_IFBLK), "0x700"], "EACCES", "EPERM"),
    "make_dir": (["syscall", "mkdirat", "-100", "s:/data/new", "0700"], "EACCES", "OK"),
    "make_reg": (["syscall", "openat", "-100", "s:/data/new", "0x41", "0600"], "EACCES", "OK"),
    "make_sock": (["syscall", "mknodat", "-100", "s:/data/new", str(stat.S_IFSOCK), "0"], "EACCES", "OK"),
    "make_fifo": (["syscall", "mknodat", "-100", "s:/data/new", str(stat.S_IFIFO), "0"], "EACCES", "OK"),
    "make_sym": (["syscall", "symlinkat", "s:file", "-100", "s:/data/new"], "EACCES", "OK"),
    "refer": (["syscall", "renameat2", "-100", "s:/data/a/file", "-100", "s:/data/b/file", "0"], "EXDEV", "OK"),
    "truncate": (["syscall", "truncate", "s:/data/file", "1"], "EACCES", "OK"),
    "ioctl_dev": (["ioctl", "/dev/null", TCGETS, "b:64"], "EACCES", "ENOTTY"),
}
PROBES = {right: probe for right, probe in PROBES.items() if SINCE.get(right, 1) <= ABI}


@pytest.mark.parametrize("right", PROBES)
def test_42_right_denied_unless_granted(root, volume, right):
    verbs, denied, allowed = PROBES[right]
    place = "/dev" if right == "ioctl_dev" else "/data"
    spec = custom(*verbs, rootfs=root, volumes=[(volume, "/data", "rw")])
    before = rootfs.snapshot(volume)

    def answer(access):
        result = run(spec.but(landlock_rules=[START, (place, access)]))
        assert result.rows, result
        return result.rows[-1][-1]

    assert answer(words(right)) == denied
    assert rootfs.snapshot(volume) == before
    assert answer(words()) == allowed


def test_42_policy_replaces_the_built_in_rules(root, volume):
    verbs = ["open", "r", "/data/file", ",", "open", "r", "/etc/passwd", ",", "open", "rd", "/proc"]
    spec = custom(*verbs, rootfs=root, volumes=[(volume, "/data", "rw")])

    assert [row[1] for row in run(spec).all("open")] == ["EACCES"] * 3
    assert [row[1] for row in run(built_in(spec)).all("open")] == ["OK"] * 3


def test_42_rule_of_a_file_grants_nothing_beside_it(root, volume):
    """Rights that only directories have are left out for a file, which the kernel would not take."""
    verbs = ["open", "r", "/data/file", ",", "open", "r", "/data/a/file", ",", "open", "w", "/data/file"]
    spec = custom(*verbs, rootfs=root, volumes=[(volume, "/data", "rw")],
                  rules=[START, ("/data/file", words("write_file"))])
    assert [row[1] for row in run(spec).all("open")] == ["OK", "EACCES", "EACCES"]


# ---- 42: ports ----


def address(port):
    """A sockaddr_in of the loopback, for the payload."""
    return "x:" + (struct.pack("=H", socket.AF_INET) + struct.pack(">H", port) + bytes([127, 0, 0, 1] + [0] * 8)).hex()


def tcp(call, port):
    """The socket is descriptor 3, or the next."""
    return ["syscall", "socket", "2", "1", "0", ",", "syscall", call, "3", address(port), "16"]


# What the network itself says where nothing listens.
@pytest.mark.parametrize("call, right, allowed", [("bind", "bind_tcp", "OK"),
                                                  ("connect", "connect_tcp", "ECONNREFUSED")])
@pytest.mark.skipif(ABI < 4, reason="Landlock knows no ports before ABI 4 (Linux 6.7)")
def test_42_port_denied_unless_granted(root, call, right, allowed):
    other = "connect_tcp" if right == "bind_tcp" else "bind_tcp"

    def answer(*ports, port=8080):
        spec = custom(*tcp(call, port), rootfs=root, landlock_min_abi=4 if ports else 0, landlock_ports=list(ports))
        result = run(spec)
        assert result.one("syscall", "socket") == "OK", result
        return result.one("syscall", call)

    assert answer((8080, right)) == allowed
    assert answer((8080, "bind_tcp,connect_tcp")) == allowed
    assert answer() == "EACCES"
    assert answer((8080, other)) == "EACCES"
    assert answer((8081, right)) == "EACCES"
    # The built-in policy says nothing of ports: its service has a network of its own.
    assert run(payload(*tcp(call, 8080), rootfs=root)).one("syscall", call) == allowed


# ---- 42: scopes ----


@pytest.mark.skipif(ABI < 6, reason="Landlock knows no scopes before ABI 6 (Linux 6.12)")
def test_42_signal_to_outside_denied_unless_granted(root):
    """PID 1 of the service is Nucleus's own, of the same user, and outside of the workload's domain."""
    spec = custom("syscall", "kill", "1", "0", rootfs=root)
    assert run(spec).one("syscall", "kill") == "EPERM"
    assert run(spec.but(landlock_scoped=("signal",))).one("syscall", "kill") == "EPERM"
    assert run(spec.but(landlock_scoped=("abstract_unix_socket",))).one("syscall", "kill") == "OK"
    assert run(spec.but(landlock_scoped=())).one("syscall", "kill") == "OK"


# ---- 42: what refuses the start ----

MODES = ["agent", "strict-agent", "production"]


def hinted(result):
    """The message, and what the service manager shows, end with where the demand comes from."""
    hint = "; see: nucleus show test"
    assert result.stderr.endswith(hint + "\n") and result.stderr.count(hint) == 1, result
    assert [line for line in result.notified if line.startswith("STATUS=")][-1].endswith(hint), result


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("landlock", ["default", "custom"])
def test_42_min_abi_above_the_kernels_refused(root, mode, landlock):
    rootfs.attest(root)
    spec = custom("cwd", rootfs=root, mode=mode, attest="unpinned", landlock_min_abi=NO_ABI)
    if landlock == "default":
        spec = built_in(spec)

    result = refused(run(spec), Exit.LANDLOCK)
    assert f"the kernel's Landlock ABI is {ABI}, at least {NO_ABI} is needed: " in result.stderr
    hinted(result)
    assert run(spec.but(landlock_min_abi=ABI)).code == 0


@pytest.mark.parametrize("mode", MODES)
def test_42_policy_is_never_left_out(root, mode):
    """A kernel without Landlock: the agent tier does without the built-in rules, and not without somebody's."""
    rootfs.attest(root)
    spec = custom("cwd", rootfs=root, mode=mode, attest="unpinned")
    lacking = without("landlock_create_ruleset")

    refused(run(spec, wrapper=lacking), Exit.LANDLOCK)
    refused(run(built_in(spec).but(landlock_min_abi=1), wrapper=lacking), Exit.LANDLOCK)
    assert run(spec).code == 0
    assert run(built_in(spec), wrapper=lacking).code == (0 if mode == "agent" else Exit.LANDLOCK)


@pytest.mark.parametrize("path", ["/missing", "/data/missing", "/etc/passwd/missing"])
def test_42_missing_path_refused_unless_optional(root, path):
    spec = custom("cwd", rootfs=root, rules=[START, (path, "read_file")])
    result = refused(run(spec), Exit.LANDLOCK)
    assert f"cannot open the path {path} of the Landlock policy of the service" in result.stderr
    hinted(result)
    result = refused(run(spec.but(landlock_source="/etc/l.toml")), Exit.LANDLOCK)
    assert f"cannot open the path {path} of the Landlock policy /etc/l.toml" in result.stderr
    assert run(spec.but(landlock_rules=[START, (path, "read_file", "optional")])).code == 0
    assert run(spec.but(landlock_rules=[START, ("/etc/passwd", "read_file")])).code == 0


@pytest.mark.parametrize("access", [None, "read_file", "execute"])
def test_42_program_that_may_not_run_is_named(root, access):
    rules = [("/bin", access)] if access else []
    result = refused(run(custom("cwd", rootfs=root, rules=rules)), Exit.EXEC)
    assert "cannot execute /bin/payload: the Landlock policy of the service must grant execute and" in result.stderr
    result = refused(run(custom("cwd", rootfs=root, rules=rules, landlock_source="/etc/l.toml")), Exit.EXEC)
    assert "cannot execute /bin/payload: the Landlock policy /etc/l.toml must grant execute and read_file there" in \
        result.stderr
    # Another reason is not blamed on the policy.
    os.chmod(f"{root}/bin/payload", 0o644)
    result = refused(run(custom("cwd", rootfs=root)), Exit.EXEC)
    assert "cannot execute /bin/payload" in result.stderr and "Landlock" not in result.stderr


# ---- 42: paths that lead elsewhere ----


def answer_by_link(root, volume, target, **more):
    """What the rule for /link grants, where /link, in the read-only root tree, leads to `target`."""
    os.symlink(target, f"{root}/link")
    verbs = ["open", "r", "/data/a/file", ",", "open", "r", "/data/file"]
    return run(custom(*verbs, rootfs=root, volumes=[(volume, "/data", "rw")], rules=[START, ("/link", "read_file")],
                      **more))


@pytest.mark.parametrize("target", ["/data/a", "data/a", "../../data/./a/", "/etc/../data/a", "/hop"])
def test_42_link_of_the_root_tree_followed(root, volume, target):
    os.symlink("/data/a", f"{root}/hop")
    result = answer_by_link(root, volume, target)
    assert [row[1] for row in result.all("open")] == ["OK", "EACCES"], result


OUTSIDE = "leads through a symbolic link outside of the root tree"


@pytest.mark.parametrize("how", ["rw", "ro"])
@pytest.mark.parametrize("name, planted", [("/data/planted", "/"), ("/data/planted", "file"),
                                           ("/data/planted/x", "/data/a"), ("/link", "/etc")])
def test_42_planted_link_refused(root, volume, name, planted, how):
    """Who may write to a volume, here or in another service, would choose there what the next start grants."""
    (volume / "a/x").mkdir()
    os.symlink(planted, volume / "planted")
    os.symlink("/data/planted", f"{root}/link")
    spec = custom("cwd", rootfs=root, volumes=[(volume, "/data", how)], rules=[START, (name, "read_file")])

    result = refused(run(spec), Exit.LANDLOCK)
    assert f"the path {name} of the Landlock policy of the service {OUTSIDE}" in result.stderr
    refused(run(spec.but(landlock_rules=[START, (name, "read_file", "optional")])), Exit.LANDLOCK)
    # The same links, where only the operator can have put them.
    shutil.rmtree(f"{root}/data")
    shutil.copytree(volume, f"{root}/data", symlinks=True)
    assert run(spec.but(volumes=[])).code == 0


@pytest.mark.parametrize("target", ["real", "/etc", "/"])
def test_42_link_in_a_read_only_volume_does_not_widen(root, volume, target):
    """A service that has the volume read-only here and writable there, or a neighbour that has it writable."""
    (volume / "real").mkdir()
    os.symlink(target, volume / "current")
    verbs = ["open", "r", "/etc/passwd"]
    spec = custom(*verbs, rootfs=root, volumes=[(volume, "/data", "ro")],
                  rules=[START, ("/data/current", "read_file")])
    refused(run(spec), Exit.LANDLOCK)
    # The same without the link, and what it would have granted.
    for path, answer in (("/data/real", "EACCES"), ("/etc", "OK")):
        result = run(spec.but(landlock_rules=[START, (path, "read_file")]))
        assert result.all("open") == [("/etc/passwd", answer)], result


def test_42_link_in_a_volume_without_a_root_tree_refused(volume):
    """Of a service without a root tree: links of the host's tree are followed, those of its volumes are not."""
    os.symlink("/etc", volume / "current")
    places = ("/usr", "/bin", "/lib", "/lib64", "/nix/store")
    tree = [(path, "execute,read_file,read_dir", "optional") for path in places]
    spec = Spec(arguments=["/bin/sh", "-c", "exit 7"], landlock="custom", landlock_rules=tree,
                volumes=[(volume, "/srv/data", "ro")])
    assert run(spec).code == 7
    result = refused(run(spec.but(landlock_rules=[*tree, ("/srv/data/current", "read_file")])), Exit.LANDLOCK)
    assert f"/srv/data/current of the Landlock policy of the service {OUTSIDE}" in result.stderr


def test_42_program_of_the_host_runs_where_its_loader_may():
    """Without a rootfs the host's links (/bin, /lib64) are copied into a root that is read-only."""
    tree = [(path, "execute,read_file,read_dir", "optional") for path in ("/usr", "/lib", "/lib64", "/nix/store")]
    spec = Spec(arguments=["/bin/sh", "-c", "exit 7"], landlock="custom", landlock_rules=[START, *tree])
    assert run(spec).code == 7
    result = refused(run(spec.but(landlock_rules=[START])), Exit.EXEC)
    assert "for its interpreter and loader" in result.stderr


def test_42_link_loop_refused(root):
    os.symlink("/two", f"{root}/one")
    os.symlink("/one", f"{root}/two")
    result = refused(run(custom("cwd", rootfs=root, rules=[START, ("/one", "read_file")])), Exit.LANDLOCK)
    assert "cannot open the path /one" in result.stderr


@pytest.mark.parametrize("path", ["/proc/self/root", "/proc/1/root/etc", "/proc/self/cwd"])
def test_42_magic_link_refused(root, path):
    result = refused(run(custom("cwd", rootfs=root, rules=[START, (path, "read_file")])), Exit.LANDLOCK)
    assert f"the path {path} of the Landlock policy" in result.stderr


# ---- denials that are logged ----


def test_log_of_denials_changes_no_answer(root):
    """The kernel takes the flags, and denies as before; where it has no log, the start goes on."""
    verbs = ["syscall", "openat", "-100", "s:/etc/passwd", "0", ",", "syscall", "unshare", "0"]
    spec = custom(*verbs, rootfs=root, seccomp="default", seccomp_program=None)
    for each, first in ((spec, "EACCES"), (built_in(spec), "OK")):
        for log in (False, True):
            assert [w for _, w in run(each.but(log_denials=log)).all("syscall")] == [first, "EPERM"]


# ---- capabilities ----

NET_BIND_SERVICE, SYS_ADMIN = 10, 21
SETS = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


def sets(result):
    seen = dict(result.all("status"))
    return {name: int(seen[name], 16) for name in SETS}


def low_port(user, **more):
    return payload(*tcp("bind", 80), user=user, **more)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("user", ["web", "0"])
def test_21_kept_capability_works_and_nothing_else_is_kept(root, mode, user):
    rootfs.attest(root)
    options = {"rootfs": root, "mode": mode, "attest": "unpinned"}
    kept = {"bounding": (NET_BIND_SERVICE,), "ambient": (NET_BIND_SERVICE,)}

    assert run(low_port(user, **options)).one("syscall", "bind") == "EACCES"
    assert run(low_port(user, **options, bounding=(NET_BIND_SERVICE,))).one("syscall", "bind") == "EACCES"
    assert run(low_port(user, **options, bounding=(0, SYS_ADMIN), ambient=(0,))).one("syscall", "bind") == "EACCES"
    assert run(low_port(user, **options, **kept)).one("syscall", "bind") == "OK"

    status = payload("status", user=user, **options)
    bit = 1 << NET_BIND_SERVICE
    assert sets(run(status.but(**kept))) == dict.fromkeys(SETS, bit)
    assert sets(run(status.but(bounding=(NET_BIND_SERVICE,)))) == {**dict.fromkeys(SETS, 0), "CapBnd": bit}
    assert sets(run(status.but(bounding=(0, NET_BIND_SERVICE), ambient=(NET_BIND_SERVICE,)))) == \
        {**dict.fromkeys(SETS, bit), "CapBnd": bit | 1}
    assert sets(run(status)) == dict.fromkeys(SETS, 0)


def test_21_kept_capability_reaches_children_and_no_further(root):
    kept = {"bounding": (0, NET_BIND_SERVICE), "ambient": (NET_BIND_SERVICE,)}
    below = run(payload("exec", "/bin/payload", "status", rootfs=root, user="web", **kept))
    assert sets(below) == {**dict.fromkeys(SETS, 1 << NET_BIND_SERVICE), "CapBnd": 1 << NET_BIND_SERVICE | 1}
    assert dict(below.all("status"))["NoNewPrivs"] == "1"
    # What the bounding set has beyond that cannot be raised: PR_CAP_AMBIENT (47), RAISE (2).
    raised = ["syscall", "prctl", "47", "2", str(NET_BIND_SERVICE), "0", "0", ",", "syscall", "prctl", "47", "2", "0",
              "0", "0"]
    everything = {"seccomp": "custom", "seccomp_program": EVERYTHING}
    result = run(payload(*raised, rootfs=root, user="web", **kept, **everything))
    assert [w for _, w in result.all("syscall")] == ["EPERM", "EPERM"], result
    # The control: the kernel lets its holder raise what is inheritable, where the set is not locked.
    free = outside("syscall", "prctl", "47", "2", "13", "0", "0", preexec=kernel.raise_ambient_net_raw)
    assert free.one("syscall", "prctl") == "OK"


def test_21_file_capability_beyond_the_kept_gains_nothing(root):
    os.setxattr(f"{root}/bin/payload", "security.capability", struct.pack("<IIIII", 0x02000001, 1 << 13, 0, 0, 0))
    kept = {"bounding": (NET_BIND_SERVICE, 13), "ambient": (NET_BIND_SERVICE,)}
    seen = sets(run(payload("exec", "/bin/payload", "status", rootfs=root, user="web", **kept)))
    assert seen["CapEff"] & 1 << 13 == 0 and seen["CapPrm"] & 1 << 13 == 0, seen


@pytest.mark.skipif(not shutil.which("strace"), reason="strace is not installed")
@pytest.mark.parametrize("call, error, calls", [("prctl", "EPERM", range(40, 56)), ("prctl", "EINVAL", range(40, 56)),
                                                ("capset", "EPERM", range(1, 5))])
def test_55_failing_call_keeps_no_other_capability(root, call, error, calls):
    """Around the end of the bounding set and the ambient set; test_setup_process.py has what comes before."""
    spec = payload("status", rootfs=root, bounding=(0, NET_BIND_SERVICE), ambient=(NET_BIND_SERVICE,))
    expected = {**dict.fromkeys(SETS, 1 << NET_BIND_SERVICE), "CapBnd": 1 << NET_BIND_SERVICE | 1}
    codes = set()
    for n in calls:
        wrapper = ("strace", "-f", "-qq", "-o", "/dev/null", "-e", f"inject={call}:error={error}:when={n}")
        result = run(spec, wrapper=wrapper)
        codes.add(result.code)
        if result.code == 0:
            assert sets(result) == expected, (n, result)
        else:
            assert result.stdout == b"" and not result.ready, (n, result)
    assert Exit.CAPABILITIES in codes


def test_kept_capability_is_not_the_hosts(root):
    """In a user namespace even CAP_SYS_ADMIN does not reach what is the whole machine's."""
    spec = payload("syscall", "swapoff", "s:", ",", "syscall", "sethostname", "s:mine", "4", rootfs=root,
                   bounding=(SYS_ADMIN,), ambient=(SYS_ADMIN,), seccomp="custom", seccomp_program=EVERYTHING)
    name = socket.gethostname()
    assert [w for _, w in run(spec).all("syscall")] == ["EPERM", "OK"]
    assert socket.gethostname() == name
    assert [w for _, w in run(spec.but(bounding=(), ambient=())).all("syscall")] == ["EPERM", "EPERM"]
    assert outside("syscall", "swapoff", "s:").one("syscall", "swapoff") != "EPERM"


def test_kept_capability_of_an_unprivileged_caller():
    """In the one namespace that it can make, of its own user."""
    with rootfs.public_directory() as path:
        spec = low_port("0", rootfs=rootfs.make(path / "root"), id_base=0)
        options = {"uid": UNPRIVILEGED, "program": published(path, build.nucleus_exec())}
        assert run(spec, **options).one("syscall", "bind") == "EACCES"
        kept = spec.but(bounding=(NET_BIND_SERVICE,), ambient=(NET_BIND_SERVICE,))
        assert run(kept, **options).one("syscall", "bind") == "OK"


def test_capabilities_without_user_namespace_refused(root):
    spec = payload("cwd", rootfs=root, mode="agent", bounding=(NET_BIND_SERVICE,))
    host = tuple(n for n in DEFAULT if n != "user")
    result = refused(run(spec.but(namespaces=host, id_base=0)), Exit.CONFIG)
    assert "capabilities without a user namespace" in result.stderr
    assert run(spec).code == 0


def test_capability_that_the_kernel_lacks_refused(root):
    spec = payload("cwd", rootfs=root, mode="agent", bounding=(NET_BIND_SERVICE, 62))
    result = refused(run(spec), Exit.CAPABILITIES)
    assert "capability 62, which is to be kept, is not in the bounding set" in result.stderr
    assert run(spec.but(bounding=(NET_BIND_SERVICE,))).code == 0


# ---- a seccomp program ----


def test_seccomp_program_replaces_the_built_in(root):
    deny = program(LOAD_NR, (0x15, 0, 1, GETPPID), EPERM, ALLOW)
    verbs = ["syscall", "getppid", ",", "syscall", "unshare", "0"]
    spec = payload(*verbs, rootfs=root)

    assert [w for _, w in run(spec.but(seccomp="custom", seccomp_program=deny)).all("syscall")] == ["EPERM", "OK"]
    assert [w for _, w in run(spec.but(seccomp="custom", seccomp_program=EVERYTHING)).all("syscall")] == ["OK", "OK"]
    assert [w for _, w in run(spec).all("syscall")] == ["OK", "EPERM"]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("instructions", [(LOAD_NR,), ((0xFFFF, 0, 0, 0), ALLOW), ((0x05, 0, 0, 9), ALLOW)],
                         ids=["no-return", "no-instruction", "jump-beyond"])
def test_seccomp_program_that_the_kernel_refuses(root, mode, instructions):
    rootfs.attest(root)
    spec = payload("cwd", rootfs=root, mode=mode, attest="unpinned", seccomp="custom", seccomp_source="/etc/p.json")
    result = refused(run(spec.but(seccomp_program=program(*instructions))), Exit.SECCOMP)
    assert "cannot load the seccomp filter of /etc/p.json" in result.stderr
    assert run(spec.but(seccomp_program=EVERYTHING)).code == 0


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("action", [0x80000000, 0x00000000, 0x00050001, 0x00050026],
                         ids=["kill-process", "kill-thread", "errno-EPERM", "errno-ENOSYS"])
def test_49_program_without_execve_is_never_ready(root, mode, action):
    rootfs.attest(root)
    spec = payload("cwd", rootfs=root, mode=mode, attest="unpinned", seccomp="custom", seccomp_source="/etc/p.json")
    execve = program(LOAD_NR, (0x15, 0, 1, EXECVE), (RETURN, 0, 0, action), ALLOW)
    result = refused(run(spec.but(seccomp_program=execve)), Exit.EXEC)
    assert "seccomp profile /etc/p.json does not allow execve" in result.stderr
    refused(run(spec.but(seccomp_program=program((RETURN, 0, 0, action)))), Exit.EXEC)
    other = program(LOAD_NR, (0x15, 0, 1, GETPPID), (RETURN, 0, 0, action), ALLOW)
    result = run(spec.but(seccomp_program=other))
    assert result.code == 0 and result.ready


ANSWERS = {"errno-EPERM": 0x00050001, "errno-ENOSYS": 0x00050026, "trap": 0x00030000, "kill-thread": 0x00000000,
           "kill-process": 0x80000000}


def allowing(*calls, otherwise):
    """Lets these calls through, and answers all others so."""
    return program(LOAD_NR, *[i for nr in calls for i in ((0x15, 0, 1, nr), ALLOW)], (RETURN, 0, 0, otherwise))


@pytest.mark.parametrize("mode", ("agent", "strict-agent"))
@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_49_program_without_execve_and_exit_does_not_hang_the_start(root, mode, answer):
    spec = payload("cwd", rootfs=root, mode=mode, seccomp="custom", seccomp_source="/etc/p.json")
    for calls in ((), (READ, WRITE), (EXIT,), (EXIT_GROUP,), (EXIT, EXIT_GROUP)):
        result = refused(run(spec.but(seccomp_program=allowing(*calls, otherwise=answer))), Exit.EXEC)
        assert "seccomp profile /etc/p.json does not allow execve" in result.stderr
    # The control: it is execve that was missed. From there on the workload meets the answer itself.
    started = run(spec.but(seccomp_program=allowing(EXECVE, otherwise=answer)))
    assert started.ready and started.code != 0 and "cannot execute" not in started.stderr, started


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_49_failure_of_exec_is_told_whatever_becomes_of_exit(root, answer):
    spec = payload("cwd", rootfs=root, seccomp="custom", seccomp_program=allowing(EXECVE, otherwise=answer))
    absent = refused(run(spec.but(arguments=["/bin/absent"])), Exit.EXEC)
    assert "cannot execute /bin/absent: No such file or directory" in absent.stderr
    assert run(spec).ready  # the control


def test_49_nothing_but_execve_is_called_behind_the_filter(root):
    """However long the program is, whose memory a C library gives back by a call."""
    long = [(0x00, 0, 0, 0)] * 4000
    spec = payload("cwd", rootfs=root, seccomp="custom")
    only = run(spec.but(seccomp_program=program(*long, LOAD_NR, (0x15, 0, 1, EXECVE), ALLOW, (RETURN, 0, 0, 0x80000000))))
    assert only.ready and only.code == -signal.SIGSYS and b"cwd" not in only.stdout, only
    more = run(spec.but(seccomp_program=program(*long, ALLOW)))
    assert more.ready and more.code == 0 and b"cwd" in more.stdout, more


def test_49_program_that_kills_the_workload_itself(root):
    """The program did run, however short: that is the service's end, not a failed start."""
    kill = program(LOAD_NR, (0x15, 0, 1, GETPPID), (RETURN, 0, 0, 0x80000000), ALLOW)
    result = run(payload("syscall", "getppid", rootfs=root, seccomp="custom", seccomp_program=kill))
    assert result.code == -signal.SIGSYS and result.ready, result


def test_seccomp_program_is_never_left_out(root):
    spec = payload("cwd", rootfs=root, mode="agent")
    refused(run(spec.but(seccomp="custom", seccomp_program=EVERYTHING), wrapper=without("seccomp")), Exit.SECCOMP)
    assert run(spec, wrapper=without("seccomp")).code == 0
