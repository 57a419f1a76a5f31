# SPDX-License-Identifier: Apache-2.0
"""Services in a machine of tests/rig: their TOML, their root tree, and what the service manager says of them."""

import json
import time

from lib import rootfs

TREE = "/srv/tree"  # where install_tree() puts it, inside the machine
LIMIT = 60  # seconds after which what should come about is called missing


def toml(*command, rest="", **keys):
    """A production service of the payload: keys=None leaves a default out; `rest` follows as it is."""
    keys = {"mode": "production", "command": ["/bin/payload", *command], "rootfs": TREE,
            "resources.memory": "64M"} | {k.replace("__", "."): v for k, v in keys.items()}
    return "".join(f"{k} = {value(v)}\n" for k, v in keys.items() if v is not None) + rest


def value(v):
    if isinstance(v, dict):
        return "{ " + ", ".join(f"{k} = {value(x)}" for k, x in v.items()) + " }"
    if isinstance(v, list):
        return "[" + ", ".join(map(value, v)) + "]"
    return json.dumps(v)


def after(*names, condition="started"):
    """For depends_on."""
    return [{"service": name, "condition": condition} for name in names]


def install_tree(machine, scratch):
    """An attested tree with the payload, at TREE."""
    tree = rootfs.make(scratch / "tree", ["data"])
    rootfs.attest(tree)
    machine.copy_tree(tree, TREE)


def install(machine, **services):
    """Writes /etc/nucleus/<name>.toml for each, and reloads."""
    for name, text in services.items():
        machine.write(f"/etc/nucleus/{name}.toml", text)
    machine.ok("systemctl daemon-reload")


def state(machine, name):
    """"active/running", "failed/failed" and so on."""
    shown = machine.show(unit(name), "ActiveState", "SubState")
    return f"{shown['ActiveState']}/{shown['SubState']}"


def ended(machine, name):
    """How its main process ended: (Result, status)."""
    shown = machine.show(unit(name), "Result", "ExecMainStatus")
    return shown["Result"], int(shown["ExecMainStatus"])


def unit(name):
    return f"nucleus-{name}.service" if "." not in name else name


def start(machine, name):
    machine.ok(f"systemctl start '{unit(name)}'")


def fails_to_start(machine, name):
    result = machine.run(f"systemctl start '{unit(name)}'")
    assert result.code != 0, f"{name} did start"
    return result


def rows(machine, name):
    """What the payload printed, in its own rows."""
    return [tuple(entry["MESSAGE"].split("\t"))
            for entry in machine.journal(f"-u {unit(name)}", f"-t nucleus-{name}", "_TRANSPORT=stdout")]


def processes(machine, name):
    """{pid: command line} of all that runs in the service's cgroup."""
    found = {}
    group = machine.show(unit(name), "ControlGroup")["ControlGroup"]
    for pid in machine.run(f"cat /sys/fs/cgroup{group}/cgroup.procs").stdout.split() if group else []:
        found[int(pid)] = machine.run(f"tr '\\0' ' ' < /proc/{pid}/cmdline").stdout.strip()
    return found


def eventually(condition):
    """Its first true value; the last one after LIMIT."""
    end = time.monotonic() + LIMIT
    while True:
        result = condition()
        if result or time.monotonic() > end:
            return result
        time.sleep(0.1)
