# SPDX-License-Identifier: Apache-2.0
"""Runs nucleus-generator over hand-made directories, and reads units as systemd.syntax(7) says."""

import os
import pathlib
import re
import resource
import subprocess
import tempfile
import threading

from lib import build

LIMIT = 60  # seconds after which a run is called hung


def program():
    return build.program("generator/nucleus-generator")


def is_sanitized():
    """Sanitizers take memory of their own: limits on it mean nothing then."""
    return b"__asan_init" in pathlib.Path(program()).read_bytes()


def limit_memory(size):
    """For `preexec`: heap and anonymous mappings of at most `size` bytes; None where sanitizers need more. Not the
    resident set, which counts the test's own memory before exec."""
    return None if is_sanitized() else lambda: resource.setrlimit(resource.RLIMIT_DATA, (size, size))


class Run:
    """What a run left: status, messages, units by name, links by path."""

    def __init__(self, status, messages, out, usage):
        self.status, self.messages, self.out, self.usage = status, messages, pathlib.Path(out), usage

    @property
    def names(self):
        return sorted(p.name for p in self.out.iterdir() if p.is_file() and not p.is_symlink())

    @property
    def links(self):
        return {str(p.relative_to(self.out)): os.readlink(p) for p in self.out.rglob("*") if p.is_symlink()}

    def text(self, unit):
        return (self.out / unit).read_bytes().decode()

    def unit(self, unit):
        return Unit(self.text(unit))

    def service(self, name):
        return self.unit(f"nucleus-{name}.service")

    def tree(self):
        """Everything in the directory, for comparing two runs."""
        found = {}
        for p in sorted(self.out.rglob("*")):
            key = str(p.relative_to(self.out))
            found[key] = os.readlink(p) if p.is_symlink() else None if p.is_dir() else p.read_bytes()
        return found


class Unit:
    """A unit file, with systemd's rules on continuation lines, comments and white space."""

    def __init__(self, text):
        self.assignments = []
        section, pending = None, ""
        for line in text.split("\n"):
            stripped = line.lstrip()
            if pending and stripped[:1] in ("#", ";"):
                continue
            line = pending + line
            slashes = len(line) - len(line.rstrip("\\"))
            if slashes % 2:
                pending = line[:-1] + " "
                continue
            pending = ""
            line = line.strip()
            if not line or line[0] in "#;":
                continue
            if line[0] == "[":
                assert line[-1] == "]", line
                section = line[1:-1]
                continue
            key, sign, value = line.partition("=")
            assert sign and section, f"neither section nor assignment: {line!r}"
            self.assignments.append((section, key.strip(), value.strip()))

    def all(self, key):
        return [v for _, k, v in self.assignments if k == key]

    def one(self, key):
        values = self.all(key)
        assert len(values) == 1, f"{key}= stands {len(values)} times"
        return values[0]

    @property
    def spec(self):
        """The spec's records, each a list of fields, as nucleus-exec will read them."""
        rows = []
        for value in self.all("StandardInputText"):
            raw = value.encode()
            raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), raw)
            assert re.search(rb"%(?!%)", raw.replace(b"%%", b"")) is None, f"a specifier: {raw!r}"
            fields = raw.replace(b"%%", b"%").split(b" ")
            rows.append([field(f) for f in fields])
        return rows

    @property
    def spec_text(self):
        """The spec as nucleus-exec reads it."""
        text = b""
        for value in self.all("StandardInputText"):
            raw = re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), value.encode())
            text += raw.replace(b"%%", b"%") + b"\n"
        return text

    def record(self, key):
        return [row[1:] for row in self.spec if row[0] == key]

    @property
    def arguments(self):
        return [row[0] for row in self.record("argument")]

    @property
    def error(self):
        rows = self.record("error")
        return rows[0][0] if rows else None


def field(raw):
    if raw == rb"\e":
        return ""
    return re.sub(rb"\\x([0-9a-f]{2})", lambda m: bytes([int(m[1], 16)]), raw).decode("utf-8", "surrogateescape")


def write(directory, files):
    """Writes {file name: text or bytes}; all as the generator wants them: mode 0644."""
    directory = pathlib.Path(directory)
    directory.mkdir(exist_ok=True)
    for name, text in files.items():
        path = directory / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(0o644)
    return directory


def run(dirs, out, *, units="", environment=None, arguments=None, preexec=None):
    """One run, with nothing in its environment but what is said."""
    out = pathlib.Path(out)
    out.mkdir(exist_ok=True)
    env = {"NUCLEUS_CONFIG_DIRS": ":".join(str(d) for d in dirs), "SYSTEMD_UNIT_PATH": str(units)}
    env |= environment or {}
    with tempfile.TemporaryFile() as messages:
        process = subprocess.Popen(
            [program(), *(arguments or [str(out)] * 3)], env=env, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=messages, preexec_fn=preexec)
        watchdog = _Watchdog(process)
        _, status, usage = os.wait4(process.pid, 0)
        watchdog.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
        messages.seek(0)
        return Run(process.returncode, messages.read().decode(), out, usage)


class _Watchdog:
    def __init__(self, process):
        self.timer = threading.Timer(LIMIT, process.kill)
        self.timer.start()

    def stop(self):
        self.timer.cancel()
