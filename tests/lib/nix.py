# SPDX-License-Identifier: Apache-2.0
"""
Real store paths, made by Nix without a daemon, a network or nixpkgs. The host's /nix is left alone: a store of the
tests' own lies over it, in a mount namespace of each program that shall see it.
"""

import os
import shutil
import subprocess

from lib import build, rootfs

LIST = ".nucleus-rootfs-store-paths"
SETTINGS = "sandbox = false\nbuild-users-group =\nsubstitute = false\n"
OVER = 'mount --bind "$0" /nix && exec "$@"'

# `app` refers to `data` by a string in a file and to `link` by another; `more` is wanted by nobody.
EXPRESSION = """
{ payload, seed }:
let
  make = name: script: more: derivation ({
    inherit name payload seed;
    system = builtins.currentSystem;
    builder = "/bin/sh";
    args = [ "-ec" script ];
    PATH = "/usr/bin:/bin";
  } // more);
  data = make "data" "mkdir $out; echo from the store > $out/text" { };
  file = make "file" "echo a file > $out" { };
  link = make "link" "ln -s $data/text $out" { inherit data; };
  app = make "app" ''
    mkdir -p $out/bin $out/etc
    cp $payload $out/bin/payload
    echo "data=$data, link=$link; see $file." > $out/etc/conf
  '' { inherit data file link; };
  more = make "more" "echo nobody refers to this > $out" { };
in [ app more ]
"""


def why_not():
    """What the host lacks, or None."""
    for program in ("nix-build", "nix-store", "unshare"):
        if not shutil.which(program):
            return f"no {program}"
    if not os.path.isdir("/nix"):
        return "no /nix to mount on"
    return None if os.getuid() == 0 else "not root"


class Store:
    """A store at `path`: `app` and `more` are built, `closure` is what `app` needs."""

    def __init__(self, path):
        self.path = os.fspath(path)
        os.makedirs(self.path, exist_ok=True)
        with open(os.path.join(self.path, "test.nix"), "w") as f:
            f.write(EXPRESSION)
        self.app, self.more = self.nix("nix-build", "--no-out-link", "/nix/test.nix", "--argstr", "payload",
                                       build.payload(), "--argstr", "seed", "1").split()
        self.closure = self.nix("nix-store", "-qR", self.app).split()

    def wrapper(self):
        """Words before a program that shall see this store at /nix."""
        return ("unshare", "--mount", "--propagation", "private", "sh", "-c", OVER, self.path)

    def run(self, *command, **options):
        return subprocess.run([*self.wrapper(), *map(str, command)], capture_output=True, text=True, **options)

    def nix(self, *command):
        done = self.run(*command, env={**os.environ, "NIX_REMOTE": "local", "NIX_CONFIG": SETTINGS, "HOME": self.path})
        assert done.returncode == 0, done.stderr
        return done.stdout

    def named(self, name):
        """The path of the closure with this name."""
        found = [p for p in self.closure if p.partition("-")[2] == name]
        assert len(found) == 1, self.closure
        return found[0]

    def on_host(self, path):
        """Where a path below /nix/store really lies."""
        return self.path + path.removeprefix("/nix")

    def root(self, path, listed=None):
        """A root tree whose /bin/app is a link to the app's program, and that lists its closure."""
        root = rootfs.make(path, ["nix/store", "data"])
        os.symlink(f"{self.app}/bin/payload", f"{root}/bin/app")
        write_list(root, self.closure if listed is None else listed)
        return root


def write_list(root, paths):
    rootfs.write(f"{root}/{LIST}", "".join(f"{p}\n" for p in paths))
