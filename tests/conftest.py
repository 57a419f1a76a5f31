# SPDX-License-Identifier: Apache-2.0
"""Fixtures of all tests. A test says by its fixtures which machine it needs; where the host cannot run one, the
test is skipped with the reason, or fails where NUCLEUS_MUST_WORK=1 says that it must not be."""

import os
import pathlib
import signal

import pytest

import rig
from lib import build

pytest_plugins = ["lib.rootfs_cli"]  # the fixtures of `nucleus rootfs`

MUST_WORK = os.environ.get("NUCLEUS_MUST_WORK") == "1"


# Whoever starts the tests in the background leaves these ignored, and with them every program under test: a shell
# could not even trap them.
signal.signal(signal.SIGINT, signal.default_int_handler)
for _signal in (signal.SIGQUIT, signal.SIGHUP):
    signal.signal(_signal, signal.SIG_DFL)


def pytest_addoption(parser):
    parser.addoption("--no-vm", action="store_true", help="leave out what needs the QEMU machine")


def pytest_collection_modifyitems(config, items):
    if config.getoption("--no-vm"):
        items[:] = [item for item in items if "vm" not in getattr(item, "fixturenames", ())]


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    report = (yield).get_result()
    if MUST_WORK and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped where all must work: {reason}"


def started(make):
    """Yields a machine; for fixtures."""
    try:
        machine = make().start()
    except rig.Unavailable as e:
        (pytest.fail if MUST_WORK else pytest.skip)(str(e))
    try:
        yield machine
    finally:
        machine.stop()


@pytest.fixture(scope="session")
def build_directory():
    return pathlib.Path(build.directory())


# For a module each: other modules look at all processes and mounts of the host.
@pytest.fixture(scope="module")
def booted_machine(build_directory):
    yield from started(lambda: rig.Machine(build_directory))


@pytest.fixture
def machine(booted_machine):
    """A real systemd with Nucleus installed. What a test leaves in it is removed afterwards."""
    yield booted_machine
    clean(booted_machine)


@pytest.fixture(scope="module")
def booted_vm(build_directory):
    yield from started(lambda: rig.Vm(build_directory))


@pytest.fixture
def vm(booted_vm):
    """A whole kernel with cgroup controllers, and Nucleus installed. Cleaned like the machine."""
    yield booted_vm
    clean(booted_vm)


def clean(machine):
    machine.run("systemctl stop 'nucleus-*.service' 'nucleus-*.socket' 'nucleus-*.target'; "
                "rm -rf /etc/nucleus/*.toml /run/nucleus/*.toml /usr/lib/nucleus/*.toml /srv/* "
                "/etc/systemd/system/nucleus-*; systemctl daemon-reload; systemctl reset-failed")
    machine.forget()
