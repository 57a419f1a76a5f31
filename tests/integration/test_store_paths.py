# SPDX-License-Identifier: Apache-2.0
"""Store paths that a root tree lists, with real closures: what is listed is there, read-only and attested, and
nothing else of the host's store is."""

import os
import re
import resource
import shutil
import subprocess
import tomllib

import pytest
from lib import build, images, nix, rootfs, sandbox
from lib.sandbox import refused
from lib.service import TREE, ended, eventually, fails_to_start, install, rows, toml
from lib.spec import Exit, Spec

REASON = nix.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    return nix.Store(tmp_path_factory.mktemp("nix"))


@pytest.fixture
def store(built, tmp_path):
    """A copy, for tests to spoil."""
    copy = nix.Store.__new__(nix.Store)
    copy.__dict__.update(built.__dict__)
    copy.path = str(tmp_path / "nix")
    shutil.copytree(built.path, copy.path, symlinks=True)
    return copy


@pytest.fixture
def root(built, tmp_path):
    return built.root(tmp_path / "root")


def app(*verbs, root, **more):
    return Spec(arguments=["/bin/app", *verbs], rootfs=root, **more)


def run(store, spec, **options):
    return sandbox.run(spec, wrapper=store.wrapper(), **options)


def nucleus(store, *arguments):
    return store.run(build.program("tools/nucleus"), *arguments)


# ---- what is there ----


def test_store_paths_are_there_and_work(built, root):
    text, file, link = built.named("data") + "/text", built.named("file"), built.named("link")
    result = run(built, app("list", "/nix/store", ",", "read", text, file, link, ",", "stat", link, root=root))
    assert result.code == 0 and result.ready, result
    assert result.one("data", text) == result.one("data", link) == "from the store\n"
    assert result.one("data", file) == "a file\n"
    assert result.one("stat", link)[0] == "link"
    assert sorted(result.all("entry", "/nix/store")) == sorted(map(os.path.basename, built.closure))


def test_store_paths_that_are_not_listed_are_not_there(built, root):
    result = run(built, app("read", built.more, ",", "list", "/nix", ",", "read", "/nix/test.nix", root=root))
    assert result.one("read", built.more) == "ENOENT", result
    assert result.one("read", "/nix/test.nix") == "ENOENT"
    assert result.one("entry", "/nix") == "store"
    # The host has it, and it is there once it is listed.
    nix.write_list(root, [built.more, *built.closure])
    assert run(built, app("read", built.more, root=root)).one("read", built.more) == "OK"


def test_store_paths_are_read_only(built, root):
    data = built.named("data")
    verbs = ["write", "/nix/store/new", "x", ",", "mkdir", data + "/new", "/nix/store/new", ",",
             "write", data + "/new", "x"]
    result = run(built, app(*verbs, root=root))
    outcomes = result.all("write") + result.all("mkdir")
    assert len(outcomes) == 4 and {o for _, o in outcomes} == {"EROFS"}, result
    assert not os.path.exists(built.on_host(data) + "/new")
    # It is the mount that refuses, in whatever else may be written.
    writable = run(built, app("write", "/tmp/new", "x", root=root, tmpfs=[("/tmp", 4096)]))
    assert writable.one("write", "/tmp/new") == "OK", writable


def test_store_paths_belong_to_root(built, root):
    data, file = built.named("data"), built.named("file")
    result = run(built, app("stat", "/nix/store", data, file, root=root, user="web"))
    found = result.all("stat")
    assert [r[1] for r in found] == ["directory", "directory", "file"], result
    assert {r[3:5] for r in found} == {("0", "0")}


def test_store_paths_are_mounted_with_flags(built, root):
    result = run(built, app("mounts", root=root))
    table = [line.split(" ") for line in result.all("mount")]
    below = {f[4]: f[5].split(",") for f in table if f[4].startswith("/nix")}
    links = {p for p in built.closure if os.path.islink(built.on_host(p))}
    assert set(below) == {"/nix/store", *built.closure} - links and len(links) == 1, result
    for options in below.values():
        assert {"ro", "nosuid", "nodev"} <= set(options) and "noexec" not in options
    assert not any(f[6].startswith(("shared:", "master:")) for f in table)


@pytest.mark.parametrize("mode, more", [
    ("production", {}),
    ("agent", {}),
    ("agent", {"id_base": 0}),
])
def test_store_paths_work_in_each_mode(built, root, mode, more):
    text = built.named("data") + "/text"
    attest = "unpinned" if mode == "production" else None
    if attest:
        assert nucleus(built, "attest", root).returncode == 0
    result = run(built, app("read", text, ",", "read", built.more, root=root, mode=mode, attest=attest, **more))
    assert result.one("data", text) == "from the store\n", result
    assert result.one("read", built.more) == "ENOENT"


def test_store_paths_work_without_privilege(built, tmp_path):
    with rootfs.public_directory() as public:
        root = built.root(public / "root")
        store = nix.Store.__new__(nix.Store)
        store.__dict__.update(built.__dict__)
        store.path = str(public / "nix")
        shutil.copytree(built.path, store.path, symlinks=True)
        os.chmod(store.path, 0o755)
        helper = sandbox.published(public, build.program("exec-helper/nucleus-exec"))
        text = store.named("data") + "/text"
        caller = ("setpriv", "--reuid", str(sandbox.UNPRIVILEGED), "--regid", str(sandbox.UNPRIVILEGED),
                  "--clear-groups")
        spec = app("read", text, ",", "read", store.more, root=root, mode="agent", id_base=0,
                   user=str(sandbox.UNPRIVILEGED), group=str(sandbox.UNPRIVILEGED))
        result = sandbox.run(spec, wrapper=(*store.wrapper(), *caller), program=helper)
        assert result.code == 0, result
        assert result.one("data", text) == "from the store\n"
        assert result.one("read", store.more) == "ENOENT"


def test_store_paths_have_the_rights_of_the_root_under_landlock(built, root):
    """No rule for each path: that of the tmpfs covers what is mounted in it, and no more than it."""
    text = built.named("data") + "/text"
    spec = app("read", text, ",", "read", "/etc/passwd", root=root, landlock="custom", landlock_rules=[
        ("/bin", "execute,read_file,read_dir"), ("/nix/store", "execute,read_file,read_dir")])
    result = run(built, spec)
    assert result.one("read", text) == "OK", result
    assert result.one("read", "/etc/passwd") == "EACCES"
    # Through links of store paths too, which nobody but the operator can change.
    by_link = spec.but(landlock_rules=[("/bin/app", "execute,read_file"), (built.named("link"), "read_file")])
    result = run(built, by_link)
    assert result.one("read", text) == "OK", result
    assert run(built, spec.but(landlock_rules=[("/bin/app", "execute,read_file")])).one("read", text) == "EACCES"


def test_store_paths_leave_the_limit_of_open_files_alone(built, root, tmp_path):
    """Hundreds of them, under a soft limit that is lower: the workload has the limit and none of the descriptors."""
    paths = [f"/nix/store/{i:032d}-n" for i in range(300)]
    store = nix.Store.__new__(nix.Store)
    store.__dict__.update(built.__dict__)
    store.path = str(tmp_path / "many")
    shutil.copytree(built.path, store.path, symlinks=True)
    for p in paths:
        os.mkdir(store.on_host(p))
    nix.write_list(root, [*paths, *built.closure])

    def limit(soft, hard=4096):
        return lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    result = run(store, app("read", "/proc/self/limits", ",", "fds", ",", "list", "/nix/store", root=root),
                 preexec=limit(128))
    assert result.code == 0, result
    limits = result.one("data", "/proc/self/limits")
    assert re.search(r"^Max open files +128 +4096 ", limits, re.M), limits
    assert len(result.all("fd")) <= 4, result
    assert len(result.all("entry", "/nix/store")) == 304
    few = refused(run(store, app("exit", "0", root=root), preexec=limit(128, 256)), Exit.DATAERR)
    assert "256" in few.stderr and "LimitNOFILE=" in few.stderr


# ---- what is refused ----


def refused_with(result, *words):
    refused(result, Exit.DATAERR)
    for word in words:
        assert word in result.stderr, result


def test_store_path_that_the_host_lacks_is_named(built, root):
    absent = "/nix/store/00000000000000000000000000000000-absent"
    nix.write_list(root, [*built.closure, absent])
    refused_with(run(built, app("exit", "0", root=root)), absent, "the host lacks")


@pytest.mark.parametrize("text, words", [
    ("", ["line 1", "remove the file"]),
    ("\n", ["line 1", "empty"]),
    ("/etc/shadow\n", ["line 1", "/nix/store/"]),
    ("/nix/store/../../etc\n", ["line 1", "hash"]),
    ("/nix/store/00000000000000000000000000000000-a", ["line 1", "newline"]),
    ("/nix/store/00000000000000000000000000000000-a/b\n", ["line 1", "not what lies in them"]),
    ("/nix/store/00000000000000000000000000000000-a\n" * 2, ["line 2", "twice"]),
])
def test_store_list_that_is_wrong_is_refused(built, root, text, words):
    rootfs.write(f"{root}/{nix.LIST}", text)
    refused_with(run(built, app("exit", "0", root=root)), root, nix.LIST, *words)


def test_store_list_that_is_a_link_is_refused(built, root):
    os.rename(f"{root}/{nix.LIST}", f"{root}/list")
    os.symlink("list", f"{root}/{nix.LIST}")
    refused_with(run(built, app("exit", "0", root=root)), nix.LIST, "link")


def test_store_without_a_place_is_refused(built, root):
    os.rmdir(f"{root}/nix/store")
    refused_with(run(built, app("exit", "0", root=root)), "/nix/store", "create it there")
    os.symlink("/tmp", f"{root}/nix/store")
    refused_with(run(built, app("exit", "0", root=root)), "/nix/store", "link")


def test_store_that_would_hide_something_is_refused(built, root):
    rootfs.write(f"{root}/nix/store/own", "x")
    refused_with(run(built, app("exit", "0", root=root)), "/nix/store", "hide")


@pytest.mark.parametrize("target", ["/nix", "/nix/store", "/nix/store/more"])
def test_store_collides_with_a_volume(built, root, tmp_path, target):
    spec = app("exit", "0", root=root)
    refused_with(run(built, spec.but(volumes=[(tmp_path, target, "ro")])), f"on {target} ", nix.LIST)
    refused_with(run(built, spec.but(tmpfs=[(target, 4096)])), f"on {target} ", nix.LIST)


@pytest.mark.parametrize("mode", ["strict-agent", "agent"])
@pytest.mark.parametrize("name", ["data", "/nix/store", "/nix"])
def test_store_is_not_covered_by_way_of_a_link(built, root, tmp_path, mode, name):
    os.symlink(built.named(name) if name == "data" else name, f"{root}/away")
    spec = app("exit", "0", root=root, mode=mode, volumes=[(tmp_path, "/away", "rw")])
    result = refused(run(built, spec), Exit.NAMESPACE)
    assert "/away" in result.stderr and "store paths" in result.stderr, result
    # Any other link may lead a volume on.
    os.unlink(f"{root}/away")
    os.symlink("/data", f"{root}/away")
    assert run(built, spec).code == 0


def test_store_name_alike_collides_with_nothing(built, root, tmp_path):
    os.mkdir(f"{root}/nix/store-not")
    spec = app("exit", "0", root=root, volumes=[(tmp_path, "/nix/store-not", "ro")])
    assert run(built, spec).code == 0


@pytest.mark.skipif(images.why_not() is not None, reason=str(images.why_not()))
def test_store_list_in_an_image_is_refused(built, root, tmp_path):
    """The digest of the image covers the list, and nothing of what it lists."""
    image, other = tmp_path / "root.squashfs", tmp_path / "other.squashfs"
    spec = Spec(arguments=["/bin/payload", "list", "/nix/store"], rootfs=image)
    images.make("squashfs", root, image)
    refused_with(run(built, spec), str(image), nix.LIST, "must hold its store itself")
    os.unlink(f"{root}/{nix.LIST}")
    images.make("squashfs", root, other)
    result = run(built, spec.but(rootfs=other))
    assert result.one("list", "/nix/store") == "OK", result


def test_rootfs_without_a_list_has_no_store(built, root):
    os.unlink(f"{root}/{nix.LIST}")
    refused(run(built, app("exit", "0", root=root)), Exit.EXEC)
    result = run(built, Spec(arguments=["/bin/payload", "list", "/nix/store"], rootfs=root))
    assert result.one("list", "/nix/store") == "OK" and not result.all("entry"), result


# ---- what is attested ----


def attested(store, root, **more):
    done = nucleus(store, "attest", root)
    assert done.returncode == 0, done
    text = store.named("data") + "/text"
    spec = app("read", text, root=root, attest="unpinned", **more)
    result = run(store, spec)
    assert result.code == 0 and result.one("data", text) == "from the store\n", result
    return spec


def test_attestation_covers_what_only_a_string_refers_to(store, root):
    spec = attested(store, root)
    path = store.on_host(store.named("data")) + "/text"
    with open(path, "r+b") as f:
        f.write(b"F")
    refused_with(run(store, spec), store.named("data")[1:] + "/text")
    assert nucleus(store, "attest", "--verify", root).returncode == Exit.DATAERR
    with open(path, "r+b") as f:
        f.write(b"f")
    assert run(store, spec).code == 0


@pytest.mark.parametrize("how", ["pack", "from-tar"])
def test_rootfs_attests_the_store_paths_of_a_list(store, root, tmp_path, how):
    """What it prints is what the tree is verified by; an image of such a tree, which never starts, is none."""
    source = root
    if how == "from-tar":
        source = tmp_path / "root.tar"
        subprocess.run(["tar", "-C", root, "-c", "-f", source, "."], check=True)
    done = nucleus(store, "rootfs", how, "-o", tmp_path / "out", source)
    assert done.returncode == 0, done.stderr
    pin = tomllib.loads(done.stdout)["attestation"]["manifest_sha256"]
    fine = nucleus(store, "attest", "--verify", "--manifest-sha256", pin, tmp_path / "out")
    assert fine.returncode == 0, fine.stderr
    assert run(store, app("exit", "0", root=tmp_path / "out", attest=pin)).code == 0
    with open(f"{store.on_host(store.named('data'))}/text", "a") as f:
        f.write("more")
    refused(run(store, app("exit", "0", root=tmp_path / "out", attest=pin)), Exit.DATAERR)

    image = nucleus(store, "rootfs", how, "-o", tmp_path / "out.squashfs", source)
    assert image.returncode == 1 and nix.LIST in image.stderr and not (tmp_path / "out.squashfs").exists(), image
    nix.write_list(tmp_path / "out", ["/nix/store/" + "0" * 32 + "-absent"])
    done = nucleus(store, "rootfs", "pack", "-o", tmp_path / "again", tmp_path / "out")
    assert done.returncode == 1 and "absent" in done.stderr and not (tmp_path / "again").exists()


def test_attestation_refuses_more_in_a_store_path(store, root):
    spec = attested(store, root)
    more = store.on_host(store.named("data")) + "/more"
    rootfs.write(more, "x")
    refused_with(run(store, spec), store.named("data")[1:] + "/more")
    os.unlink(more)
    assert run(store, spec).code == 0


def test_attestation_covers_files_and_links_of_the_store(store, root):
    spec = attested(store, root)
    file, link = store.on_host(store.named("file")), store.on_host(store.named("link"))
    os.rename(file, file + ".saved")
    shutil.copy(file + ".saved", file)
    os.chmod(file, 0o555)
    refused_with(run(store, spec), store.named("file")[1:])
    os.rename(file + ".saved", file)
    assert run(store, spec).code == 0
    os.unlink(link)
    os.symlink("/etc/passwd", link)
    refused_with(run(store, spec), store.named("link")[1:])


def test_attestation_pins_the_list(store, root):
    spec = attested(store, root)
    nix.write_list(root, [*store.closure, store.more])
    refused_with(run(store, spec), nix.LIST)
    nix.write_list(root, sorted(store.closure, reverse=True))
    refused_with(run(store, spec), nix.LIST)


def test_attestation_names_what_the_list_forgot(store, root):
    forgotten = store.named("data")
    nix.write_list(root, [p for p in store.closure if p != forgotten])
    done = nucleus(store, "attest", root)
    assert done.returncode == Exit.DATAERR, done
    output = done.stdout + done.stderr
    assert os.path.basename(forgotten) in output, output
    assert f"{store.app[1:]}/etc/conf" in output, output
    # It is the reference that is refused, not the list: without it, the same list will do.
    rootfs.write(store.on_host(store.app) + "/etc/conf", "nothing\n")
    os.unlink(store.on_host(store.named("link")))
    os.symlink("nowhere", store.on_host(store.named("link")))
    assert nucleus(store, "attest", root).returncode == 0


def test_attestation_of_version_1_covers_no_store_paths(store, root):
    done = nucleus(store, "attest", "--format", "1", root)
    assert done.returncode != 0 and "version 2" in done.stdout + done.stderr, done
    rootfs.attest(root)
    refused_with(run(store, app("exit", "0", root=root, attest="unpinned")), "version 2")


# ---- a whole service ----


def test_service_of_store_paths_starts_and_is_refused_when_one_changes(built, root, machine):
    machine.copy_tree(root, TREE)
    machine.copy_tree(os.path.join(built.path, "store"), "/nix/store")
    try:
        pin = machine.ok(f"nucleus attest {TREE}").strip()
        text = built.named("data") + "/text"
        install(machine, web=toml(command=["/bin/app", "read", text, ",", "read", built.more], restart="no",
                                  rest=f"[attestation]\n{pin}\n"))
        machine.ok("systemctl start nucleus-web")
        assert eventually(lambda: ("data", text, "from the store\\x0a") in rows(machine, "web"))
        assert ("read", built.more, "ENOENT") in rows(machine, "web")

        machine.ok(f"printf F | dd of={text} conv=notrunc status=none")
        fails_to_start(machine, "web")
        assert ended(machine, "web") == ("exit-code", Exit.DATAERR)
        status = machine.run("systemctl status nucleus-web").stdout
        assert text[1:] in status, status
    finally:
        machine.run("chmod -R u+w /nix; rm -rf /nix")
