# SPDX-License-Identifier: Apache-2.0
"""What docs/examples/ shows must work: all of it is accepted, and the shop runs on a real systemd."""

import json
import os
import pathlib
import shutil
import subprocess

import pytest

from lib import build, generator, rootfs, sandbox
from rig import root

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs/examples"
FILES = sorted(path for path in EXAMPLES.rglob("*.toml") if "." not in path.stem)
POLICIES = sorted(path for path in EXAMPLES.rglob("*.*.*") if path.suffix in (".json", ".toml"))
INSTALLED = "/etc/nucleus/policies"


def nucleus(*arguments):
    return subprocess.run([build.program("tools/nucleus"), *map(str, arguments)], capture_output=True, text=True)


def verify(*files):
    return nucleus("verify", *files)


@pytest.fixture
def installed(tmp_path):
    """Copies of an example's files, which find the policies where they are."""
    policies = tmp_path / "policies"
    policies.mkdir(mode=0o755)
    for policy in POLICIES:
        shutil.copy(policy, policies)
        (policies / policy.name).chmod(0o644)

    def install(path, before=""):
        copy = tmp_path / path.name
        copy.write_text(before + path.read_text().replace(INSTALLED, str(policies)))
        copy.chmod(0o644)
        return copy
    return install


def test_examples_exist():
    assert EXAMPLES / "shop/shop.toml" in FILES and len(FILES) >= 5 and len(POLICIES) >= 2


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_are_accepted(path, installed):
    done = verify(installed(path))
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_with_an_unknown_key_are_refused(path, installed):
    """The positive control: that verify would have found something."""
    done = verify(installed(path, 'colour = "red"\n'))
    assert done.returncode != 0 and f"{path.name}:1:1" in done.stdout + done.stderr


# ---- the policies ----

PINNED = EXAMPLES / "pinned/pinned.toml"


@pytest.mark.parametrize("policy", POLICIES, ids=lambda path: path.name)
def test_pins_are_those_that_pin_prints(policy, installed, tmp_path):
    copy = installed(PINNED)
    done = nucleus("policy", "pin", tmp_path / "policies" / policy.name)
    header, *lines = done.stdout.splitlines()
    assert (header, done.stderr, len(lines)) == ("[policy]", "", 2)
    assert all(line in copy.read_text().splitlines() for line in lines), done.stdout
    with open(tmp_path / "policies" / policy.name, "a") as f:
        f.write("\n")
    assert "not the pinned" in verify(copy).stdout  # the control


def test_pinned_profile_allows_no_more_than_its_mode():
    done = nucleus("seccomp", "diff", "--json", "strict-agent", EXAMPLES / "pinned/pinned.seccomp.json")
    report = json.loads(done.stdout)
    assert [c["name"] for c in report["syscalls"] if c["more"]] == []
    assert [c["name"] for c in report["syscalls"] if c["name"] == "socket" and c["less"]]  # the control


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
def test_pinned_service_does_its_work_and_nothing_else(installed):
    with rootfs.public_directory() as place:
        data = place / "data"
        data.mkdir()
        os.chown(data, 65534, 65534)
        copy = installed(PINNED)
        loop = "while :; do date >> /data/times; sleep 60; done"
        once = "date >> /data/times; { mkdir /data/no; cat /data/times; ls /data; cat /proc/version; } 2>&1"
        text = copy.read_text().replace("/var/lib/pinned", str(data))
        assert loop in text
        copy.unlink()
        config = generator.write(place / "config", {"pinned.toml": text.replace(loop, once)})
        unit = generator.run([config], place / "units").service("pinned")
        assert unit.error is None, unit.error
        done = sandbox.run(unit.spec_text)
        assert done.ready and sorted(os.listdir(data)) == ["times"], done
        assert (data / "times").read_text().count("\n") == 1, done
        made, read, listed, version = done.stdout.decode().splitlines()
        assert made.startswith("mkdir: ") and made.endswith(": Operation not permitted")  # the profile; the rest is Landlock
        assert read == "cat: /data/times: Permission denied" and version == "cat: /proc/version: Permission denied"
        assert listed.startswith("ls: ") and listed.endswith(": Permission denied")


# ---- the shop, on a real systemd ----

SHOP = "/var/lib/nucleus/shop"
ASK = r"exec 3<>/dev/tcp/127.0.0.1/8080 && printf 'GET / HTTP/1.0\r\n\r\n' >&3 && cat <&3"


@pytest.fixture(scope="module")
def shop_trees():
    root.need("mmdebstrap")
    trees = root.cache() / "shop"
    subprocess.run([EXAMPLES / "shop/build-rootfs", trees], check=True, stdout=subprocess.DEVNULL,
                   env={**os.environ, "NUCLEUS": build.program("tools/nucleus")})
    return trees


@pytest.fixture
def shop(machine, shop_trees):
    """The machine with the shop installed and started."""
    machine.run(f"rm -rf {SHOP}")
    for tree in ("db-rootfs", "web-rootfs"):
        machine.copy_tree(shop_trees / tree, f"{SHOP}/{tree}")
    machine.write("/etc/nucleus/shop.toml", (shop_trees / "shop.toml").read_text())
    machine.write("/etc/tmpfiles.d/nucleus-shop.conf", (EXAMPLES / "shop/shop.tmpfiles.conf").read_text())
    machine.ok("systemd-tmpfiles --create nucleus-shop.conf && systemctl daemon-reload")
    machine.ok("systemctl start nucleus-shop.target")
    yield machine
    machine.run("systemctl stop nucleus-shop.target 'nucleus-shop-*.service' 'nucleus-shop-*.socket'; "
                f"rm -rf {SHOP} /etc/nucleus/shop.toml /etc/tmpfiles.d/nucleus-shop.conf")


def test_shop_answers_from_postgresql(shop):
    first, second = (json.loads(shop.ok(ASK).split("\r\n\r\n", 1)[1]) for _ in range(2))
    assert {"name": "saffron", "cents": 1290} in first["products"]
    assert first["database"].startswith("PostgreSQL ")
    assert second["visits"] == first["visits"] + 1


def test_shop_starts_in_the_order_of_its_dependencies(shop):
    done, db, web = (shop.show(f"nucleus-shop-{name}.service", "ActiveState", "SubState",
                               "InactiveExitTimestampMonotonic", "ActiveEnterTimestampMonotonic")
                     for name in ("db-init", "db", "web"))
    assert (done["SubState"], db["SubState"], web["SubState"]) == ("exited", "running", "running")
    for before, after in ((done, db), (db, web)):
        assert int(before["ActiveEnterTimestampMonotonic"]) <= int(after["InactiveExitTimestampMonotonic"])


def test_shop_makes_its_database_once(shop):
    visits = json.loads(shop.ok(ASK).split("\r\n\r\n", 1)[1])["visits"]
    shop.ok("systemctl stop 'nucleus-shop-*.service' && systemctl start nucleus-shop.target")
    assert json.loads(shop.ok(ASK).split("\r\n\r\n", 1)[1])["visits"] == visits + 1


def test_shop_with_one_byte_changed_is_refused_and_not_retried(shop):
    victim = f"{SHOP}/web-rootfs/usr/bin/shop-web"
    shop.ok(f"cp -a {victim} /run/good && printf X | dd of={victim} bs=1 seek=700 conv=notrunc status=none")
    assert shop.run("systemctl restart nucleus-shop-web.service").code != 0
    state = shop.show("nucleus-shop-web.service", "ActiveState", "ExecMainStatus", "NRestarts", "StatusText")
    assert (state["ActiveState"], state["ExecMainStatus"], state["NRestarts"]) == ("failed", "65", "0")
    assert "usr/bin/shop-web" in state["StatusText"]

    shop.ok(f"cp -a /run/good {victim} && systemctl reset-failed && systemctl start nucleus-shop-web.service")
    assert "saffron" in shop.ok(ASK)


def test_shop_superuser_cannot_connect(shop):
    """pg_hba.conf lets in the role "web" alone, whoever reaches the socket."""
    psql = f"chroot {SHOP}/db-rootfs /usr/lib/postgresql/17/bin/psql -h /run/postgresql -U "
    shop.ok(f"mount --bind {SHOP}/socket {SHOP}/db-rootfs/run/postgresql")
    try:
        assert "(1 row)" in shop.ok(psql + "web -c 'SELECT 1' shop")
        denied = shop.run(psql + "postgres shop -c 'SELECT 1'")
        assert denied.code != 0 and "pg_hba.conf rejects" in denied.stderr
    finally:
        shop.ok(f"umount {SHOP}/db-rootfs/run/postgresql")
