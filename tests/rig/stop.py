# SPDX-License-Identifier: Apache-2.0
"""What all of the rig shares: how it says that it cannot, and what to do about processes that are gone."""

import ctypes
import os
import signal

PR_SET_PDEATHSIG = 1


class Unavailable(Exception):
    """This host cannot run such a machine; the text says why."""


def alive(pid):
    return os.path.exists(f"/proc/{pid}")


def die_with_parent():
    """For a child that is about to exec: a test run that is killed takes its machines with it."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
