# SPDX-License-Identifier: Apache-2.0
"""`systemctl start` of a production service against the same program as a bare unit, and as a unit with
systemd's own sandboxing, on a real systemd in the nspawn machine of tests/rig.

Each start is timed inside the machine, from systemctl's fork to its exit; the three take turns. A service of
Nucleus counts as started when exec has succeeded; so do the other two (Type=exec).
"""

import pathlib
import shutil
import subprocess
import sys

import loader
from timing import Failed, summary

BARE, SANDBOXED, NUCLEUS = "bare unit", "unit with systemd's sandboxing", "nucleus, production"
UNITS = {BARE: "bench-bare.service", SANDBOXED: "bench-sandboxed.service", NUCLEUS: "nucleus-bench.service"}
TREE = "/srv/bench-tree"

PROGRAM = "#include <unistd.h>\nint main(void) { pause(); return 0; }\n"

UNIT = """\
[Service]
Type=exec
ExecStart={tree}/bin/true
Environment=PATH=/usr/bin:/bin
MemoryMax=64M
TasksMax=16
{sandbox}"""

SANDBOX = """\
PrivateNetwork=yes
PrivateTmp=yes
PrivateDevices=yes
ProtectSystem=strict
SystemCallFilter=@system-service
"""

TOML = """\
mode = "production"
rootfs = "{tree}"
command = ["/bin/true"]
[resources]
memory = "64M"
pids = 16
[[tmpfs]]
target = "/tmp"
size = "16M"
"""

# Prints "<unit> <microseconds>" for each start.
LOOP = """
for ((i = 0; i < {n}; i++)); do
        for unit in {units}; do
                begin=${{EPOCHREALTIME/./}}
                systemctl start $unit || exit 1
                echo $unit $((${{EPOCHREALTIME/./}} - begin))
                systemctl stop $unit || exit 1
        done
done
"""

# The one filter that must be there for the comparison to mean anything.
CHECK = """
set -e
systemctl start {unit}
pid=$(systemctl show -p MainPID --value {unit})
grep -q '^Seccomp:.2' /proc/$pid/status
systemctl stop {unit}
"""


def prepare(machine, build, work):
    tree = work / "start-tree"
    loader.make_tree(tree, PROGRAM)
    subprocess.run([build / "tools/nucleus", "attest", tree], check=True, stdout=subprocess.DEVNULL)
    files = {
        "etc/systemd/system/bench-bare.service": UNIT.format(tree=TREE, sandbox=""),
        "etc/systemd/system/bench-sandboxed.service": UNIT.format(tree=TREE, sandbox=SANDBOX),
        "etc/nucleus/bench.toml": TOML.format(tree=TREE),
    }
    return tree, files
