#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Write N services, in chains of ten, as one TOML file each (or as Quadlet files): input for the bench.

    make-services.py N DIRECTORY [--quadlet]

Service c0007-3 depends on c0007-2 and so on; the last of each chain is wanted by multi-user.target. The two
forms say the same things, as far as Quadlet has them.
"""

import argparse
import pathlib

CHAIN = 10

TOML = """\
description = "Bench service {i} of chain {chain}"
command = ["/bin/server", "--listen", "/run/server.sock", "--name", "{name}", "--verbose"]
rootfs = "/srv/bench/rootfs"
user = "server"
restart = "on-failure"
stop_timeout = "20s"
{wanted}{depends}
[resources]
memory = "64M"
cpus = 0.5
pids = 64

[environment]
LANG = "C.UTF-8"
SERVICE_NAME = "{name}"

[[volumes]]
source = "/var/lib/{name}"
target = "/var/lib/server"

[[tmpfs]]
target = "/tmp"
size = "16M"
"""

QUADLET = """\
[Unit]
Description=Bench service {i} of chain {chain}
{depends}
[Container]
Image=localhost/bench:latest
Exec=/bin/server --listen /run/server.sock --name {name} --verbose
User=server
Network=none
ReadOnly=true
NoNewPrivileges=true
DropCapability=all
PidsLimit=64
Environment=LANG=C.UTF-8
Environment=SERVICE_NAME={name}
Volume=/var/lib/{name}:/var/lib/server
Tmpfs=/tmp:size=16M

[Service]
Restart=on-failure
TimeoutStopSec=20
MemoryMax=64M
CPUQuota=50%
{wanted}"""


def toml(name: str, i: int, chain: int, last: bool) -> str:
    before = f"c{chain:04}-{i - 1}"
    return TOML.format(
        name=name, i=i, chain=chain,
        wanted='wanted_by = ["multi-user.target"]\n' if last else "",
        depends=f'depends_on = [{{ service = "{before}", condition = "started" }}]\n' if i else "")


def quadlet(name: str, i: int, chain: int, last: bool) -> str:
    before = f"c{chain:04}-{i - 1}.service"
    return QUADLET.format(
        name=name, i=i, chain=chain,
        wanted="\n[Install]\nWantedBy=multi-user.target\n" if last else "",
        depends=f"Requires={before}\nAfter={before}\n" if i else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", type=int)
    parser.add_argument("directory", type=pathlib.Path)
    parser.add_argument("--quadlet", action="store_true", help="write .container files instead")
    args = parser.parse_args()

    args.directory.mkdir(parents=True, exist_ok=True)
    for k in range(args.n):
        chain, i = divmod(k, CHAIN)
        name = f"c{chain:04}-{i}"
        last = i == CHAIN - 1 or k == args.n - 1
        text = (quadlet if args.quadlet else toml)(name, i, chain, last)
        path = args.directory / (name + (".container" if args.quadlet else ".toml"))
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)


if __name__ == "__main__":
    main()
