# SPDX-License-Identifier: Apache-2.0
"""
Attacks on the files and mounts of a sandbox, by a hostile root tree or neighbour. The number in a test's name
is that of the attack. Each has a control: the same probe where nothing defends.
"""

import os
import re
import resource
import shutil
import signal
import stat
import subprocess

import pytest
from lib import kernel, rootfs
from lib.sandbox import beside, outside, refused, run, start, unprotected, unprotected_by
from lib.spec import Exit, payload


@pytest.fixture
def root(tmp_path):
    return rootfs.make(tmp_path / "root", ["data"])


@pytest.fixture
def victim(tmp_path):
    """A directory of the host that an attack is after."""
    path = tmp_path / "victim"
    path.mkdir()
    (path / "passwd").write_text("planted:x:4242:4242::/:/bin/sh\n")
    (path / "group").write_text("planted:x:4242:\n")
    (path / "precious").write_text("precious\n")
    return path


# ---- 13: links in the root tree ----


@pytest.mark.parametrize("where", ["dev", "proc"])
@pytest.mark.parametrize("how", ["absolute", "relative"])
def test_13_mount_point_linked_to_the_host_refused(root, victim, where, how):
    os.rmdir(f"{root}/{where}")
    os.symlink(victim if how == "absolute" else os.path.relpath(victim, root), f"{root}/{where}")
    before = rootfs.snapshot(victim)

    result = refused(run(payload("mounts", rootfs=root)), Exit.NAMESPACE)
    assert f"/{where}" in result.stderr
    assert rootfs.snapshot(victim) == before

    control = outside("naive-bind", "/var", f"{root}/{where}")
    assert control.one("landed") == str(victim)


def test_13_parent_of_a_target_linked_to_the_host_refused(root, victim, tmp_path):
    source = tmp_path / "volume"
    source.mkdir()
    (victim / "data").mkdir()
    os.symlink(victim, f"{root}/srv")
    before = rootfs.snapshot(victim)

    for target in ("/srv/data", "/srv/new"):
        refused(run(payload("mounts", rootfs=root, volumes=[(source, target, "rw")])), Exit.NAMESPACE)
        refused(run(payload("mounts", rootfs=root, tmpfs=[(target, 1 << 20)])), Exit.NAMESPACE)
    assert rootfs.snapshot(victim) == before

    assert outside("naive-bind", str(source), f"{root}/srv/new").one("landed") == str(victim / "new")
    assert rootfs.snapshot(victim) != before


def test_13_etc_linked_to_the_host_does_not_name_users(root, victim):
    for name in ("passwd", "group"):
        os.unlink(f"{root}/etc/{name}")
    os.rmdir(f"{root}/etc")
    os.symlink(victim, f"{root}/etc")
    refused(run(payload("ids", rootfs=root, user="planted")), Exit.USER)

    os.unlink(f"{root}/etc")
    os.mkdir(f"{root}/etc")
    for name in ("passwd", "group"):
        rootfs.write(f"{root}/etc/{name}", (victim / name).read_text())
    assert run(payload("ids", rootfs=root, user="planted")).one("uid") == ("4242",) * 3


def test_13_sys_linked_to_the_host_leads_nowhere(root, victim):
    os.symlink(victim, f"{root}/sys")
    result = run(payload("open", "r", "/sys/precious", f"{victim}/precious", rootfs=root))
    assert result.all("open") == [("/sys/precious", "ENOENT"), (f"{victim}/precious", "ENOENT")]
    assert outside("open", "r", f"{root}/sys/precious").all("open") == [(f"{root}/sys/precious", "OK")]


@pytest.mark.parametrize("kind", ["fifo", "device", "link to a fifo"])
def test_13_accounts_that_are_no_file_refused(root, kind):
    os.unlink(f"{root}/etc/passwd")
    if kind == "fifo":
        os.mkfifo(f"{root}/etc/passwd")
    elif kind == "device":
        os.mknod(f"{root}/etc/passwd", stat.S_IFCHR | 0o666, os.makedev(1, 5))
    else:
        os.mkfifo(f"{root}/etc/pipe")
        os.symlink("pipe", f"{root}/etc/passwd")
    refused(run(payload("ids", rootfs=root, user="web")), Exit.USER)


# ---- 14: races at a target ----


def test_14_exchanged_target_never_reaches_the_host(root, victim, tmp_path):
    source = tmp_path / "volume"
    source.mkdir()
    (source / "sentinel").write_text("volume")
    os.symlink(victim, f"{root}/data.link")
    before = rootfs.snapshot(victim)
    table = kernel.mount_table()
    spec = payload("read", "/data/sentinel", ",", "write", "/data/mark", "x", rootfs=root,
                   volumes=[(source, "/data", "rw")])

    ended = {"started": 0, "refused": 0}
    with beside("exchange", f"{root}/data", f"{root}/data.link"):
        for i in range(10000):
            if i >= 1000 and min(ended.values()) > 0:
                break  # a busy machine may need longer until both sides of the race were seen
            result = run(spec)
            if result.code == 0 and result.stdout:
                ended["started"] += 1
            else:
                refused(result, Exit.NAMESPACE, Exit.LANDLOCK)
                ended["refused"] += 1
        naive = {outside("naive-bind", str(source), f"{root}/data").one("landed") for _ in range(300)}

    assert rootfs.snapshot(victim) == before
    assert kernel.mount_table() == table
    assert min(ended.values()) > 0, ended  # the race was on
    assert str(victim) in naive


# ---- 15: honest links ----


@pytest.mark.parametrize("link", ["/run", "../run"])
def test_15_link_inside_the_tree_works(root, tmp_path, link):
    source = tmp_path / "volume"
    source.mkdir()
    os.makedirs(f"{root}/var")
    os.makedirs(f"{root}/run/app")
    os.symlink(link, f"{root}/var/run")
    result = run(payload("write", "/run/app/mark", "x", rootfs=root, volumes=[(source, "/var/run/app", "rw")]))
    assert result.one("write", "/run/app/mark") == "OK", result
    assert (source / "mark").read_text() == "x"
    assert os.listdir(f"{root}/run/app") == []


# ---- 16, 17: the tree's own devices and procfs ----

MASKED = ["/proc/kcore", "/proc/keys", "/proc/sysrq-trigger", "/proc/timer_list", "/proc/sys/kernel/core_pattern"]


def test_16_links_in_the_tree_do_not_undo_masks(root):
    os.makedirs(f"{root}/dev/pts")
    for name, target in (("null", "/proc/sys/kernel/core_pattern"), ("console", "/proc/sysrq-trigger"),
                         ("pts/0", "/proc/keys"), ("pts/1", "/proc/self/attr/exec")):
        os.symlink(target, f"{root}/dev/{name}")
    result = run(payload("stat", "/dev/null", ",", "read", "/proc/keys", "/proc/kcore", ",", "open", "w", *MASKED,
                         rootfs=root))
    kind, _, _, _, _, device = result.one("stat", "/dev/null")
    assert (kind, device) == ("char", "1:3"), result
    for path in ("/proc/keys", "/proc/kcore"):
        assert result.one("read", path) != "OK" or result.one("data", path) == "", result
    for path in MASKED:
        if result.one("open", path) == "OK":  # then it is not the file, but a mask over it
            masked = run(payload("stat", path, ",", "mounts", rootfs=root))
            assert masked.one("stat", path)[5] == "1:3", masked

    control = outside("read", "/proc/keys", ",", "open", "w", "/proc/sys/kernel/core_pattern")
    assert control.one("data", "/proc/keys") != ""
    assert control.one("open", "/proc/sys/kernel/core_pattern") == "OK"
    assert os.readlink(f"{root}/dev/null") == "/proc/sys/kernel/core_pattern"


def test_17_files_in_the_tree_are_no_procfs(root):
    os.makedirs(f"{root}/proc/self/attr")
    os.makedirs(f"{root}/proc/sys/kernel")
    fakes = ["self/attr/exec", "self/uid_map", "self/setgroups", "self/status", "sys/kernel/core_pattern"]
    for name in fakes:
        rootfs.write(f"{root}/proc/{name}", "fake\n")
    before = rootfs.snapshot(f"{root}/proc")
    result = run(payload("read", "/proc/self/status", "/proc/sys/kernel/core_pattern", ",", "mounts", rootfs=root))
    assert result.code == 0, result
    assert "fake" not in result.one("data", "/proc/self/status")
    assert any(re.search(r" / /proc .* - proc ", m) for m in result.all("mount")), result
    assert rootfs.snapshot(f"{root}/proc") == before
    # The control: the files are there for one who looks before procfs covers them.
    assert outside("read", f"{root}/proc/self/status").one("data", f"{root}/proc/self/status") == "fake\n"


@pytest.mark.parametrize("target", ["/proc", "/proc/self", "/proc/sys", "/proc/self/attr", "/proc/1"])
@pytest.mark.parametrize("kind", ["volume", "tmpfs"])
def test_17_mount_over_procfs_refused(root, tmp_path, target, kind):
    source = tmp_path / "volume"
    source.mkdir()
    (source / "fake").write_text("fake")

    def at(place):
        if kind == "volume":
            return payload("list", place, rootfs=root, volumes=[(source, place, "rw")])
        return payload("list", place, rootfs=root, tmpfs=[(place, 1 << 20)])

    refused(run(at(target)), Exit.NAMESPACE, Exit.CONFIG)
    assert run(at("/data")).one("list", "/data") == "OK"


@pytest.mark.parametrize("link", ["/proc", "/proc/self", "/proc/sys", "/proc/1", "../proc/sys", "/proc/self/attr"])
def test_17_link_to_procfs_at_a_target_refused(root, tmp_path, link):
    source = tmp_path / "volume"
    source.mkdir()
    (source / "fake").write_text("fake")
    spec = payload("list", "/data", rootfs=root, volumes=[(source, "/data", "rw")])
    assert run(spec).all("entry", "/data") == ["fake"]
    os.rmdir(f"{root}/data")
    os.symlink(link, f"{root}/data")
    refused(run(spec), Exit.NAMESPACE)
    refused(run(spec.but(volumes=[], tmpfs=[("/data", 1 << 20)])), Exit.NAMESPACE)


# ---- 23: mounts ----


@pytest.fixture
def shared_mount(tmp_path):
    """A tmpfs of the host whose mounts propagate, with a directory to show as a volume."""
    path = tmp_path / "shared"
    path.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "none", path], check=True)
    subprocess.run(["mount", "--make-shared", path], check=True)
    (path / "below").mkdir()
    yield path
    subprocess.run(["umount", "-R", "-l", path], check=False)


def test_23_mounts_do_not_cross_the_border(root, shared_mount):
    before = kernel.mount_table()
    with start(payload("mounts", ",", "linger", rootfs=root, volumes=[(shared_mount, "/data", "rw")])) as s:
        seen = [r[1] for r in s.read_until("ready") if r[0] == "mount"]
        _, workload = s.workload()
        assert kernel.mount_table() == before  # nothing from inside
        subprocess.run(["mount", "-t", "tmpfs", "late", shared_mount / "below"], check=True)
        with open(f"/proc/{workload}/mountinfo") as f:
            after = f.read().splitlines()
        s.signal(signal.SIGTERM)
        s.wait()
    assert any(" /data " in m for m in seen), seen
    assert not [m for m in seen if re.search(r" (shared|master|propagate_from):", m)], seen
    assert after == seen  # nothing from outside
    assert any("shared:" in m and str(shared_mount) in m for m in kernel.mount_table())


def test_23_workload_cannot_mount(root):
    calls = ["syscall", "mount", "s:none", "s:/data", "s:tmpfs", "0", "0", ",", "syscall", "umount2", "s:/proc", "2",
             ",", "syscall", "fsopen", "s:tmpfs", "0", ",", "syscall", "open_tree", "-100", "s:/", "1", ",",
             "syscall", "pivot_root", "s:/data", "s:/data", ",", "syscall", "chroot", "s:/data", ",",
             "syscall", "unshare", "0x20000", ",", "syscall", "unshare", "0x10000000"]
    result = run(payload(*calls, rootfs=root))
    outcomes = result.all("syscall")
    assert len(outcomes) == 8 and {w for _, w in outcomes} <= {"EPERM", "ENOSYS"}, result

    # Without seccomp, the capabilities that are gone deny the same, but for a user namespace of its own.
    weak = run(payload(*calls, rootfs=root).but(mode="agent"), wrapper=unprotected_by())
    assert [w for _, w in weak.all("syscall")] == ["EPERM"] * 7 + ["OK"], weak
    control = outside("syscall", "unshare", "0x20000", ",", "syscall", "fsopen", "s:tmpfs", "0")
    assert [w for _, w in control.all("syscall")] == ["OK", "OK"]


# ---- 24: what reaches the whole kernel ----

KERNEL_FILES = ["/proc/sys/kernel/core_pattern", "/proc/sysrq-trigger", "/proc/sys/kernel/modprobe",
                "/proc/sys/vm/drop_caches", "/proc/sys/kernel/hostname", "/proc/sys/net/ipv4/ip_forward",
                "/proc/irq/default_smp_affinity"]
ABSENT = ["/sys/kernel/uevent_helper", "/sys/fs/cgroup/release_agent", "/sys/power/state"]


@pytest.mark.parametrize("weakened", [False, True])
def test_24_files_of_the_kernel_cannot_be_written(root, weakened):
    spec = payload("open", "w", *KERNEL_FILES, *ABSENT, rootfs=root)
    result = run(unprotected(spec), wrapper=unprotected_by()) if weakened else run(spec)
    assert result.code == 0, result
    for path in KERNEL_FILES:
        if result.one("open", path) == "OK":
            mask = run(payload("stat", path, rootfs=root)).one("stat", path)
            assert mask[5] == "1:3", (path, result)
        else:
            assert result.one("open", path) in ("EACCES", "EPERM", "EROFS", "ENOENT"), result
    for path in ABSENT:
        assert result.one("open", path) == "ENOENT", result

    present = [p for p in KERNEL_FILES if os.path.exists(p)]
    control = outside("open", "w", *present)
    assert {p: control.one("open", p) for p in present} == dict.fromkeys(present, "OK")


def test_24_no_core_file_reaches_the_host(root, tmp_path):
    with open("/proc/sys/kernel/core_pattern") as f:
        if f.read(1) in "|@":
            pytest.skip("core files go to a program on this machine")
    source = tmp_path / "volume"
    source.mkdir(mode=0o777)
    source.chmod(0o777)

    def unlimited():
        resource.setrlimit(resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2)

    for workdir in ("/", "/data"):
        result = run(payload("kill-self", "6", rootfs=root, workdir=workdir, volumes=[(source, "/data", "rw")]),
                     preexec=unlimited)
        assert result.code == -signal.SIGABRT, result
    assert os.listdir(source) == []
    assert not [f for f in os.listdir(root) if f.startswith("core")]

    def here():
        unlimited()
        os.chdir(source)

    outside("kill-self", "6", preexec=here)
    assert os.listdir(source) != []


# ---- 53: a setuid file made in a volume, for a user of the host to run ----

AT_FDCWD, CREATE, UNNAMED = "-100", "0x42", "0x410002"  # O_RDWR with O_CREAT, with O_TMPFILE


def giving_a_mode(directory, mode):
    """Each call through which a file of a directory gets its mode, and one that must do without."""
    return ("syscall", "fchmodat", AT_FDCWD, f"s:{directory}/old", mode, ",",
            "syscall", "mknodat", AT_FDCWD, f"s:{directory}/node{mode}", mode, "0", ",",
            "syscall", "openat", AT_FDCWD, f"s:{directory}/open{mode}", CREATE, mode, ",",
            "syscall", "openat", AT_FDCWD, f"s:{directory}", UNNAMED, mode, ",",
            "syscall", "openat2", AT_FDCWD, f"s:{directory}/old", "b:24", "24")


def privileged_files(directory):
    return [p.name for p in directory.iterdir() if p.stat().st_mode & (stat.S_ISUID | stat.S_ISGID)]


@pytest.mark.parametrize("user", ["0", "web"])
@pytest.mark.parametrize("mode", ["04755", "02755"])
def test_53_no_setuid_file_comes_to_a_volume(root, tmp_path, user, mode):
    volume = tmp_path / "volume"
    volume.mkdir()
    volume.chmod(0o777)
    (volume / "old").write_text("x")
    os.chown(volume / "old", *((0, 0) if user == "0" else (1000, 1001)))
    volumes = [(volume, "/data", "rw")]

    result = run(payload(*giving_a_mode("/data", mode), rootfs=root, volumes=volumes, user=user))
    assert result.all("syscall", "fchmodat") == ["EPERM"], result
    assert result.all("syscall", "mknodat") == ["EPERM"]
    assert result.all("syscall", "openat") == ["EPERM", "EPERM"]
    assert result.all("syscall", "openat2") == ["ENOSYS"]
    assert privileged_files(volume) == []

    ordinary = run(payload(*giving_a_mode("/data", "0755"), rootfs=root, volumes=volumes, user=user))
    assert ordinary.all("syscall", "fchmodat") == ["OK"], ordinary
    assert ordinary.all("syscall", "openat") == ["OK", "OK"]

    control = outside(*giving_a_mode(volume, mode))
    assert control.all("syscall", "openat") == ["OK", "OK"]
    assert sorted(privileged_files(volume)) == sorted([f"node{mode}", "old", f"open{mode}"])


# ---- 56: a volume's source, replaced by a link from within another volume ----


def test_56_link_left_in_a_volume_is_no_source(root, victim, tmp_path):
    os.mkdir(f"{root}/inner")
    outer = tmp_path / "outer"
    (outer / "inner").mkdir(parents=True)
    spec = payload("write", "/inner/new", "x", rootfs=root,
                   volumes=[(outer, "/data", "rw"), (outer / "inner", "/inner", "rw")])
    assert run(spec).one("write", "/inner/new") == "OK"

    os.rename(outer / "inner", outer / "moved")
    os.symlink(victim, outer / "inner")
    before = rootfs.snapshot(victim)
    refused(run(spec), Exit.NAMESPACE)
    assert rootfs.snapshot(victim) == before

    # A link where the service cannot write is the operator's own; followed, as the control shows.
    control = run(spec.but(volumes=[(outer / "inner", "/inner", "rw")]))
    assert control.one("write", "/inner/new") == "OK" and (victim / "new").exists(), control


# ---- 57: a volume's target, led elsewhere by a link within another volume ----


@pytest.mark.parametrize("mode", ["strict-agent", "agent"])
@pytest.mark.parametrize("link, inner", [("sub", "/data/x/sub"), ("x", "/data/x/bin")])
def test_57_link_left_in_a_volume_leads_no_mount_over_the_program(root, tmp_path, mode, link, inner):
    """What a service wrote into its volumes would be what runs in place of the verified program at its next start."""
    outer, evil = tmp_path / "outer", tmp_path / "evil"
    (outer / "x").mkdir(parents=True)
    evil.mkdir()
    shutil.copy(f"{root}/bin/payload", evil / "payload")
    target = outer / os.path.relpath(inner, "/data")
    spec = payload("stat", "/bin/payload", rootfs=root, mode=mode,
                   volumes=[(outer, "/data", "rw"), (evil, inner, "rw")])
    target.mkdir()
    assert run(spec).code == 0  # an ordinary directory in a volume is a place to mount on

    os.rmdir(target)
    if link == "sub":
        os.symlink("/bin", target)
    else:
        os.rmdir(outer / "x")
        os.symlink("/", outer / "x")
    result = refused(run(spec), Exit.NAMESPACE)
    assert inner in result.stderr and "symbolic link in a volume" in result.stderr, result

    # The same link in the root tree is the operator's own word.
    os.symlink("/bin", f"{root}/elsewhere")
    assert run(spec.but(volumes=[(evil, "/elsewhere", "rw")])).code == 0


@pytest.mark.parametrize("mode", ["strict-agent", "agent"])
@pytest.mark.parametrize("link", ["/", "bin/..", "."])
def test_57_no_mount_over_the_root(root, tmp_path, mode, link):
    """By its name that is refused where it is written; it would be seen at /.. alone."""
    volume = tmp_path / "volume"
    volume.mkdir()
    os.symlink(link, f"{root}/away")
    spec = payload("list", "/..", rootfs=root, mode=mode, volumes=[(volume, "/away", "rw")])
    result = refused(run(spec), Exit.NAMESPACE)
    assert "leads to the root" in result.stderr, result
    os.unlink(f"{root}/away")
    os.mkdir(f"{root}/away")
    assert "bin" in run(spec).all("entry", "/..")
