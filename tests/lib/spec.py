# SPDX-License-Identifier: Apache-2.0
"""Spec text (lib/spec.h) written by hand, so that tests of nucleus-exec depend on no other program."""

from dataclasses import dataclass, field, replace

ID_BASE = 0x40000000
ALL = ("user", "pid", "mount", "net", "uts", "ipc", "cgroup", "time")
DEFAULT = ALL[:-1]


class Exit:
    """Exit codes of nucleus-exec (lib/exit-code.h)."""

    DATAERR, CONFIG, LANDLOCK, CHDIR, EXEC, STDIN = 65, 78, 150, 200, 203, 208
    GROUP, USER, CAPABILITIES, NETWORK, NAMESPACE, SECCOMP = 216, 217, 218, 225, 226, 228


def escape(value):
    """One field, as escape_field() of lib/escape.h writes it."""
    raw = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else bytes(value)
    if not raw:
        return "\\e"
    return "".join(chr(c) if 0x20 < c < 0x7F and c != 0x5C else "\\x%02x" % c for c in raw)


@dataclass
class Spec:
    """What is None or empty is left out. The default is a strict-agent: every failed protection refuses."""

    arguments: list
    name: str = "test"
    mode: str = "strict-agent"
    error: str = None
    environment: dict = field(default_factory=dict)
    workdir: str = "/"
    hostname: str = None
    user: str = "0"
    group: str = None
    supplementary: list = field(default_factory=list)
    id_base: int = ID_BASE
    namespaces: tuple = DEFAULT
    network: str = None  # None: what fits the namespaces
    listen_fds: int = 0
    rootfs: object = None
    attest: str = None  # "unpinned" or 64 digits
    attest_method: str = None  # None: sha256
    public_keys: list = field(default_factory=list)
    image_sha256: str = None
    image_fsverity: str = None
    root_hash: str = None
    volumes: list = field(default_factory=list)  # (source, target, "ro" or "rw")
    tmpfs: list = field(default_factory=list)  # (target, bytes)
    bounding: tuple = ()  # numbers of capabilities
    ambient: tuple = ()
    seccomp: str = "default"
    seccomp_program: str = None  # base64
    seccomp_source: str = None
    seccomp_lines: str = None
    seccomp_trace: str = None
    landlock: str = "default"
    landlock_source: str = None
    landlock_min_abi: int = 0
    landlock_rules: list = field(default_factory=list)  # (path, "word,word") or (path, words, "optional")
    landlock_ports: list = field(default_factory=list)  # (port, "word,word")
    landlock_scoped: tuple = ()
    log_denials: bool = False

    def but(self, **changes):
        return replace(self, **changes)

    def records(self):
        network = self.network or ("none" if "net" in self.namespaces else "host")
        yield "name", self.name
        yield "mode", self.mode
        if self.error is not None:
            yield "error", self.error
            return
        yield from (("argument", a) for a in self.arguments)
        yield from (("environment", f"{k}={self.environment[k]}") for k in sorted(self.environment))
        yield "workdir", self.workdir
        if self.hostname is not None:
            yield "hostname", self.hostname
        yield "user", self.user
        if self.group is not None:
            yield "group", self.group
        yield from (("supplementary-group", g) for g in self.supplementary)
        if self.id_base:
            yield "id-base", str(self.id_base)
        yield "namespaces", *(n for n in ALL if n in self.namespaces)
        yield "network", network
        if self.listen_fds:
            yield "listen-fds", str(self.listen_fds)
        if self.rootfs is not None:
            yield "rootfs", str(self.rootfs)
        if self.attest:
            yield "attest", self.attest
        if self.attest_method:
            yield "attest-method", self.attest_method
        yield from (("public-key", key) for key in self.public_keys)
        for key, value in (("image-sha256", self.image_sha256), ("image-fsverity", self.image_fsverity),
                           ("root-hash", self.root_hash)):
            if value is not None:
                yield key, value
        yield from (("volume", str(s), t, how) for s, t, how in self.volumes)
        yield from (("tmpfs", t, str(size)) for t, size in self.tmpfs)
        for key, kept in (("bounding", self.bounding), ("ambient", self.ambient)):
            if kept:
                yield "capabilities-" + key, "%016x" % sum(1 << cap for cap in kept)
        yield "seccomp", self.seccomp
        for key, value in (("program", self.seccomp_program), ("source", self.seccomp_source),
                           ("lines", self.seccomp_lines), ("trace", self.seccomp_trace)):
            if value is not None:
                yield "seccomp-" + key, value
        yield "landlock", self.landlock
        if self.landlock_source is not None:
            yield "landlock-source", self.landlock_source
        if self.landlock_min_abi:
            yield "landlock-min-abi", str(self.landlock_min_abi)
        for path, words, *how in self.landlock_rules:
            yield "landlock-rule", *(how or ["required"]), words, path
        yield from (("landlock-port", words, str(port)) for port, words in self.landlock_ports)
        if self.landlock_scoped:
            yield "landlock-scoped", *self.landlock_scoped
        if self.log_denials:
            yield "log-denials", "yes"

    def text(self):
        lines = ["nucleus-spec 1"]
        lines += [" ".join([key, *map(escape, fields)]) for key, *fields in self.records()]
        return ("\n".join(lines) + "\n").encode("ascii")


def payload(*verbs, **more):
    """A Spec that runs the payload of its root tree."""
    return Spec(arguments=["/bin/payload", *verbs], **more)
