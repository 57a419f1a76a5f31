# SPDX-License-Identifier: Apache-2.0
"""`systemctl start` of a production service against the same program as a bare unit, and as a unit with
systemd's own sandboxing, on a real systemd in the nspawn machine of tests/rig.

Each start is timed inside the machine, from systemctl's fork to its exit; the three take turns. A service of
Nucleus counts as started when exec has succeeded; so do the other two (Type=exec).
"""

import subprocess

import rig

import loader
from timing import summary

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

# The comparison means nothing where a unit has not really got its seccomp filter. Of Nucleus it is the workload
# that has it, the youngest process of the unit.
CHECK = """
set -e
systemctl start {unit}
pid=$(tail -n 1 /sys/fs/cgroup/$(systemctl show -p ControlGroup --value {unit})/cgroup.procs)
grep -q '^Seccomp:.2' /proc/$pid/status
systemctl stop {unit}
"""


def measure(machine, runs):
    out = machine.ok(LOOP.format(n=runs + 2, units=" ".join(UNITS.values())))
    times = {unit: [] for unit in UNITS.values()}
    for line in out.splitlines():
        unit, microseconds = line.split()
        times[unit].append(int(microseconds) / 1000)
    return {name: summary(times[unit][2:]) for name, unit in UNITS.items()}


def run(work, build, runs):
    tree = work / "start-tree"
    loader.make_tree(tree, PROGRAM)
    subprocess.run([build / "tools/nucleus", "attest", tree], check=True, stdout=subprocess.DEVNULL)
    with rig.Machine(build) as machine:
        machine.copy_tree(tree, TREE)
        machine.write("/etc/systemd/system/bench-bare.service", UNIT.format(tree=TREE, sandbox=""))
        machine.write("/etc/systemd/system/bench-sandboxed.service", UNIT.format(tree=TREE, sandbox=SANDBOX))
        machine.write("/etc/nucleus/bench.toml", TOML.format(tree=TREE))
        machine.ok("systemctl daemon-reload")
        for name in (SANDBOXED, NUCLEUS):
            machine.ok(CHECK.format(unit=UNITS[name]))
        results = measure(machine, runs)
    return {
        "title": "`systemctl start` of a program that waits, on a real systemd",
        "reference": SANDBOXED,
        "results": results,
        "targets": [(NUCLEUS, BARE, 1.5), (NUCLEUS, SANDBOXED, 0.7)],
    }
