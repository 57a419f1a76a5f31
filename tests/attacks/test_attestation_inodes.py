# SPDX-License-Identifier: Apache-2.0
"""
Attack 30 on what an inode is beyond its content: hard links, holes, shared extents, extended attributes, ACLs,
file capabilities. Each is added, changed and removed; each unchanged tree verifies, and one that the manifest does
not tell apart (nucleus-manifest(5)) verifies on purpose.
"""

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess

import pytest
from lib import rootfs
from lib.attestation import assert_fine, assert_refused, attest, manifest_lines, nucleus, what
from lib.sandbox import refused, run
from lib.spec import Exit, payload

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root: owners, capabilities, loop devices")
FICLONE = 0x40049409
MIB = 1 << 20


@pytest.fixture
def root(tmp_path):
    tree = rootfs.make(tmp_path / "root", ["data"])
    rootfs.write(f"{tree}/data/file", "content\n")
    rootfs.write(f"{tree}/data/other", "content\n")
    os.symlink("file", f"{tree}/data/link")
    return tree


def put(path, data):
    """Changes a file in place: same inode, same mode."""
    with open(path, "r+b") as f:
        f.write(data)
        f.truncate()


# ---- hard links ----


def test_30_hard_link_changed_through_another_name_refused_under_each(root):
    for i in range(3):
        os.link(f"{root}/data/file", f"{root}/data/name{i}")
    attest(root)
    put(f"{root}/data/name1", b"CONTENT\n")
    assert_refused(root, changed=["data/file", "data/name0", "data/name1", "data/name2"])


def test_30_hard_link_from_outside_is_a_way_to_change_a_file(root, tmp_path):
    os.link(f"{root}/data/file", tmp_path / "outside")
    attest(root)
    put(tmp_path / "outside", b"CONTENT\n")
    assert_refused(root, changed=["data/file"])
    put(tmp_path / "outside", b"content\n")
    assert_fine(root)


def test_30_hard_link_to_outside_in_place_of_a_file_is_its_content(root, tmp_path):
    """What stands there is compared, whatever other names it has."""
    outside = tmp_path / "outside"
    for data, check in ((b"content\n", assert_fine),
                        (b"CONTENT\n", lambda r: assert_refused(r, changed=["data/file"]))):
        rootfs.write(outside, data.decode())
        attest(root)
        os.unlink(f"{root}/data/file")
        os.link(outside, f"{root}/data/file")
        check(root)
        os.unlink(f"{root}/data/file")
        os.unlink(outside)
        rootfs.write(f"{root}/data/file", "content\n")


def test_30_hard_link_added_is_an_entry(root):
    attest(root)
    os.link(f"{root}/data/file", f"{root}/data/more")
    assert_refused(root, extra=["data/more"])
    os.unlink(f"{root}/data/more")
    assert_fine(root)


def test_30_which_names_are_one_file_is_not_covered(root):
    """nucleus-manifest(5) says so: two files of equal bytes verify in place of two names of one."""
    attest(root)
    os.unlink(f"{root}/data/other")
    os.link(f"{root}/data/file", f"{root}/data/other")
    assert_fine(root)


def test_30_hard_links_of_a_large_file_are_each_compared(root):
    """Read once or often, each name has a line of its own: one of them that lies is found."""
    with open(f"{root}/data/large", "wb") as f:
        f.write(os.urandom(MIB))
    os.chmod(f"{root}/data/large", 0o644)
    for i in range(50):
        os.link(f"{root}/data/large", f"{root}/data/large{i:02}")
    attest(root)
    os.unlink(f"{root}/data/large07")
    with open(f"{root}/data/large07", "wb") as f:
        f.write(os.urandom(MIB))
    os.chmod(f"{root}/data/large07", 0o644)
    assert_refused(root, changed=["data/large07"])


# ---- holes and shared extents ----


def blocks(path):
    return os.stat(path).st_blocks


def test_30_hole_where_zeros_were_is_the_same_content(root):
    path = f"{root}/data/zeros"
    with open(path, "wb") as f:
        f.write(b"head" + bytes(4 * MIB) + b"tail")
    os.chmod(path, 0o644)
    attest(root)
    before = blocks(path)
    subprocess.run(["fallocate", "--dig-holes", path], check=True)
    if blocks(path) >= before:
        pytest.skip("this file system makes no holes")
    assert_fine(root)


def test_30_hole_where_data_was_refused(root):
    path = f"{root}/data/file4"
    with open(path, "wb") as f:
        f.write(b"x" * 4 * MIB)
    os.chmod(path, 0o644)
    attest(root)
    subprocess.run(["fallocate", "--punch-hole", "-o", str(MIB), "-l", "4096", path], check=True)
    assert os.stat(path).st_size == 4 * MIB
    assert_refused(root, changed=["data/file4"])


@pytest.mark.parametrize("where", ["head", "middle", "tail"])
def test_30_bytes_in_a_sea_of_holes_are_seen(root, where):
    """200 MiB of holes, less than what is refused unread: what lies between them is found."""
    size, path = 200 * MIB, f"{root}/data/sea"
    with open(path, "wb") as f:
        f.truncate(size)
    os.chmod(path, 0o644)
    attest(root)
    offset = {"head": 0, "middle": size // 2 + 12345, "tail": size - 1}[where]
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(b"\1")
    assert_refused(root, changed=["data/sea"])
    with open(path, "r+b") as f:
        f.seek(offset)
        f.write(b"\0")
    assert_fine(root)


@pytest.fixture(params=["btrfs", "xfs"])
def reflinks(request, tmp_path):
    """A tree on a file system whose files can share extents, on a loop device."""
    maker = f"mkfs.{request.param}"
    if not shutil.which(maker) or os.geteuid() != 0:
        pytest.skip(f"needs root and {maker}")
    with open(tmp_path / "image", "wb") as f:
        f.truncate(512 * MIB)
    subprocess.run([maker, "-q", tmp_path / "image"], check=True, capture_output=True)
    where = tmp_path / "mounted"
    where.mkdir()
    done = subprocess.run(["mount", "-o", "loop", tmp_path / "image", where], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"this kernel mounts no {request.param} image: {done.stderr!r}")
    try:
        tree = rootfs.make(where / "root", ["data"])
        with open(f"{tree}/data/file", "wb") as f:
            f.write(b"0123456789abcdef" * 65536)
        os.chmod(f"{tree}/data/file", 0o644)
        yield tree
    finally:
        subprocess.run(["umount", where], check=True)


def clone(source, target):
    with open(source, "rb") as f, open(target, "wb") as t:
        fcntl.ioctl(t, FICLONE, f.fileno())
    os.chmod(target, 0o644)


def test_30_reflink_is_a_file_of_its_own(reflinks):
    clone(f"{reflinks}/data/file", f"{reflinks}/data/clone")
    attest(reflinks)
    # In place of the original: the same bytes.
    os.unlink(f"{reflinks}/data/file")
    clone(f"{reflinks}/data/clone", f"{reflinks}/data/file")
    assert_fine(reflinks)
    # Unshared by a write: only the one that was written is other.
    with open(f"{reflinks}/data/clone", "r+b") as f:
        f.seek(70000)
        f.write(b"!")
    assert_refused(reflinks, changed=["data/clone"])
    clone(f"{reflinks}/data/file", f"{reflinks}/data/clone")
    assert_fine(reflinks)


def test_30_xattr_of_64_kib_is_covered(reflinks):
    """What ext4 has no room for: the greatest value that the kernel takes (less where the file system says so)."""
    size = next(n for n in (65536, 16000) if try_xattr(f"{reflinks}/data/file", "user.large", b"a" * n))
    attest(reflinks)
    os.setxattr(f"{reflinks}/data/file", "user.large", b"a" * (size - 1) + b"b")
    assert_refused(reflinks, changed=["data/file"])
    os.setxattr(f"{reflinks}/data/file", "user.large", b"a" * size)
    assert_fine(reflinks)


def test_30_hundreds_of_xattrs_are_covered(reflinks):
    names = [f"user.{i:03}." + "n" * 100 for i in range(400)]  # 42 KB of names
    for name in names:
        os.setxattr(f"{reflinks}/data/file", name, b"v")
    attest(reflinks)
    os.setxattr(f"{reflinks}/data/file", names[200], b"w")
    assert_refused(reflinks, changed=["data/file"])
    os.removexattr(f"{reflinks}/data/file", names[200])
    assert_refused(reflinks, changed=["data/file"])
    os.setxattr(f"{reflinks}/data/file", names[200], b"v")
    assert_fine(reflinks)


def try_xattr(path, name, value):
    try:
        os.setxattr(path, name, value)
    except OSError:
        return False
    return True


# ---- extended attributes, ACLs and capabilities: added, changed, removed ----


def capability(bits):
    return struct.pack("<IIIII", 0x02000001, bits, 0, 0, 0)  # struct vfs_cap_data, revision 2, effective


def namespaced_capability(bits, uid):
    return struct.pack("<IIIIII", 0x03000001, bits, 0, 0, 0, uid)  # revision 3: of that root user's namespace


def acl(*entries):
    """struct posix_acl_xattr: (tag, permissions, id)."""
    return struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *e) for e in entries)


NOBODY = 0xFFFFFFFF
ACL_A = acl((1, 6, NOBODY), (2, 6, 1000), (4, 4, NOBODY), (0x10, 6, NOBODY), (0x20, 4, NOBODY))
ACL_B = acl((1, 6, NOBODY), (2, 4, 1000), (4, 4, NOBODY), (0x10, 6, NOBODY), (0x20, 4, NOBODY))

# Of a file and of a directory: name, one value, another value.
FILE_ATTRIBUTES = {
    "user": ("user.origin", b"here", b"there"),
    "user-empty": ("user.flag", b"", b"x"),
    "user-binary": ("user.\xff\x01 name", b"\0\n\r\\ ", b"\0\n\r\\"),
    "user-long-name": ("user." + "n" * 250, b"a", b"b"),
    "user-large": ("user.large", b"a" * 3000, b"a" * 2999 + b"b"),
    "prefix-of-another": ("user.a", b"\x01", b"\x01\x00"),
    "acl": ("system.posix_acl_access", ACL_A, ACL_B),
    "capability": ("security.capability", capability(1 << 13), capability(1 << 21)),
    "namespaced-capability": ("security.capability", namespaced_capability(1 << 13, 1000),
                              namespaced_capability(1 << 13, 2000)),
}
DIRECTORY_ATTRIBUTES = {
    "user": ("user.origin", b"here", b"there"),
    "acl": ("system.posix_acl_access", ACL_A, ACL_B),
    "default-acl": ("system.posix_acl_default", ACL_A, ACL_B),
}
CASES = [pytest.param("data/file", *v, id=f"file-{k}") for k, v in FILE_ATTRIBUTES.items()]
CASES += [pytest.param("data", *v, id=f"directory-{k}") for k, v in DIRECTORY_ATTRIBUTES.items()]
CASES += [pytest.param("", *v, id=f"root-{k}") for k, v in DIRECTORY_ATTRIBUTES.items()]


def raw(name):
    return name.encode("latin-1")


@needs_root
@pytest.mark.parametrize("path, name, value, other", CASES)
def test_30_attribute_added_changed_removed_refused(root, path, name, value, other):
    full, shown = f"{root}/{path}", path or "."
    mode = os.stat(full).st_mode & 0o7777
    attest(root)
    os.setxattr(full, raw(name), value)  # a wider ACL changes the mode too
    assert_refused(root, changed=[shown])

    attest(root)
    os.setxattr(full, raw(name), other)
    report = assert_refused(root, changed=[shown])
    assert "extended attributes" in what(report, "changed")[shown]

    os.setxattr(full, raw(name), value)
    assert_fine(root)
    os.removexattr(full, raw(name))
    os.chmod(full, mode)
    assert_refused(root, changed=[shown])


@needs_root
def test_30_attribute_moved_to_another_name_refused(root):
    os.setxattr(f"{root}/data/file", "user.a", b"1")
    attest(root)
    os.removexattr(f"{root}/data/file", "user.a")
    os.setxattr(f"{root}/data/file", "user.b", b"1")
    assert_refused(root, changed=["data/file"])


@needs_root
def test_30_attributes_are_in_one_order_whatever_they_were_set_in(root):
    names = ["user.b", "user.a", "user.ab", "user.A", "user.a-b"]
    for name in names:
        os.setxattr(f"{root}/data/file", name, name.encode())
        os.setxattr(f"{root}/data/other", name, name.encode())
    digest = attest(root)
    for name in names:
        os.removexattr(f"{root}/data/file", name)
    for name in reversed(names):
        os.setxattr(f"{root}/data/file", name, name.encode())
    assert_fine(root)
    assert attest(root) == digest
    line = next(li for li in manifest_lines(root)[1:] if li.split(b" ")[6] == b"data/file")
    assert line.split(b" ")[7::2] == [n.encode() for n in sorted(names)]


@needs_root
@pytest.mark.parametrize("name", ["trusted.overlay.opaque", "security.selinux"])
def test_30_attributes_of_the_host_are_not_covered(root, name):
    """nucleus-manifest(5) says so: no workload sees trusted., and labels are the host's."""
    attest(root)
    try:
        os.setxattr(f"{root}/data", name, b"y")
    except OSError as e:
        pytest.skip(f"{name} cannot be set here: {e}")
    assert_fine(root)


@needs_root
def test_30_by_the_tools_of_an_operator(root):
    """setfacl and setcap, as anyone would do it."""
    tools = [(["setfacl", "-m", "u:1000:rw"], "data/file", ["setfacl", "-b"]),
             (["setfacl", "-d", "-m", "g:1000:rwx"], "data", ["setfacl", "-k"]),
             (["setcap", "cap_net_raw+ep"], "data/file", ["setcap", "-r"])]
    for tool, path, undo in tools:
        if not shutil.which(tool[0]):
            pytest.skip(f"needs {tool[0]}")
        attest(root)
        mode = os.stat(f"{root}/{path}").st_mode & 0o7777
        subprocess.run([*tool, f"{root}/{path}"], check=True)
        assert_refused(root, changed=[path])
        attest(root)
        subprocess.run([*undo, f"{root}/{path}"], check=True)
        assert_refused(root, changed=[path])
        os.chmod(f"{root}/{path}", mode)
        attest(root)


@needs_root
def test_30_files_that_give_privileges_are_named_when_written(root):
    os.setxattr(f"{root}/data/file", "security.capability", capability(1 << 13))
    os.chmod(f"{root}/data/other", 0o4755)
    done = nucleus("attest", root)
    assert done.returncode == 0
    assert b"data/file" in done.stderr and b"data/other" in done.stderr


@needs_root
@pytest.mark.parametrize("change", [
    lambda r: os.setxattr(f"{r}/data/file", "user.origin", b"x"),
    lambda r: os.setxattr(f"{r}/data/file", "security.capability", capability(1 << 13)),
    lambda r: os.setxattr(f"{r}/data", "system.posix_acl_default", ACL_A),
], ids=["user", "capability", "default-acl"])
def test_30_start_with_another_attribute_refused(root, change):
    pin = attest(root)
    service = payload("ids", rootfs=root, attest=pin)
    assert run(service).code == 0
    change(root)
    refused(run(service), Exit.DATAERR)


def test_30_immutable_or_append_only_flags_are_no_part_of_it(root):
    """Flags of the file system (chattr) are not covered: a file can be made immutable after it was attested."""
    attest(root)
    done = subprocess.run(["chattr", "+i", f"{root}/data/file"], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"chattr: {done.stderr!r}")
    with contextlib.ExitStack() as stack:
        stack.callback(subprocess.run, ["chattr", "-i", f"{root}/data/file"], check=True)
        assert_fine(root)
