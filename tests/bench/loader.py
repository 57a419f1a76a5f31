# SPDX-License-Identifier: Apache-2.0
"""nucleus-exec with a prepared spec against bwrap, crun and runc.

All of them run the same static program that exits at once, in the same root tree shown read-only, with a
private /proc, /dev and /tmp, no network, a user namespace and no capabilities. Nucleus does more in its time
than the others are asked for: Landlock, a seccomp filter, a PID 1 that reaps, and in production the hashing of
the tree and the audit of the mount table. Below them all stands the floor (floor.c): what the kernel takes for
the same namespaces, processes and mounts from a program that protects nothing.
"""

import base64
import hashlib
import json
import os
import pathlib
import shutil
import subprocess

import seccomp
from timing import Contestant, measure, usable

ID_BASE = 0x30000000
TREE_PADDING = 2 * 1024 * 1024  # so that production hashes something: a small static program's tree

MODES = ("agent", "strict-agent", "production")
FLOOR = pathlib.Path(__file__).parent / "floor.c"
PROGRAM = "int main(void) { return 0; }\n"

SPEC = """\
nucleus-spec 1
name bench
mode {mode}
argument /bin/true
environment PATH=/usr/bin:/bin
workdir /
hostname bench
user 0
id-base {id_base}
namespaces user pid mount net uts ipc cgroup
network none
rootfs {rootfs}
{attest}tmpfs /tmp 16777216
{policy}"""

BUILTIN_POLICY = "seccomp default\nlandlock default\n"

# What a profile, a Landlock policy and a capability policy become: as much as the built-in ones, but in the spec.
OWN_POLICY = """\
capabilities-bounding 0000000000000400
capabilities-ambient 0000000000000400
seccomp custom
seccomp-program {program}
landlock custom
landlock-min-abi 3
landlock-rule required execute,read_file,read_dir /
landlock-rule required write_file,read_file,read_dir,ioctl_dev /dev
landlock-rule required write_file,read_file,read_dir /proc
landlock-rule required write_file,read_file,read_dir,remove_dir,remove_file,make_dir,make_reg /tmp
landlock-scoped abstract_unix_socket signal
"""


def make_tree(tree, program=PROGRAM):
    for directory in ("bin", "dev", "proc", "tmp", "etc", "sys"):
        (tree / directory).mkdir(parents=True)
    (tree / "etc/passwd").write_text("root:x:0:0::/:/bin/false\n")
    (tree / "etc/group").write_text("root:x:0:\n")
    (tree / "padding").write_bytes(os.urandom(TREE_PADDING))
    subprocess.run(["cc", "-O2", "-static", "-x", "c", "-", "-o", tree / "bin/true"],
                   input=program.encode(), check=True)


def spec_file(work, tree, mode, attest="", policy=BUILTIN_POLICY):
    spec = work / f"{mode}-{hashlib.sha256(policy.encode()).hexdigest()[:8]}.spec"
    spec.write_text(SPEC.format(mode=mode, id_base=ID_BASE, rootfs=tree, attest=attest, policy=policy))
    return str(spec)


def helper(build, attested=False):
    """The one that the generator names in a unit: static, unless a tree has to be hashed."""
    static = build / "exec-helper/nucleus-exec-static"
    return str(static if static.exists() and not attested else build / "exec-helper/nucleus-exec")


def nucleus(work, tree, build, attest, suffix=""):
    return [Contestant(f"nucleus-exec, {mode}{suffix}", [helper(build, mode == "production")],
                       stdin=spec_file(work, tree, mode, attest if mode == "production" else ""))
            for mode in MODES]


def dynamic(work, tree, build):
    """The one that could attest, to see what the static one saves."""
    return Contestant("nucleus-exec, agent, dynamically linked", [str(build / "exec-helper/nucleus-exec")],
                      stdin=spec_file(work, tree, "agent"))


def own_policy(work, tree, build, source):
    """The agent's own profile, by the way that a user's goes."""
    compiler = seccomp.build_compiler(build)
    program = subprocess.run([compiler, "nucleus", source / "policies/agent.seccomp.json", "400"], check=True,
                             capture_output=True).stdout
    policy = OWN_POLICY.format(program=base64.b64encode(program).decode())
    return Contestant("nucleus-exec, agent, policies of its own", [helper(build)],
                      stdin=spec_file(work, tree, "agent", policy=policy))


def attest_tree(tree, build):
    subprocess.run([build / "tools/nucleus", "attest", tree], check=True, stdout=subprocess.DEVNULL)
    return f"attest {hashlib.sha256((tree / '.nucleus-rootfs-sha256').read_bytes()).hexdigest()}\n"


def static_compiler():
    """With the C library that starts soonest, musl's, which does not look for the kernel's headers."""
    if not shutil.which("musl-gcc"):
        return ["cc"]
    machine = subprocess.run(["cc", "-print-multiarch"], check=True, capture_output=True, text=True).stdout.strip()
    return ["musl-gcc", "-idirafter", "/usr/include", "-idirafter", f"/usr/include/{machine}"]


def floor(work, tree):
    """What no loader can go below, and the program alone."""
    program = work / "floor"
    subprocess.run([*static_compiler(), "-O2", "-static", "-D_GNU_SOURCE", FLOOR, "-o", program], check=True)
    levels = ("namespaces", "and ids", "and a root")
    return [Contestant("the program alone", [str(tree / "bin/true")])] + [
        Contestant(f"floor {level}: {what}", [str(program), str(level), str(tree), "/bin/true"])
        for level, what in enumerate(levels)]


def bwrap(tree):
    return Contestant("bwrap --unshare-all", [
        "bwrap", "--unshare-all", "--ro-bind", str(tree), "/", "--dev", "/dev", "--proc", "/proc",
        "--tmpfs", "/tmp", "--hostname", "bench", "--cap-drop", "ALL", "--clearenv",
        "--setenv", "PATH", "/usr/bin:/bin", "/bin/true"])


def tmpfs(destination, *options):
    return {"destination": destination, "type": "tmpfs", "source": "tmpfs",
            "options": ["nosuid", "nodev", *options]}


def oci_config(tree):
    ids = [{"containerID": 0, "hostID": ID_BASE, "size": 65536}]
    return {
        "ociVersion": "1.0.0",
        "process": {
            "user": {"uid": 0, "gid": 0}, "args": ["/bin/true"], "env": ["PATH=/usr/bin:/bin"], "cwd": "/",
            "capabilities": {}, "noNewPrivileges": True,
        },
        "root": {"path": str(tree), "readonly": True},
        "hostname": "bench",
        "mounts": [
            {"destination": "/proc", "type": "proc", "source": "proc"},
            {"destination": "/dev", "type": "tmpfs", "source": "tmpfs", "options": ["nosuid", "mode=755"]},
            {"destination": "/dev/pts", "type": "devpts", "source": "devpts",
             "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"]},
            tmpfs("/dev/shm", "mode=1777"),
            tmpfs("/tmp", "mode=1777"),
        ],
        "linux": {
            "namespaces": [{"type": t} for t in ("pid", "network", "ipc", "uts", "mount", "cgroup", "user")],
            "uidMappings": ids, "gidMappings": ids,
        },
    }


def oci(work, tree, name, argv):
    bundle = work / name
    bundle.mkdir()
    (bundle / "config.json").write_text(json.dumps(oci_config(tree)))
    return Contestant(name, [*argv, "run", "--bundle", str(bundle), f"nucleus-bench-{os.getpid()}"])


def run(work, build, source, runs, pause, before=None):
    tree = work / "tree"
    make_tree(tree)
    os.chmod(work, 0o755)  # crun and runc reach the tree as the mapped user
    state = work / "state"
    attest = attest_tree(tree, build)
    contestants = [*nucleus(work, tree, build, attest), own_policy(work, tree, build, source),
                   dynamic(work, tree, build)]
    if before:
        contestants += nucleus(work, tree, before.resolve(), attest, ", before")
    contestants += [
        *floor(work, tree),
        bwrap(tree),
        oci(work, tree, "crun", ["crun", "--root", str(state), "--cgroup-manager=disabled"]),
        oci(work, tree, "runc", ["runc", "--root", str(state)]),
    ]
    return {
        "title": "one start of a static program (nucleus-exec, its floor, bwrap, crun, runc)",
        "reference": "bwrap --unshare-all",
        "results": measure(usable(contestants), runs, pause=pause),
        "targets": [("nucleus-exec, agent", "bwrap --unshare-all", 0.6),
                    ("nucleus-exec, strict-agent", "bwrap --unshare-all", 0.6)],
    }
