# SPDX-License-Identifier: Apache-2.0
"""
Golden directories: each cases/NAME/in becomes exactly cases/NAME/out. A new case is two folders and no code.

in/   *.toml; or directories, which then are the search path, in the order of their names. A directory
      in/units holds units and drop-ins that others have put into systemd's search path, and in/policies
      policy files; @IN@ in a file is where in/ lies.
out/  the units and links; MESSAGES is what goes to standard error (none: nothing does).

A case whose name begins with "user-" is run for the user manager. Where in/ lies is written as @IN@, where
nucleus-exec lies as @NUCLEUS_EXEC@. NUCLEUS_UPDATE_GOLDEN=1 writes out/ anew: read the difference.
"""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from lib import build, generator

CASES = pathlib.Path(__file__).parent / "cases"


def exec_path():
    text = (pathlib.Path(build.directory()) / "build-config.h").read_text()
    return re.search(r'NUCLEUS_EXEC_PATH "(.*)"', text)[1]


def prepare(case, tmp_path):
    """A copy, since a checkout may have any owner and mode."""
    shutil.copytree(case / "in", tmp_path / "in", symlinks=True)
    for p in [tmp_path / "in", *(tmp_path / "in").rglob("*")]:
        if not p.is_symlink():
            p.chmod(0o755 if p.is_dir() else 0o644)
            if p.suffix in (".toml", ".conf"):
                p.write_bytes(p.read_bytes().replace(b"@IN@", bytes(tmp_path / "in")))

    units, policies = tmp_path / "in/units", tmp_path / "in/policies"
    dirs = sorted(p for p in (tmp_path / "in").iterdir() if p.is_dir() and p not in (units, policies))
    return dirs or [tmp_path / "in"], units


def produce(case, tmp_path):
    dirs, units = prepare(case, tmp_path)
    scope = "user" if case.name.startswith("user-") else "none"
    run = generator.run(dirs, tmp_path / "out", units=units, environment={"SYSTEMD_SCOPE": scope})
    assert run.status == 0, run.messages

    def general(text):
        """A compiled filter, and the numbers of calls, are those of the machine."""
        text = text.replace(str(tmp_path / "in"), "@IN@").replace(exec_path(), "@NUCLEUS_EXEC@")
        text = text.replace("@NUCLEUS_EXEC@-static", "@NUCLEUS_EXEC@")  # a matter of the build
        return re.sub(r"(StandardInputText=seccomp-(?:program|lines)) .*", r"\1 …", text)

    tree = {k: general(v.decode()) if isinstance(v, bytes) else v for k, v in run.tree().items()}
    if run.messages:
        tree["MESSAGES"] = general(run.messages)
    return tree, {k for k, v in run.links.items()}


def expected(case):
    tree = {}
    for p in (case / "out").rglob("*"):
        key = str(p.relative_to(case / "out"))
        tree[key] = os.readlink(p) if p.is_symlink() else None if p.is_dir() else p.read_text()
    return tree


def update(case, tree, links):
    shutil.rmtree(case / "out", ignore_errors=True)
    (case / "out").mkdir()
    for key, value in sorted(tree.items()):
        path = case / "out" / key
        if value is None:
            path.mkdir()
        elif key in links:
            path.symlink_to(value)
        else:
            path.write_text(value)


@pytest.mark.parametrize("case", sorted(p for p in CASES.iterdir()), ids=lambda p: p.name)
def test_golden(case, tmp_path):
    tree, links = produce(case, tmp_path)
    if os.environ.get("NUCLEUS_UPDATE_GOLDEN"):
        update(case, tree, links)
    want = expected(case)
    assert sorted(tree) == sorted(want)
    for key in sorted(want):
        assert tree[key] == want[key], key


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd-analyze")
@pytest.mark.parametrize("case", ["production-full", "conditions", "stack", "sockets", "cycle", "hostile-values"])
def test_units_please_systemd(case, tmp_path):
    """systemd's own parser has nothing to say about them; the control shows that it would."""
    tree, links = produce(CASES / case, tmp_path)
    units = tmp_path / "units"
    units.mkdir()
    for name, text in tree.items():
        if name.endswith((".service", ".socket", ".target")) and name not in links:
            (units / name).write_text(text.replace("@NUCLEUS_EXEC@", "/bin/true").replace("@IN@", "/etc/nucleus"))

    def verify():
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", *sorted(map(str, units.iterdir()))],
                              env=os.environ | {"SYSTEMD_UNIT_PATH": f"{units}:"}, capture_output=True, text=True)
        return [line for line in done.stderr.splitlines() if "nucleus-" in line]

    assert verify() == []
    first = next(units.glob("*.service"))
    first.write_text(first.read_text().replace("Type=", "Typo="))
    assert verify()


def test_unit_runs_the_static_helper_where_no_library_is_needed(tmp_path):
    text = (pathlib.Path(build.directory()) / "build-config.h").read_text()
    static = re.search(r'NUCLEUS_EXEC_STATIC_PATH "(.*)"', text)[1]
    service = 'mode = "agent"\ncommand = ["/bin/x"]\n'
    config = generator.write(tmp_path / "config", {
        "plain.toml": service,
        "attested.toml": service + 'rootfs = "/srv/x"\n[attestation]\nverify = true\n',
        "logging.toml": service + "[policy]\nlog_denials = true\n",
        "broken.toml": "mode = 1\n",
    })
    run = generator.run([config], tmp_path / "out")
    started = {name: run.service(name).one("ExecStart") for name in ("plain", "attested", "logging", "broken")}
    assert started == {"plain": static, "attested": exec_path(), "logging": exec_path(), "broken": static}
