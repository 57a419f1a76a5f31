# SPDX-License-Identifier: Apache-2.0
"""What the tests of `nucleus rootfs` share: the command as they run it, a directory with one of everything, and what they
say of a result. Its fixtures are those of a plugin, which conftest.py names."""

import os
import shutil
import stat
import subprocess

import pytest
from lib import build

MANIFEST = ".nucleus-rootfs-sha256"
MOUNT_POINTS = {"dev", "proc", "run", "tmp"}
USAGE = 2


@pytest.fixture
def nucleus(tmp_path):
    def run(*arguments, input=None, wrapper=(), preexec=None, **environment):
        env = {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **environment}
        done = subprocess.run([*wrapper, build.program("tools/nucleus"), *map(str, arguments)], input=input,
                              stdin=subprocess.DEVNULL if input is None else None, capture_output=True, timeout=300,
                              env=env, cwd=tmp_path, preexec_fn=preexec)
        done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
        return done
    return run


@pytest.fixture
def from_tar(nucleus, tmp_path):
    """Makes tmp_path/out of an archive's bytes."""
    def run(archive, *arguments, out="out", **more):
        (tmp_path / "archive").write_bytes(archive)
        return nucleus("rootfs", "from-tar", tmp_path / "archive", "-o", tmp_path / out, *arguments, **more)
    return run


def good(done):
    assert done.returncode == 0, done.stderr
    return done


def refused(done, tmp_path, *words, out="out"):
    """Refused with one error, and nothing is left."""
    assert done.returncode == 1, done
    assert done.stdout == ""
    assert len([line for line in done.stderr.splitlines() if "warning" not in line]) == 1, done.stderr
    for word in words:
        assert word in done.stderr
    assert not os.path.lexists(tmp_path / out)
    assert nothing_left(tmp_path)


def nothing_left(path):
    return not [name for name in os.listdir(path) if name.startswith(".nucleus-rootfs.")]


def names(root):
    """All entries of a tree, but for what every tree is given."""
    found = {os.path.relpath(os.path.join(top, name), root) for top, directories, files in os.walk(root)
             for name in (*directories, *files)}
    return found - MOUNT_POINTS - {MANIFEST}


def metadata(root):
    """All that two trees of one origin must share."""
    found = {}
    for top, directories, files in os.walk(os.fsencode(root)):
        for name in (b".", *directories, *files):
            path = os.path.normpath(os.path.join(top, name))
            st = os.lstat(path)
            content = os.readlink(path) if stat.S_ISLNK(st.st_mode) else \
                open(path, "rb").read() if stat.S_ISREG(st.st_mode) else None
            attributes = {a: os.getxattr(path, a, follow_symlinks=False)
                          for a in os.listxattr(path, follow_symlinks=False) if not a.startswith("security.selinux")}
            found[os.path.relpath(path, os.fsencode(root))] = (
                st.st_mode, st.st_uid, st.st_gid, st.st_mtime_ns, st.st_nlink if stat.S_ISREG(st.st_mode) else 0,
                attributes, content)
    return found


@pytest.fixture
def source(tmp_path):
    """A directory with one of everything."""
    root = tmp_path / "source"
    for path in ("bin", "etc", "usr/lib", "var/empty"):
        (root / path).mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    os.link(root / "bin/busybox", root / "bin/sh")
    (root / "lib").symlink_to("usr/lib")
    (root / "etc/dangling").symlink_to("/nowhere")
    (root / "etc/conf").write_text("a = 1\n")
    os.chown(root / "etc/conf", 12, 34)
    os.chmod(root / "etc/conf", 0o640)
    os.setxattr(root / "etc/conf", "user.note", b"\x00\xff")
    subprocess.run(["setfacl", "-m", "u:77:r", root / "etc/conf"], check=True)
    os.setxattr(root / "var/empty", "user.note", b"")
    os.chmod(root / "var/empty", 0o1570)
    with open(root / "usr/lib/holes", "wb") as f:
        f.write(b"begin")
        f.truncate(8 << 20)
        f.seek(4 << 20)
        f.write(b"middle")
    (root / "etc" / ("n" * 255)).write_text("long")
    open(os.fsencode(root) + b"/etc/\xff\n\t", "w").close()
    for twin in ("caf\u00e9", "cafe\u0301"):
        (root / "etc" / twin).write_text(twin)
    return root


@pytest.fixture
def plain_source(source):
    """Without a name that mkfs.erofs 1.5 fails on, and without an ACL, which squashfs cannot hold."""
    (source / "etc" / ("n" * 255)).rename(source / "etc" / ("n" * 254))
    subprocess.run(["setfacl", "-b", source / "etc/conf"], check=True)
    return source
