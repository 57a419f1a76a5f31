# SPDX-License-Identifier: Apache-2.0
"""Where the static helper is built: what tools/musl-start asks of musl's compiler."""

import os
import pathlib
import shutil
import subprocess

import pytest

from conftest import MUST_WORK

TOOL = pathlib.Path(__file__).parents[2] / "tools/musl-start"
HEADERS = ["-idirafter", "/usr/include", "-idirafter", f"/usr/include/{os.uname().machine}-linux-gnu"]


@pytest.fixture
def compiler(tmp_path):
    """A compiler for musl, by name, with these options."""
    gcc = shutil.which("musl-gcc")
    if not gcc:
        (pytest.fail if MUST_WORK else pytest.skip)("musl-gcc is not installed")

    def make(*options):
        wrapper = tmp_path / "compiler"
        wrapper.write_text(f'#!/bin/sh\nexec {gcc} {" ".join(options)} "$@"\n')
        wrapper.chmod(0o755)
        return str(wrapper)
    return make


def musl_start(compiler):
    return subprocess.run([TOOL, compiler, *HEADERS], capture_output=True, text=True)


def test_musl_start_prints_the_start_files(compiler):
    result = musl_start(compiler())
    assert result.returncode == 0, result
    assert [os.path.basename(path) for path in result.stdout.split()] == ["rcrt1.o", "crti.o", "crtn.o"]
    assert all(os.path.exists(path) for path in result.stdout.split())


def test_musl_start_refuses_a_vfork_that_is_a_fork(compiler):
    """The child would leave what failed in memory of its own, and its end would look like a start."""
    result = musl_start(compiler("-Dvfork=fork"))
    assert result.returncode != 0 and result.stdout == "", result
    assert "vfork(2)" in result.stderr


def test_musl_start_refuses_a_compiler_without_the_kernels_headers(compiler):
    result = subprocess.run([TOOL, compiler()], capture_output=True, text=True)
    assert result.returncode != 0 and result.stdout == "", result
