# SPDX-License-Identifier: Apache-2.0
"""Test machines: a real systemd in systemd-nspawn (Machine), a whole kernel in QEMU (Vm), one interface."""

from .nspawn import Machine
from .qemu import Vm
from .stop import Unavailable

__all__ = ["Machine", "Unavailable", "Vm"]
