# SPDX-License-Identifier: Apache-2.0
"""Drop-ins as a real systemd reads them: which apply in which order, and what a file says. Nucleus' own reading of
the same files is printed by dropins.c, and the two must agree. Layouts and files are made at random, from seeds."""

import io
import os
import random
import re
import subprocess
import tarfile

import pytest

from lib import build

SERVICES = ["a", "a-b", "a-b-c", "a--b", "a-b-", "b", "x_y", "a-c"]
DIRECTORIES = ["/etc/systemd/system.control", "/etc/systemd/system", "/etc/systemd/system.attached",
               "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system"]
PREFIXES = ["service.d", "nucleus-.service.d", "nucleus-a-.service.d", "nucleus-a-b-.service.d",
            "nucleus-a--.service.d"]
NAMES = ["10-a.conf", "2-b.conf", "a.conf", "B.conf", "a-b.conf", "a.b.conf", "\xe4.conf", ".hidden.conf", "a.conf~",
         "README", "a.conf.dpkg-old"]


def dropins(*arguments, **environment):
    """Lines of what Nucleus makes of it."""
    done = subprocess.run([build.program("tests/integration/dropins"), *arguments], stdout=subprocess.PIPE,
                          env=environment, check=True)
    return done.stdout.decode("utf-8", "surrogateescape").split("\n")[:-1]


def unpack(machine, tree):
    """Puts a tree of the host into the machine, by a pipe: /run in it is nowhere on the host."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for path in sorted(tree.rglob("*")):
            archive.add(path, path.relative_to(tree), recursive=False)
    machine.ok("tar -C / --no-overwrite-dir --no-same-owner -x", stream.getvalue())


@pytest.fixture
def systemd(machine):
    def clean():
        machine.ok("rm -rf " + " ".join(f"{d}/nucleus-* {d}/parser-* {d}/service.d" for d in DIRECTORIES))

    machine.clean_dropins = clean
    yield machine
    clean()
    machine.ok("systemctl daemon-reload")


# ---- which apply ----


def make_dropin(choose, path, others):
    """A file, most often; else what masks or stands for one. It sets a description that says which it is."""
    kind = choose.choices(["file", "null", "empty", "link"], [12, 2, 2, 2])[0]
    if kind == "null":
        path.symlink_to("/dev/null")
    elif kind == "link" and others:
        path.symlink_to(os.path.relpath(choose.choice(others), path.parent))
    else:
        path.write_text("" if kind == "empty" else f"[Unit]\nDescription={path.parent.name}/{path.name}\n")
        others.append(path)


def make_layout(choose, root):
    """Directories of drop-ins all over the search path, some of them links to others."""
    made, files = [], []
    names = sorted({*PREFIXES, *(f"nucleus-{s}.service.d" for s in SERVICES)})
    for place in DIRECTORIES:
        (root / place[1:]).mkdir(parents=True)
        for name in choose.sample(names, choose.randrange(len(names))):
            path = root / place[1:] / name
            if made and choose.random() < 0.1:
                # Up to the root: systemd 257 looks for what a relative link names in its own working directory.
                up = "../" * place.count("/")
                path.symlink_to(up + str(choose.choice(made).relative_to(root)))
                continue
            path.mkdir()
            made.append(path)
            for file in choose.sample(NAMES, choose.randrange(5)):
                make_dropin(choose, path / file, files)
    for service in SERVICES:
        (root / f"etc/systemd/system/nucleus-{service}.service").write_text("[Service]\nExecStart=/bin/true\n")


def real(root, path):
    """Where a drop-in is: systemd follows links to directories in what it shows."""
    return root / os.path.realpath(root / os.path.dirname(path)[1:]).removeprefix(f"{root}/") / os.path.basename(path)


def counts(path):
    """Does the file say anything? systemd shows those too that mask others."""
    return not os.path.realpath(path) == "/dev/null" and path.stat().st_size > 0


def shown_by_systemd(machine, root):
    """For each service the files in order, and the description that has won."""
    out = machine.ok("systemctl daemon-reload; systemctl show -p Id,DropInPaths,Description "
                     + " ".join(f"nucleus-{s}.service" for s in SERVICES))
    for block in out.strip().split("\n\n"):
        shown = dict(line.split("=", 1) for line in block.splitlines())
        paths = [real(root, p.encode().decode("unicode_escape").encode("latin-1").decode())
                 for p in shown["DropInPaths"].split()]
        yield (shown["Id"].removeprefix("nucleus-").removesuffix(".service"),
               ([p for p in paths if counts(p)], shown["Description"]))


def found_by_nucleus(root):
    found = {service: [] for service in SERVICES}
    directories = ":".join(f"{root}{d}" for d in dropins("directories") if os.path.isdir(f"{root}{d}"))
    for line in dropins("find", *SERVICES, NUCLEUS_UNIT_DIRS=directories):
        service, path = line.split(" ", 1)
        found[service].append(real(root, path.removeprefix(str(root))))
    return found


def test_dropins_apply_as_in_systemd_in_random_layouts(systemd, tmp_path):
    n_files = 0
    for seed in range(12):
        root = tmp_path / str(seed)
        make_layout(random.Random(seed), root)
        systemd.clean_dropins()
        unpack(systemd, root)
        found = found_by_nucleus(root)
        for service, (paths, description) in shown_by_systemd(systemd, root):
            assert found[service] == paths, f"seed {seed}, service {service}"
            if paths:
                assert description == real_description(paths[-1]), f"seed {seed}, service {service}"
            n_files += len(paths)
    assert n_files > 300


def real_description(path):
    return path.read_text().split("=", 1)[1].strip()


@pytest.mark.parametrize("scope", ["system", "user"])
def test_dropins_are_looked_for_where_systemd_looks(machine, scope):
    """Where generators write is left out: it is empty while they run."""
    machine.ok("rm -rf /srv/home; mkdir /srv/home")
    environment = {"HOME": "/srv/home", "XDG_RUNTIME_DIR": "/run/user/0", "XDG_CONFIG_DIRS": "/srv/xdg",
                   "XDG_DATA_DIRS": "/srv/data1:/srv/data2"}
    settings = " ".join(f"{name}={value}" for name, value in environment.items())
    theirs = machine.ok(f"env {settings} systemd-analyze --{scope} unit-paths").split()
    ours = dropins("directories", SYSTEMD_SCOPE=scope, **environment)

    assert [d for d in theirs if "/generator" not in d] == [d for d in ours if d != "/lib/systemd/system"]


# ---- what a file says ----

FOREIGN = ["Environment=a \\", "Environment=a\\\\", "Environment=\\\\\\", "b \\", "# c", "# c \\", "  ; c", "", " ",
           "[Unit]", "[X]", "[Unit ]", "[unit]", "[]", "\ufeff", "\ufeff# c \\", "\ufeff[Unit]", "x", ":=",
           "Description=foreign", "[Unit] ; c", "[Un\"it]", "Environment=" + "x" * 300]
LINES = ["Description=a", " Description\t=  a ", "Description=a # c", "Description=;a", "Description=a:b=c",
         "Description=", "Description=a\\\\", "Description=\"a\" 'b'", "Description=\xe4\xa0", "\ufeffDescription=a",
         "description=a", "# c", "; c \\", "  # Description=a", "\tDescription=a", "Description=a\\ ", "[Service]", "[Unit]",
         "Description=" + "x" * 180]
REFUSED = ["Description=a ; c", "Description=a \\", "Description", "=a", "Description:a", "Descr:iption=a", "[Unit",
           "Description=a\x0bb", "Description=" + "x" * 200]
BYTES = [b"\xff", b"\0", b"\r", b"\x01"]


def make_text(choose):
    """A drop-in that is not quite what it looks like. Each description is another."""
    lines = []
    for _ in range(choose.randrange(1, 4)):
        lines += ["[Service]", *choose.choices(FOREIGN, k=choose.randrange(4)), "[Unit]",
                  *choose.choices(LINES, k=choose.randrange(1, 4))]
    if choose.random() < 0.5:
        lines += [choose.choice(["[X]", "[Unit ]", "[unit]"]), "Description=foreign"]
    if choose.random() < 0.2:
        lines.insert(choose.randrange(len(lines)), choose.choice(REFUSED))
    lines = [re.sub(r"(?<==)a|x$", f"a{i}", line).encode() for i, line in enumerate(lines)]
    if choose.random() < 0.1:
        lines.insert(choose.randrange(len(lines)), b"Documentation=" + choose.choice(BYTES))
    return choose.choices([b"\n", b"\r\n"], [9, 1])[0].join(lines) + choose.choice([b"", b"\n"])


def test_a_section_reads_as_in_systemd_or_is_refused(systemd, tmp_path):
    """The last Description= of [Unit], in many files that are more or less wrong."""
    choose = random.Random(1)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    names = [f"parser-{i}.service" for i in range(600)]
    for name in names:
        (units / name).write_text("[Service]\nExecStart=/bin/true\n")
        (units / f"{name}.d").mkdir()
        (units / f"{name}.d/x.conf").write_bytes(make_text(choose))
    unpack(systemd, tmp_path)
    systemd.ok("systemctl daemon-reload")
    out = systemd.ok("systemctl show -p Id,Description " + " ".join(names))
    theirs = {}
    for block in out.strip().split("\n\n"):
        shown = dict(line.split("=", 1) for line in block.split("\n"))
        theirs[shown["Id"]] = shown["Description"]

    read, refused = {}, set()
    for line in dropins("read", "Unit", *(f"{units}/{name}.d/x.conf" for name in names)):
        name, mark, text = re.fullmatch(r"/.*/(parser-\d+\.service)\.d/x\.conf:\d+(!|:)(.*)", line, re.S).groups()
        if mark == "!":
            refused.add(name)
        elif text.startswith("Description="):
            read[name] = text.removeprefix("Description=")

    for name in names:
        if name not in refused:
            assert theirs[name] == (read.get(name) or name), (units / f"{name}.d/x.conf").read_bytes()
    assert len(refused) > 100 and len(read) > 200
