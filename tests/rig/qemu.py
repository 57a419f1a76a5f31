# SPDX-License-Identifier: Apache-2.0
"""A whole kernel in QEMU, without hardware acceleration where there is none: slower to boot than nspawn, but
with cgroup controllers. Commands go in over a virtio port; files come in on a second disk."""

import base64
import itertools
import os
import pathlib
import platform
import signal
import socket
import subprocess
import tempfile
import time

from . import root
from .nspawn import Commands, Result
from .stop import Unavailable, die_with_parent

_numbers = itertools.count(1)
BOOT_LIMIT = 600

# Reads "<script> <stdin>" in base64, a line each; answers "<code> <stdout> <stderr>". Lives in the image.
AGENT = r"""#!/bin/bash
exec 3<>/dev/virtio-ports/nucleus
while read -r script input <&3; do
        t=$(mktemp -d)
        base64 -d <<<"$script" >"$t/script"
        base64 -d <<<"$input" >"$t/in"
        env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin LANG=C.UTF-8 HOME=/root SYSTEMD_PAGER= \
                bash "$t/script" <"$t/in" >"$t/out" 2>"$t/err" 3>&-
        code=$?
        echo "$code $(base64 -w0 <"$t/out"). $(base64 -w0 <"$t/err")." >&3
        rm -rf "$t"
done
"""

AGENT_UNIT = """\
[Unit]
Description=Runs what the test asks for
DefaultDependencies=no
After=systemd-udevd.service local-fs.target dev-virtio\\x2dports-nucleus.device
Requires=dev-virtio\\x2dports-nucleus.device
[Service]
ExecStart=/usr/local/sbin/test-agent
Restart=always
OOMScoreAdjust=-1000
[Install]
WantedBy=sysinit.target
"""


def _make_image(path):
    tree = root.vm_root()
    with tempfile.TemporaryDirectory(dir=root.cache()) as scratch:
        copy = pathlib.Path(scratch) / "root"
        subprocess.run(["cp", "-a", "--reflink=auto", tree, copy], check=True)
        (copy / "usr/local/sbin/test-agent").write_text(AGENT)
        (copy / "usr/local/sbin/test-agent").chmod(0o755)
        (copy / "etc/systemd/system/test-agent.service").write_text(AGENT_UNIT)
        (copy / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 0\n")
        subprocess.run(["chroot", copy, "systemctl", "enable", "-q", "test-agent.service"], check=True,
                       capture_output=True)
        _make_disk(copy, path, 3 << 30)


def _make_disk(tree, path, size):
    with open(path, "wb") as f:
        f.truncate(size)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-O", "verity", "-d", tree, path], check=True, capture_output=True)


class Vm(Commands):
    """Use it in a `with`, or call start() and stop(). `build` (or None) is installed into it. Large trees are
    better given before it boots."""

    def __init__(self, build=None):
        if platform.machine() != "x86_64":
            raise Unavailable("the QEMU machine is of x86_64 so far")
        root.need("qemu-system-x86_64", "mke2fs", "mmdebstrap")
        self.directory = root.cache() / "run" / f"vm-{os.getpid()}-{next(_numbers)}"
        self.stage = self.directory / "stage"
        self.build = build
        self.process = self.channel = None
        root.sweep()
        self.stage.mkdir(parents=True)

    def copy_tree(self, source, target):
        """Copies a file or tree of the host, owners and all, to a path in the machine that is not there yet."""
        target = pathlib.PurePosixPath(target)
        if not self.process:
            there = self.stage / str(target).lstrip("/")
            there.parent.mkdir(parents=True, exist_ok=True)
            subprocess.run(["cp", "-a", source, there], check=True)
            return
        source = pathlib.Path(source)
        packed = subprocess.run(["tar", "-C", source.parent, "--numeric-owner", "-cz", source.name], check=True,
                                stdout=subprocess.PIPE).stdout
        self.ok(f"mkdir -p '{target}.new' && tar -C '{target}.new' --numeric-owner -xzp && "
                f"mv '{target}.new/{source.name}' '{target}' && rmdir '{target}.new'", packed)

    def start(self):
        try:
            self._boot()
        except BaseException:
            self.stop()
            raise
        return self

    def _boot(self):
        tree = root.vm_root()
        image = root.made_once("vm-image", [tree.name, AGENT, AGENT_UNIT], _make_image)
        kernel = sorted(tree.glob("boot/vmlinuz-*"))[-1]
        initrd = sorted(tree.glob("boot/initrd.img-*"))[-1]
        if self.build:
            root.install_nucleus(self.build, self.stage)
        disk = self.directory / "stage.img"
        _make_disk(self.stage, disk, 512 << 20)
        port = self.directory / "port"
        with open(self.directory / "console", "wb") as console:
            self.process = subprocess.Popen(
                ["qemu-system-x86_64", "-nodefaults", "-nographic", "-no-reboot", "-m", "1536", "-smp", "2",
                 "-accel", "tcg,thread=multi", "-cpu", "max", "-kernel", kernel, "-initrd", initrd,
                 "-append", "root=/dev/vda rw console=ttyS0 quiet systemd.show_status=0 mitigations=off",
                 "-drive", f"file={image},format=raw,if=virtio,snapshot=on",
                 "-drive", f"file={disk},format=raw,if=virtio,readonly=on",
                 "-serial", "stdio", "-device", "virtio-serial", "-device", "virtio-rng-pci",
                 "-chardev", f"socket,id=port,path={port},server=on,wait=off",
                 "-device", "virtserialport,chardev=port,name=nucleus"],
                env=dict(os.environ, TMPDIR=str(self.directory)), stdin=subprocess.DEVNULL, stdout=console,
                stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=die_with_parent)
        self._connect(port)
        self.wait_booted()
        self.ok("mkdir -p /run/stage && mount -o ro /dev/vdb /run/stage && "
                # The stage may have a directory /lib where the machine has a link.
                "tar -C /run/stage --exclude=./lost+found -c . | tar -C / --keep-directory-symlink -x && "
                "umount /run/stage && systemctl daemon-reload")

    def _connect(self, port):
        end = time.monotonic() + BOOT_LIMIT
        while not port.exists():
            if self.process.poll() is not None or time.monotonic() > end:
                raise Unavailable("QEMU did not start:\n" + self.boot_log()[-3000:])
            time.sleep(0.05)
        channel = socket.socket(socket.AF_UNIX)
        channel.settimeout(BOOT_LIMIT)
        channel.connect(str(port))
        self.channel = channel.makefile("rwb")

    def boot_log(self):
        try:
            return (self.directory / "console").read_text(errors="replace")
        except FileNotFoundError:
            return ""

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGKILL)
        if self.process:
            self.process.wait()
        self.process = self.channel = None
        root.remove(self.directory)

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def execute(self, script, stdin):
        line = base64.b64encode(script.encode()) + b" " + base64.b64encode(stdin) + b"\n"
        self.channel.write(line)
        self.channel.flush()
        answer = self.channel.readline().split()
        if len(answer) != 3:
            raise RuntimeError("the machine is gone:\n" + self.boot_log()[-3000:])
        out, err = (base64.b64decode(a[:-1]).decode("utf-8", "replace") for a in answer[1:])
        return Result(int(answer[0]), out, err)
