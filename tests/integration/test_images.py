# SPDX-License-Identifier: Apache-2.0
"""Services whose root tree is an image: what is mounted is what was attested, read-only, and gives no privileges.
The kernel's own verification, fs-verity and dm-verity, is tested in the QEMU machine."""

import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time

import pytest

from lib import build, images, kernel, rootfs, sandbox
from lib.hold import held
from lib.sandbox import refused, run
from lib.service import ended, eventually, install, state, toml
from lib.signing import Key
from lib.spec import Exit, payload

REASON = images.why_not()
pytestmark = pytest.mark.skipif(REASON is not None, reason=str(REASON))

ZEROES = "0" * 64


@pytest.fixture
def tree(tmp_path):
    root = rootfs.make(tmp_path / "tree", ["data"])
    rootfs.write(f"{root}/data/text", "of the image\n")
    return root


@pytest.fixture(params=images.TYPES)
def kind(request):
    return request.param


@pytest.fixture
def image(kind, tree, tmp_path):
    return images.make(kind, tree, tmp_path / f"root.{kind}")


def spec(image, *verbs, **more):
    """Attested by its SHA-256, unless `more` says otherwise."""
    more = {"attest": "unpinned", **more}
    if more["attest"] == "unpinned" and not more.keys() & {"image_sha256", "public_keys", "attest_method"}:
        more["image_sha256"] = images.sha256(image)
    return payload(*(verbs or ("ids",)), rootfs=image, **more)


def assert_starts(result):
    assert result.code == 0 and result.ready, result
    return result


def assert_refused(result, code, *messages):
    refused(result, code)
    for message in messages:
        assert message in result.stderr, result


# ---- what a service sees ----


def test_image_is_the_root_of_its_service(kind, image):
    result = assert_starts(run(spec(image, "read", "/data/text", ",", "stat", "/data/text", ",", "mounts")))
    assert result.one("data", "/data/text") == "of the image\n"
    root = next(row for row in result.all("mount") if row.split()[4] == "/")
    options, _, rest = root.partition(" - ")
    assert {"ro", "nosuid", "nodev"} <= set(options.split()[5].split(",")), root
    assert rest.split()[0] == kind


@pytest.mark.parametrize("mode", ["agent", "strict-agent", "production"])
def test_image_starts_in_each_mode(image, mode):
    assert_starts(run(spec(image, mode=mode)))


def test_image_shows_the_ids_that_are_in_it(tree, kind, tmp_path):
    os.chown(f"{tree}/data/text", 1000, 1001)
    os.chmod(f"{tree}/data/text", 0o600)
    image = images.make(kind, tree, tmp_path / "image")
    assert run(spec(image, "read", "/data/text", user="web")).one("read", "/data/text") == "OK"
    assert run(spec(image, "read", "/data/text", user="twin")).one("read", "/data/text") == "EACCES"


def test_image_cannot_be_written_to(image):
    result = run(spec(image, "write", "/data/text", "x", ",", "mkdir", "/data/new", ",", "read", "/data/text"))
    assert result.one("write", "/data/text") == "EROFS" and result.one("mkdir", "/data/new") == "EROFS", result


def test_image_takes_volumes_and_tmpfs(image, tmp_path):
    (tmp_path / "volume").mkdir()
    (tmp_path / "volume/file").write_text("of the volume\n")
    result = run(spec(image, "read", "/data/file", volumes=[(tmp_path / "volume", "/data", "ro")],
                      tmpfs=[("/tmp", 65536)]))
    assert assert_starts(result).one("data", "/data/file") == "of the volume\n"


def test_image_leaves_no_loop_device_behind(kind, image, tmp_path):
    with sandbox.start(spec(image, "sleep", "1000")) as running:
        running.until_ready()
        # EROFS needs none where the kernel can mount it from the file itself.
        assert images.loops(tmp_path) or kind == "erofs"
        running.signal(signal.SIGTERM)
        running.wait()
    assert kernel.eventually(lambda: not images.loops(tmp_path)), images.loops(tmp_path)


def test_erofs_image_on_a_file_system_that_reads_no_pages_takes_a_loop_device(tree):
    """A tmpfs: the kernel mounts EROFS from none of its files, and says so."""
    with tempfile.TemporaryDirectory(dir="/dev/shm") as directory:
        image = images.make("erofs", tree, f"{directory}/image")
        with sandbox.start(spec(image, "sleep", "1000")) as running:
            running.until_ready()
            assert images.loops(directory)
            running.signal(signal.SIGTERM)
            running.wait()
        assert kernel.eventually(lambda: not images.loops(directory))


def test_image_leaves_no_loop_device_behind_where_the_start_fails(image, tmp_path):
    assert_refused(run(spec(image, user="nobody-of-that-name")), Exit.USER, "nobody-of-that-name")
    assert kernel.eventually(lambda: not images.loops(tmp_path)), images.loops(tmp_path)


# ---- attestation ----


def test_image_of_another_digest_is_refused(image):
    digest = images.sha256(image)
    assert_starts(run(spec(image, image_sha256=digest)))
    assert_refused(run(spec(image, image_sha256=ZEROES)), Exit.DATAERR, "not the pinned one", digest, ZEROES)


def test_image_with_one_byte_flipped_is_refused(image):
    pinned = spec(image)
    assert_starts(run(pinned))
    images.flip(image, os.path.getsize(image) - 1)
    assert_refused(run(pinned), Exit.DATAERR, "not the pinned one")
    # Without attestation nobody sees it.
    assert_starts(run(spec(image, attest=None)))


def test_image_signed_by_a_key_starts(image, tmp_path):
    key, other = Key(tmp_path / "key"), Key(tmp_path / "other")
    signatures = tmp_path / (image.name + ".sig")
    signed = spec(image, public_keys=[key.public])
    assert_refused(run(signed), Exit.DATAERR, "is not signed")
    signatures.write_text(key.sign(images.sha256(image), "image-sha256"))
    assert_starts(run(signed))
    assert_refused(run(spec(image, public_keys=[other.public])), Exit.DATAERR, "signature")
    # A signature of another kind of digest, or of another image.
    signatures.write_text(key.sign(images.sha256(image), "image-fsverity"))
    assert_refused(run(signed), Exit.DATAERR, "signature")
    signatures.write_text(key.sign(ZEROES, "image-sha256"))
    assert_refused(run(signed), Exit.DATAERR, "signature")


def test_image_with_a_pin_and_a_key_needs_both(image, tmp_path):
    key, other = Key(tmp_path / "key"), Key(tmp_path / "other")
    digest = images.sha256(image)
    (tmp_path / (image.name + ".sig")).write_text(key.sign(digest, "image-sha256"))
    assert_starts(run(spec(image, image_sha256=digest, public_keys=[key.public])))
    assert_refused(run(spec(image, image_sha256=ZEROES, public_keys=[key.public])), Exit.DATAERR, "pinned")
    assert_refused(run(spec(image, image_sha256=digest, public_keys=[other.public])), Exit.DATAERR, "signature")


@pytest.mark.parametrize("spoil", ["link to a device", "fifo", "directory", "large"])
def test_signature_file_of_an_image_must_be_a_small_file(image, tmp_path, spoil):
    key, path = Key(tmp_path / "key"), tmp_path / (image.name + ".sig")
    if spoil == "link to a device":
        path.symlink_to("/dev/zero")
    elif spoil == "fifo":
        os.mkfifo(path)
    elif spoil == "directory":
        path.mkdir()
    else:
        path.write_text(key.sign(images.sha256(image), "image-sha256") + " " * 70000)
    assert_refused(run(spec(image, public_keys=[key.public])), Exit.DATAERR, str(path))


def test_attestation_of_an_image_needs_something_that_says_which(image):
    unsaid = payload("ids", rootfs=image, attest="unpinned")
    assert_refused(run(unsaid), Exit.DATAERR, "image_sha256", "public_key")


def test_pins_that_do_not_fit_the_rootfs_are_refused(tree, image):
    assert_refused(run(payload("ids", rootfs=image, attest=ZEROES)), Exit.DATAERR, "image_sha256")
    rootfs.attest(tree)
    assert_starts(run(payload("ids", rootfs=tree, attest="unpinned")))
    for more in ({"image_sha256": ZEROES}, {"image_fsverity": ZEROES, "attest_method": "fsverity"},
                 {"root_hash": ZEROES, "attest_method": "dm-verity"}):
        result = run(payload("ids", rootfs=tree, attest="unpinned", **more))
        assert_refused(result, Exit.DATAERR, "is a directory")


def test_image_without_fs_verity_is_refused_by_that_method(image):
    result = run(spec(image, attest_method="fsverity", image_fsverity=ZEROES))
    assert_refused(result, Exit.DATAERR, "fs-verity")


def test_image_without_a_hash_tree_is_refused_by_dm_verity(image):
    result = run(spec(image, attest_method="dm-verity", root_hash=ZEROES))
    assert_refused(result, Exit.DATAERR, f"{image}.verity", "veritysetup format")


def test_hash_tree_that_is_none_is_refused_by_dm_verity(image):
    with open(f"{image}.verity", "wb") as f:
        f.write(b"no hash tree".ljust(8192))
    asked = spec(image, attest_method="dm-verity", root_hash=ZEROES)
    assert_refused(run(asked), Exit.DATAERR, "its hash tree is none of `veritysetup format`")


@pytest.mark.skipif(not shutil.which("veritysetup"), reason="needs veritysetup")
def test_dm_verity_starts_or_says_that_there_is_no_device_mapper(image):
    made = subprocess.run(["veritysetup", "format", image, f"{image}.verity"], capture_output=True, text=True, check=True)
    root_hash = re.search(r"Root hash:\s+(\w+)", made.stdout)[1]
    asked = spec(image, attest_method="dm-verity", root_hash=root_hash)
    result = run(asked)
    if os.path.exists("/sys/class/misc/device-mapper"):
        assert_starts(result)
    else:
        assert_refused(result, Exit.DATAERR, "this kernel has no device mapper, see `modprobe dm-verity`")


# ---- what must never work ----


def special(path, what):
    if what == "fifo":
        os.mkfifo(path)
    elif what == "socket":
        with socket.socket(socket.AF_UNIX) as s:
            s.bind(str(path))
    elif what == "device":
        os.mknod(path, 0o600 | 0o020000, os.makedev(1, 5))
    elif what == "link to a device":
        path.symlink_to("/dev/zero")
    elif what == "text":
        path.write_text("no image\n" * 1000)
    else:
        path.write_text("")
    return path


@pytest.mark.parametrize("what", ["fifo", "socket", "device", "link to a device", "text", "empty"])
@pytest.mark.parametrize("attested", [True, False])
def test_attack_32_what_is_no_image_is_refused(tmp_path, what, attested):
    path = special(tmp_path / "rootfs", what)
    more = {"attest": "unpinned", "image_sha256": ZEROES} if attested else {}
    assert_refused(run(payload("ids", rootfs=path, **more)), Exit.DATAERR if attested and path.is_file() else
                   Exit.NAMESPACE, str(path))


def test_attack_32_huge_sparse_image_is_refused(image):
    assert_starts(run(spec(image)))
    os.truncate(image, 1 << 40)
    assert_refused(run(spec(image, image_sha256=ZEROES)), Exit.DATAERR, "sparse")


def test_image_that_is_damaged_gives_one_clear_error(kind, image, tmp_path):
    size = os.path.getsize(image)
    start = 1024 + 4 if kind == "erofs" else 4
    with open(image, "r+b") as f:
        f.seek(start)
        f.write(b"\xa5" * (size - start))
    result = run(spec(image, attest=None))
    assert_refused(result, Exit.NAMESPACE, f"cannot mount the image {image} as {kind}")
    assert result.stderr.count("\n") == 1, result
    assert kernel.eventually(lambda: not images.loops(tmp_path))


def test_image_that_takes_data_from_elsewhere_is_refused(tree, tmp_path):
    """EROFS opens what an image's device table names, as the mounter: a file of the host, which no digest covers."""
    rootfs.write(f"{tree}/data/large", "x" * 100000)
    image = images.make("erofs", tree, tmp_path / "with", "--chunksize=4096", f"--blobdev={tmp_path}/blob")
    assert_refused(run(spec(image)), Exit.DATAERR, "other files or devices")
    assert_refused(run(spec(image, attest=None)), Exit.NAMESPACE, "other files or devices")
    whole = images.make("erofs", tree, tmp_path / "without", "--chunksize=4096")
    assert_starts(run(spec(whole)))


def test_image_gives_no_privileges(tree, kind, tmp_path):
    shutil.copy(build.payload(), f"{tree}/bin/setuid")
    os.chmod(f"{tree}/bin/setuid", 0o4755)
    os.mknod(f"{tree}/data/zero", 0o666 | 0o020000, os.makedev(1, 5))
    os.chmod(f"{tree}/data/zero", 0o666)
    image = images.make(kind, tree, tmp_path / "image")
    result = assert_starts(run(spec(image, "open", "r", "/data/zero", "/dev/zero", ",", "exec", "/bin/setuid", "ids",
                                    user="web")))
    assert result.one("open", "/data/zero") == "EACCES"
    assert result.one("open", "/dev/zero") == "OK"
    assert result.one("uid") == ("1000", "1000", "1000")
    # Outside, without nodev, the node works.
    assert sandbox.outside("open", "r", f"{tree}/data/zero").one("open", f"{tree}/data/zero") == "OK"


def test_image_needs_privilege(tree, kind):
    with rootfs.public_directory() as directory:
        image = images.make(kind, tree, directory / "image")
        program = sandbox.published(directory, build.program("exec-helper/nucleus-exec"))
        result = run(spec(image, id_base=0), uid=sandbox.UNPRIVILEGED, program=program)
        assert_refused(result, Exit.NAMESPACE, "is an image", "system manager")


def test_image_that_may_not_be_read_is_refused(image):
    """Privileged, but without the right to read what others own."""
    os.chown(image, sandbox.UNPRIVILEGED, sandbox.UNPRIVILEGED)
    os.chmod(image, 0)
    pinned = spec(image)
    assert_starts(run(pinned))
    result = run(pinned, wrapper=("setpriv", "--bounding-set=-dac_override,-dac_read_search"))
    assert_refused(result, Exit.NAMESPACE, "cannot open the image", "Permission denied")


def swap(image, other):
    """Another file in the image's place, as `mv` does it."""
    temporary = image.with_suffix(".new")
    shutil.copy(other, temporary)
    os.rename(temporary, image)


def test_attack_36_image_exchanged_while_a_service_starts(tree, kind, image, tmp_path):
    """At each call of the setup: only what was attested ever runs."""
    original = tmp_path / "original"
    shutil.copy(image, original)
    rootfs.write(f"{tree}/data/text", "of the attacker\n")
    bad = images.make(kind, tree, tmp_path / "bad")
    pinned, seen = spec(image, "read", "/data/text"), set()
    for count in range(1, 1000):
        swap(image, original)
        with held(pinned) as helper:
            over = helper.at(count) is None
            swap(image, bad)
            helper.let_all_go()
            result = helper.running.wait()
        if result.code == 0:
            seen.add(result.one("data", "/data/text"))
        else:
            seen.add(result.code)
            assert result.code == Exit.DATAERR and result.stdout == b"", result
        if over:
            break
    assert seen == {"of the image\n", int(Exit.DATAERR)}, seen
    # Unattested, the attacker's comes to run: the swap does come in time.
    swap(image, original)
    with held(spec(image, "read", "/data/text", attest=None)) as helper:
        helper.at(1)
        swap(image, bad)
        helper.let_all_go()
        assert helper.running.wait().one("data", "/data/text") == "of the attacker\n"


# ---- the recipe ----


def recipe(spec):
    result = run(spec, arguments=["--print-recipe"])
    assert result.code == 0, result
    return [line.split()[1] for line in result.stdout.decode().splitlines() if line.startswith("host ")]


def test_recipe_prints_the_rows_of_an_image(tree, image):
    order = ["root-tree", "attestation", "root-image", "store-paths", "user"]
    assert [row for row in recipe(spec(image)) if row in order] == order
    verity = spec(image, attest_method="dm-verity", root_hash=ZEROES)
    assert [row for row in recipe(verity) if row in order] == [row for row in order if row != "root-image"]
    assert "attestation" not in recipe(spec(image, attest=None))
    of_tree = payload("ids", rootfs=tree, attest="unpinned")
    assert [row for row in recipe(of_tree) if row in order] == ["root-tree", "store-paths", "attestation", "user"]


# ---- long attestations ----


@pytest.fixture
def long_image(tree, tmp_path):
    """One that takes a moment to hash: room at its end that belongs to no file."""
    image = images.make("erofs", tree, tmp_path / "long")
    with open(image, "r+b") as f:
        os.posix_fallocate(f.fileno(), 0, 1 << 30)
    return image


def begun(running):
    """Waits for the first word of the attestation, and stops the helper there."""
    assert kernel.eventually(lambda: "STATUS=Verifying the root tree" in
                             [text for _, text in running.notify.drain()], sandbox.LIMIT)
    running.signal(signal.SIGSTOP)


def test_attestation_that_takes_long_tells_how_far_it_is(long_image):
    pinned = payload("ids", rootfs=long_image, attest="unpinned", image_sha256=ZEROES)
    with sandbox.start(pinned) as running:
        begun(running)
        time.sleep(1.2)  # longer than the period after which it tells
        running.signal(signal.SIGCONT)
        result = running.wait()
    assert result.code == Exit.DATAERR, result
    told = [text for _, text in result.messages if "EXTEND_TIMEOUT_USEC=30000000" in text.splitlines()]
    assert told, result
    assert all("STATUS=Verifying the root tree: " in text and "% (" in text and "MB" in text for text in told), told
    assert 1 <= len(told) < 100


def test_attestation_that_is_short_tells_nothing(image):
    result = assert_starts(run(spec(image)))
    assert not any("EXTEND_TIMEOUT_USEC" in line for line in result.notified), result


# Lets the helper run for a moment in each half second, as on a machine that has much to do.
SLOWLY = """
systemctl start --no-block nucleus-web
until pid=$(systemctl show -p MainPID --value nucleus-web) && [ "$pid" != 0 ]; do sleep 0.01; done
for i in $(seq 12); do
        kill -STOP $pid; sleep 0.5; systemctl show -p StatusText --value nucleus-web; kill -CONT $pid; sleep 0.02
done
"""


def install_long_image(machine, long_image):
    machine.copy_tree(long_image, "/srv/long")
    digest = machine.ok("sha256sum /srv/long").split()[0]
    install(machine, web=toml("sleep", "1000", rootfs="/srv/long", attestation={"image_sha256": digest}))
    machine.write("/etc/systemd/system/nucleus-web.service.d/impatient.conf", "[Service]\nTimeoutStartSec=3s\n")
    machine.ok("systemctl daemon-reload")


def test_attestation_may_take_longer_than_the_service_manager_waits(machine, long_image):
    install_long_image(machine, long_image)
    told = machine.ok(SLOWLY)
    assert "Verifying the root tree: " in told and " left)" in told, told
    assert eventually(lambda: state(machine, "web") == "active/running"), machine.run("systemctl status nucleus-web")
    shown = machine.show("nucleus-web", "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
    took = int(shown["ActiveEnterTimestampMonotonic"]) - int(shown["InactiveExitTimestampMonotonic"])
    assert took > 3_000_000, "it was not slow enough to test anything"


def test_attestation_that_does_not_advance_is_given_up(machine, long_image):
    install_long_image(machine, long_image)
    machine.ok(SLOWLY.partition("for ")[0] + "kill -STOP $pid")
    assert eventually(lambda: ended(machine, "web")[0] == "timeout"), machine.run("systemctl status nucleus-web")


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGINT])
def test_signal_ends_a_long_attestation(long_image, sig):
    pinned = payload("ids", rootfs=long_image, attest="unpinned", image_sha256=ZEROES)
    with sandbox.start(pinned) as running:
        begun(running)
        running.signal(sig)
        running.signal(signal.SIGCONT)
        result = running.wait()
    assert result.code == -sig and not result.ready and result.stdout == b"", result
