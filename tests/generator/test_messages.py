# SPDX-License-Identifier: Apache-2.0
"""Where messages go: all to standard error, the first few to the kernel log, none of a run by hand."""

import os
import subprocess

import pytest

from lib import generator

N = 20


@pytest.fixture
def kmsg(tmp_path):
    """A file that stands for /dev/kmsg, in a mount namespace of its own, and how to run there."""
    if os.geteuid() != 0:
        pytest.skip("putting a file over /dev/kmsg takes root")
    file = tmp_path / "kmsg"
    file.touch()
    script = 'test -e /dev/kmsg || { mount -t tmpfs none /dev && : > /dev/kmsg; }; mount --bind "$1" /dev/kmsg; '
    return file, ["unshare", "-m", "sh", "-ec", script + 'shift; exec "$@"', "sh", str(file)]


def run(tmp_path, kmsg, scope):
    file, prefix = kmsg
    config = generator.write(tmp_path / "config", {f"bad{i:02}.toml": "nonsense" for i in range(N)})
    (tmp_path / "out").mkdir()
    env = {"PATH": os.environ["PATH"], "NUCLEUS_CONFIG_DIRS": str(config), "SYSTEMD_UNIT_PATH": "",
           "SYSTEMD_SCOPE": scope}
    done = subprocess.run([*prefix, generator.program(), str(tmp_path / "out")], env=env, stderr=subprocess.PIPE,
                          text=True, check=True)
    return done.stderr.splitlines(), file.read_text()


def test_messages_system_manager_gets_a_few_in_the_kernel_log(tmp_path, kmsg):
    lines, kernel = run(tmp_path, kmsg, "system")
    assert len(lines) == N
    records = kernel.split("<3>")[1:]
    assert [r.partition(":")[0] for r in records] == ["nucleus-generator"] * 9
    # A record without a newline is shown to nobody before the next one comes.
    assert all(r.endswith("\n") for r in records)
    assert "bad00.toml:1:" in records[0]
    assert records[-1] == f"nucleus-generator: {N - 8} more errors: see `nucleus verify`\n"


def test_messages_user_manager_leaves_the_kernel_log_alone(tmp_path, kmsg):
    lines, kernel = run(tmp_path, kmsg, "user")
    assert len(lines) == N
    assert kernel == ""


def test_messages_by_hand_leave_the_kernel_log_alone(tmp_path, kmsg):
    lines, kernel = run(tmp_path, kmsg, "")
    assert len(lines) == N
    assert kernel == ""
