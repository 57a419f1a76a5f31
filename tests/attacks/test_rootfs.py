# SPDX-License-Identifier: Apache-2.0
"""
Attacks on whoever runs `nucleus rootfs`: by those who can write where the output goes, by what its directory hands
down, by signals and pipes, and by archives that are small and mean much. Each has its control: what a program loses
that does not look.
"""

import contextlib
import gzip
import io
import json
import os
import signal
import subprocess
import tomllib

import pytest
from lib import archives, build, kernel
from lib.archives import Oci, directory, entry, symlink, tar

TEMPORARY = ".nucleus-rootfs."
PLAIN = tar(directory("etc"), entry("etc/file", b"from the archive", mode=0o664))


def command(*arguments):
    return [build.program("tools/nucleus"), "rootfs", *map(str, arguments)]


def from_tar(archive, out, *arguments, **more):
    return subprocess.run([*command("from-tar", "-", "-o", out), *arguments], input=archive, capture_output=True,
                          timeout=300, **more)


def good(done):
    assert done.returncode == 0, done.stderr
    return done


def refused(done, *words):
    assert done.returncode == 1 and done.stdout == b"", done
    for word in words:
        assert word in done.stderr.decode(), done.stderr
    return done


def temporaries(path):
    return [name for name in os.listdir(path) if name.startswith(TEMPORARY)]


@contextlib.contextmanager
def halfway(parent, out, *arguments):
    """The command when its temporary directory is there and no byte of the archive has come."""
    with subprocess.Popen([*command("from-tar", "-", "-o", out), *arguments], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert kernel.eventually(lambda: temporaries(parent), 60)
        yield process
        if process.poll() is None:
            process.kill()


# ---- who can write where the output goes ----

def plant(parent, victim):
    """In place of the temporary directory, what would be written to, read and removed instead."""
    name, = temporaries(parent)
    os.rename(parent / name, parent / "moved")
    (parent / name / "tree").mkdir(parents=True)
    (parent / name / "tree/evil").write_bytes(b"evil")
    (parent / name / "precious").write_bytes(b"precious")
    (parent / name / "image").symlink_to(victim)
    return parent / name


@pytest.mark.parametrize("suffix", ["", ".erofs", ".squashfs"])
def test_rootfs_goes_on_in_its_own_directory_when_that_is_exchanged(tmp_path, suffix):
    parent, victim = tmp_path / "parent", tmp_path / "victim"
    parent.mkdir()
    victim.write_bytes(b"victim")
    with halfway(parent, parent / f"out{suffix}") as process:
        planted = plant(parent, victim)
        stdout, stderr = process.communicate(PLAIN, 300)
    assert process.returncode == 0, stderr
    assert victim.read_bytes() == b"victim"
    assert sorted(os.listdir(planted)) == ["image", "precious", "tree"]
    if suffix:
        assert b"evil" not in (parent / f"out{suffix}").read_bytes()
        assert os.stat(parent / f"out{suffix}").st_size > 0 and not (parent / f"out{suffix}").is_symlink()
    else:
        assert (parent / "out/etc/file").read_bytes() == b"from the archive"
    assert b"cannot remove" in stderr  # it is another's now, and not empty
    # The control: what goes by the names writes to the victim (as mkfs.erofs does, but for its newer versions).
    (planted / "image").write_bytes(b"image")
    assert victim.read_bytes() != b"victim"


@pytest.mark.parametrize("mode, owner", [(0o700, 12345), (0o755, 0)], ids=["another's", "open"])
def test_rootfs_refuses_a_temporary_directory_that_is_not_its_own(tmp_path, mode, owner):
    """Exchanged before it is first opened: what was found there would be removed at the end."""
    parent = tmp_path / "parent"
    parent.mkdir()
    # mkdtemp(3) gives a name; whoever is quick puts another directory there. Held up in between by a tracer.
    script = f"""
import os, sys
name = os.path.join({str(parent)!r}, [n for n in os.listdir({str(parent)!r})][0])
os.rename(name, {str(tmp_path / "moved")!r})
os.mkdir(name, {mode}); os.chmod(name, {mode})
open(os.path.join(name, "precious"), "w").close()
os.chown(name, {owner}, {owner})
"""
    with stopped_after_mkdir(parent / "out", tmp_path) as process:
        subprocess.run(["/usr/bin/python3", "-c", script], check=True)
        stdout, stderr = process(PLAIN)
    assert b"cannot make a directory beside" in stderr
    assert [os.listdir(parent / n) for n in temporaries(parent)] == [["precious"]]
    assert not (parent / "out").exists()


@contextlib.contextmanager
def stopped_after_mkdir(out, tmp_path):
    """The command, held by a preloaded mkdtemp() that waits for a pipe after it made the directory."""
    source, library, fifo, ready = (tmp_path / n for n in ("hold.c", "hold.so", "go", "ready"))
    source.write_text("""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>
char *mkdtemp(char *path) {
        char *(*real)(char *) = dlsym(RTLD_NEXT, "mkdtemp"), c;
        char *made = real(path);
        close(open(getenv("HOLD_READY"), O_WRONLY | O_CREAT, 0600));
        int fd = open(getenv("HOLD_GO"), O_RDONLY);
        (void)!read(fd, &c, 1);
        close(fd);
        return made;
}
""")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    os.mkfifo(fifo)
    preload = ":".join([*filter(None, [os.environ.get("LD_PRELOAD")]), str(library)])
    with subprocess.Popen(command("from-tar", "-", "-o", out), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env={**os.environ, "LD_PRELOAD": preload, "HOLD_GO": str(fifo),
                                                       "HOLD_READY": str(ready),
                                                       "ASAN_OPTIONS": "verify_asan_link_order=0"}) as process:
        assert kernel.eventually(ready.exists, 60)

        def go(archive):
            fifo.write_bytes(b"x")
            return process.communicate(archive, 300)
        yield go
        if process.poll() is None:
            process.kill()
    assert process.returncode == 1


def test_rootfs_output_goes_where_its_directory_was(tmp_path):
    """A component of the path becomes a link while it works."""
    parent, elsewhere = tmp_path / "parent", tmp_path / "elsewhere"
    parent.mkdir()
    elsewhere.mkdir()
    with halfway(parent, parent / "out") as process:
        parent.rename(tmp_path / "was")
        parent.symlink_to(elsewhere)
        stdout, stderr = process.communicate(PLAIN, 300)
    assert process.returncode == 0, stderr
    assert os.listdir(elsewhere) == []
    assert os.listdir(tmp_path / "was") == ["out"]


@pytest.mark.parametrize("name", ["out", "out/", "./out", "out.erofs"])
def test_rootfs_never_writes_through_a_link(tmp_path, name):
    (tmp_path / "victim").mkdir()
    for target in ("victim", "nowhere"):
        link = tmp_path / name.strip("./").replace("/", "")
        link.symlink_to(tmp_path / target)
        refused(from_tar(PLAIN, name, cwd=tmp_path), "is there already")
        link.unlink()
    assert sorted(os.listdir(tmp_path)) == ["victim"] and os.listdir(tmp_path / "victim") == []


# ---- what a directory hands down ----

def test_rootfs_inherits_no_acl_and_no_group(tmp_path):
    """A default ACL of the directory would let another user write to what root makes in it."""
    plain, strange = tmp_path / "plain", tmp_path / "strange"
    plain.mkdir()
    strange.mkdir()
    os.chown(strange, 0, 12345)
    os.chmod(strange, 0o2755)
    subprocess.run(["setfacl", "-d", "-m", "u:12345:rwx", strange], check=True)
    (strange / "control").write_bytes(b"")
    assert b"user:12345:rwx" in subprocess.run(["getfacl", "-p", strange / "control"], capture_output=True).stdout
    assert os.stat(strange / "control").st_gid == 12345

    pins = [tomllib.loads(good(from_tar(PLAIN, where / "out")).stdout.decode())["attestation"]["manifest_sha256"]
            for where in (plain, strange)]
    for top, directories, files in os.walk(strange / "out"):
        for name in (".", *directories, *files):
            assert os.listxattr(os.path.join(top, name)) == []
            assert os.stat(os.path.join(top, name)).st_gid == 0
            assert not os.stat(os.path.join(top, name)).st_mode & 0o6000
    assert pins[0] == pins[1]
    images = [tomllib.loads(good(from_tar(PLAIN, where / "out.erofs")).stdout.decode())["attestation"]["image_sha256"]
              for where in (plain, strange)]
    assert images[0] == images[1]
    assert os.listxattr(strange / "out.erofs") == []


# ---- signals and pipes ----

def test_rootfs_leaves_nothing_when_nobody_reads_what_it_prints(tmp_path):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command("from-tar", "-", "-o", tmp_path / "out"), input=PLAIN, stdout=write,
                          stderr=subprocess.PIPE, timeout=300)
    os.close(write)
    assert done.returncode == 1 and b"standard output" in done.stderr
    assert os.listdir(tmp_path) == ["out"]


def ignore(*signals):
    return lambda: [signal.signal(s, signal.SIG_IGN) for s in signals]


@pytest.mark.parametrize("ignored", [True, False])
def test_rootfs_goes_on_over_a_signal_that_is_ignored(tmp_path, ignored):
    """nohup(1); the control is the same without it."""
    with subprocess.Popen(command("from-tar", "-", "-o", tmp_path / "out"), stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          preexec_fn=ignore(signal.SIGHUP) if ignored else None) as process:
        assert kernel.eventually(lambda: temporaries(tmp_path), 60)
        process.send_signal(signal.SIGHUP)
        if not ignored:
            assert process.wait(60) == -signal.SIGHUP
            assert os.listdir(tmp_path) == []
            return
        stdout, stderr = process.communicate(PLAIN, 300)
    assert process.returncode == 0, stderr
    assert os.listdir(tmp_path) == ["out"]


# ---- small archives ----

def test_rootfs_counts_holes_of_an_archive(tmp_path):
    """Files of holes take nothing of an archive and nothing of a disk, but all who hash them read them."""
    source = tmp_path / "source"
    source.mkdir()
    for number in range(50):
        with open(source / str(number), "wb") as f:
            f.truncate(200 << 20)
    archive = subprocess.run(["tar", "-S", "-C", source, "-c", "."], capture_output=True, check=True).stdout
    assert len(archive) < 1 << 17
    refused(from_tar(archive, tmp_path / "out", "--max-size", "1G"), "--max-size")
    assert os.listdir(tmp_path) == ["source"]
    one = subprocess.run(["tar", "-S", "-C", source, "-c", "1"], capture_output=True, check=True).stdout
    good(from_tar(one, tmp_path / "out", "--max-size", "1G"))
    assert os.stat(tmp_path / "out/1").st_size == 200 << 20


def sparse_blob():
    """An image whose layer's blob is 8 EiB long, by its header, and a byte at its end."""
    image = Oci()
    image.add(image.image([PLAIN]))
    size = (1 << 62) + 1
    info, _ = entry("blobs/sha256/" + "0" * 64, b"x")
    info.pax_headers = {"GNU.sparse.major": "0", "GNU.sparse.minor": "1", "GNU.sparse.name": info.name,
                        "GNU.sparse.size": str(size), "GNU.sparse.numblocks": "1", "GNU.sparse.map": f"{size - 1},1"}
    return tar((info, b"x"), *image.entries())


def test_rootfs_counts_holes_of_an_image(tmp_path):
    refused(from_tar(sparse_blob(), tmp_path / "out"), "--max-size")
    assert os.listdir(tmp_path) == []


def repeated_link(length, times):
    """The same link again and again, whose target is long: megabytes of the archive, gigabytes to keep."""
    one = tar(symlink("blobs/sha256/x", "y" * length), format=archives.tarfile.GNU_FORMAT)
    one = one[:512 + (length + 1 + 511) // 512 * 512 + 512]
    out = io.BytesIO()
    with gzip.GzipFile(fileobj=out, mode="wb", compresslevel=1) as f:
        f.write(tar(entry("oci-layout", b"{}"))[:1024])
        for _ in range(times):
            f.write(one)
        f.write(bytes(1024))
    return out.getvalue()


def test_rootfs_keeps_no_long_links_of_an_image(tmp_path):
    script = ("import resource, subprocess, sys; r = subprocess.run(sys.argv[1:]); "
              "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr); sys.exit(r.returncode)")
    peaks = [int(refused(subprocess.run(
        ["/usr/bin/python3", "-c", script, *command("from-tar", "-", "-o", tmp_path / "out")], capture_output=True,
        input=repeated_link(500_000, times), timeout=300)).stderr.split()[-1]) for times in (1, 400)]
    assert peaks[1] < peaks[0] + (64 << 10), peaks


# ---- what an image says of itself ----

@pytest.mark.parametrize("program, workdir, made", [
    ({"Volumes": {"/data/": {}}}, None, "data"), ({"WorkingDir": "/app/"}, "/app", "app"),
    ({"WorkingDir": "//srv/./app"}, "/srv/app", "srv/app"), ({"WorkingDir": "/a/../../../b"}, None, None),
    ({"WorkingDir": "relative"}, None, None), ({"Volumes": {"/../../x": {}, "": {}, "/": {}}}, None, None)])
def test_rootfs_paths_of_an_image_are_normalised_or_left_out(tmp_path, program, workdir, made):
    image = Oci()
    done = good(from_tar(image.add(image.image([PLAIN], **program)).archive(), tmp_path / "out"))
    assert tomllib.loads(done.stdout.decode()).get("workdir") == workdir
    assert sorted(set(os.listdir(tmp_path / "out")) - {"dev", "proc", "run", "tmp", ".nucleus-rootfs-sha256"}) == \
        sorted({"etc", *([made.split("/")[0]] if made else [])})
    if made:
        assert (tmp_path / "out" / made).is_dir()
    assert os.listdir(tmp_path) == ["out"]


def test_rootfs_words_of_an_image_stay_words(tmp_path):
    evil = "x\x1b]0;t\x07\x9b\u202e\r\n[hooks]\nx = \"'\\"
    image = Oci()
    program = {"Entrypoint": [evil, evil], "Cmd": [evil], "User": f"{evil}:{evil}", "WorkingDir": "/" + evil,
               "Env": [f"A={evil}", f"{evil}=1"], "Volumes": {}, "ExposedPorts": {evil: {}}}
    archive = image.add(image.image([PLAIN], **program), name=evil).archive()
    done = good(from_tar(archive, tmp_path / "out"))
    text = done.stdout.decode() + done.stderr.decode()
    assert not [c for c in text if (c < " " and c != "\n") or c in "\x7f\x9b\u202e"]
    document = tomllib.loads(done.stdout.decode())
    assert "hooks" not in document and document["command"] == [evil] * 3
    document = json.loads(good(from_tar(archive, tmp_path / "again", "--json")).stdout)
    assert document["image"]["entrypoint"] == [evil, evil]


def test_rootfs_pack_never_copies_itself(tmp_path):
    """The output lies in the source, but is reached by another mount."""
    source, other = tmp_path / "source", tmp_path / "other"
    (source / "in").mkdir(parents=True)
    other.mkdir()
    script = 'mount --bind "$1" "$2" && shift 2 && exec "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "-", source / "in", other,
                           *command("pack", source, "-o", other / "out")], capture_output=True, timeout=300)
    refused(done, "is what is being made")
    assert os.listdir(source / "in") == []
