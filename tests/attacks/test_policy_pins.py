# SPDX-License-Identifier: Apache-2.0
"""
Attack cases 37 and 38, and the floor: policy files that are not what was reviewed, profiles that mean something
else than they seem to, and configuration that would go below what the host demands. The front end refuses; in
each, a service that is well is the positive control.
"""

import base64
import hashlib
import json
import os
import threading

import pytest

from lib import generator

ALLOW_SOME = {"defaultAction": "SCMP_ACT_ERRNO",
              "syscalls": [{"names": ["read", "write", "execve", "exit_group"], "action": "SCMP_ACT_ALLOW"}]}
ALLOW_ALL = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}
GOOD = 'mode = "strict-agent"\ncommand = ["/bin/good"]\n'
PRODUCTION = 'command = ["/bin/x"]\nrootfs = "/srv/x"\n[resources]\nmemory = "64M"\n'


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def policy(tmp_path, data, name="policy.json"):
    """A policy file that is what its owner wants it to be."""
    path = tmp_path / name
    path.write_bytes(data if isinstance(data, bytes) else json.dumps(data).encode())
    path.chmod(0o644)
    return path


def service(path, pin=None, key="seccomp", head=GOOD):
    return head + f'[policy]\n{key} = "{path}"\n' + (f'{key}_sha256 = "{pin}"\n' if pin else "")


def make(tmp_path, files, units=None, **options):
    config = generator.write(tmp_path / "config", {"good.toml": GOOD} | files)
    run = generator.run([config], tmp_path / "out", units=units or "", **options)
    assert run.status == 0
    if "floor.conf" not in files:
        assert run.service("good").error is None
    return run


def program(unit):
    """The compiled filter, or None for the built-in."""
    rows = unit.record("seccomp-program")
    return base64.b64decode(rows[0][0]) if rows else None


def assert_refused(run, name, *parts):
    unit = run.service(name)
    assert unit.error is not None, "it is not refused"
    assert program(unit) is None and not unit.arguments
    for part in parts:
        assert part in unit.error, unit.error


# 37

@pytest.mark.parametrize("key, data", [
    ("seccomp", json.dumps(ALLOW_SOME).encode()),
    ("capabilities", b'[bounding]\nkeep = ["CAP_NET_RAW"]\n'),
    ("landlock", b'[[rules]]\npath = "/usr"\naccess = ["read"]\n'),
])
def test_attack_37_pinned_file_with_one_space_more_is_refused(tmp_path, key, data):
    pin = sha256(data)
    path = policy(tmp_path, data)
    run = make(tmp_path, {"x.toml": service(path, pin, key)})
    assert run.service("x").error is None  # the control
    policy(tmp_path, data + b" ")
    run = make(tmp_path, {"x.toml": service(path, pin, key)})
    assert_refused(run, "x", "x.toml:5:", str(path), pin, sha256(data + b" "), "nucleus policy pin")


def test_attack_37_file_swapped_while_it_is_read_is_refused_or_the_pinned_one(tmp_path):
    """Hash and program come from one reading: whatever a neighbour exchanges meanwhile, what is compiled was hashed."""
    reviewed = json.dumps(ALLOW_SOME).encode()
    path = policy(tmp_path, reviewed)
    loose = policy(tmp_path, ALLOW_ALL, "loose.json").read_bytes()
    text = {"x.toml": service(path, sha256(reviewed))}
    wanted = program(make(tmp_path, text).service("x"))
    assert wanted
    stop = threading.Event()

    def swap():
        while not stop.is_set():
            for data in (loose, reviewed):
                new = tmp_path / "new"
                new.write_bytes(data)
                new.chmod(0o644)
                os.rename(new, path)

    thread = threading.Thread(target=swap)
    thread.start()
    seen = set()
    try:
        for _ in range(300):
            unit = make(tmp_path, text).service("x")
            seen.add(unit.error is None)
            assert unit.error is not None or program(unit) == wanted
    finally:
        stop.set()
        thread.join()
    assert seen == {True, False}  # or nobody raced
    assert program(make(tmp_path, {"x.toml": service(tmp_path / "loose.json")}).service("x")) != wanted


@pytest.mark.parametrize("kind", ["fifo", "directory", "zero", "null", "socket", "sparse", "others", "missing"])
def test_attack_37_what_is_no_trustworthy_file_is_refused(tmp_path, kind):
    path = tmp_path / "policy"
    if kind == "fifo":
        os.mkfifo(path)
    elif kind == "directory":
        path.mkdir()
    elif kind in ("zero", "null"):
        path.symlink_to(f"/dev/{kind}")
    elif kind == "socket":
        import socket
        socket.socket(socket.AF_UNIX).bind(str(path))
    elif kind == "sparse":
        with open(path, "wb") as f:
            f.truncate(1 << 30)
    elif kind == "others":
        policy(tmp_path, ALLOW_SOME, "policy").chmod(0o666)
    for key in ("seccomp", "capabilities", "landlock"):
        run = make(tmp_path, {"x.toml": service(path, key=key)}, preexec=generator.limit_memory(64 << 20))
        assert_refused(run, "x", "x.toml:4:", f"the policy file {path} is not used: ")


def test_attack_37_directory_that_others_may_write_is_refused(tmp_path):
    """Whoever can put another file in the place of a file need not write to it."""
    policies = tmp_path / "policies"
    policies.mkdir()
    path = policy(policies, ALLOW_SOME)
    assert make(tmp_path, {"x.toml": service(path)}).service("x").error is None  # the control
    policies.chmod(0o777)
    assert_refused(make(tmp_path, {"x.toml": service(path)}), "x", "its directory may be written by")


def test_attack_37_pin_without_a_file_is_refused(tmp_path):
    for key in ("seccomp", "capabilities", "landlock"):
        run = make(tmp_path, {"x.toml": GOOD + f'[policy]\n{key}_sha256 = "{"0" * 64}"\n'})
        assert_refused(run, "x", "pins nothing")


# 38

RULE = '{"names": ["read"], "action": "SCMP_ACT_ALLOW"%s}'
PROFILE = '''{"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
%s,
{"names": ["execve"], "action": "SCMP_ACT_ALLOW"}]}'''


@pytest.mark.parametrize("text, parts", [
    ('{"defaultAction": "SCMP_ACT_ERRNO", "defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}', ["defaultAction"]),
    (PROFILE % (RULE % ', "action": "SCMP_ACT_ALLOW"'), ["action"]),
    ("[" * 100000, []),
    ('{"a":' * 100000, []),
    (PROFILE % (RULE % ', "args": [{"index": 0, "value": 18446744073709551616, "op": "SCMP_CMP_EQ"}]'), [":2"]),
    (PROFILE % RULE.replace("%s", "") + " true", []),
    (PROFILE % RULE.replace("%s", "") + "\0", []),
    (PROFILE % (RULE % ', "args": [{"index": 0, "value": 1, "op": "SCMP_CMP_EG"}]'), [":2", "SCMP_CMP_EQ"]),
    (PROFILE % (RULE % "").replace("SCMP_ACT_ALLOW", "SCMP_ACT_ALLWO"), [":2", "SCMP_ACT_ALLOW"]),
    (PROFILE % (RULE % "").replace("read", "raed"), [":2", "raed"]),
    (PROFILE % (RULE % ', "includes": {"caps": ["CAP_SYS_PTRAC"]}'), [":2", "CAP_SYS_PTRACE"]),
    (PROFILE % (RULE % ', "colour": "red"'), [":2", "colour"]),
    (PROFILE % (RULE % "").replace('"read"', ",".join(['"read"'] * 100000)), [":2", "more than 1024 names"]),
    ("", []),
], ids=["duplicate", "duplicate-in-rule", "deep", "deep-objects", "2^64", "trailing", "nul", "operator", "action",
        "syscall", "capability", "key", "names", "empty"])
def test_attack_38_profile_that_is_no_profile_is_refused(tmp_path, text, parts):
    path = policy(tmp_path, text.encode())
    run = make(tmp_path, {"x.toml": service(path)})
    assert_refused(run, "x", str(path), *parts)
    assert run.usage.ru_utime < 5 or generator.is_sanitized()


def test_attack_38_control_the_frame_of_these_profiles_is_right(tmp_path):
    path = policy(tmp_path, (PROFILE % (RULE % "")).encode())
    run = make(tmp_path, {"x.toml": service(path)})
    assert run.service("x").error is None and program(run.service("x"))


@pytest.mark.parametrize("action", ["ALLOW", "LOG", "TRACE"])
def test_attack_38_default_that_permits_is_refused_in_production(tmp_path, action):
    path = policy(tmp_path, {"defaultAction": f"SCMP_ACT_{action}", "syscalls": []})
    run = make(tmp_path, {"x.toml": service(path, head=PRODUCTION), "agent.toml": service(
        path, head=GOOD.replace("strict-agent", "agent"))})
    assert_refused(run, "x", f"{path}:1", "denies by default")
    assert run.service("agent").error is None  # the control: where it is allowed


def test_profile_or_floor_without_execve_is_refused(tmp_path):
    path = policy(tmp_path, {"defaultAction": "SCMP_ACT_ERRNO",
                             "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}]})
    assert_refused(make(tmp_path, {"x.toml": service(path)}), "x", f"{path}:1: ", "does not allow execve")
    run = make(tmp_path, {"floor.conf": "[Floor]\nSystemCallDenied=execve\n"})
    assert_refused(run, "good", "floor.conf:2: ", "floor denies execve")


# The floor

FLOOR = "[Floor]\nMode=strict-agent\nSystemCallDenied=ptrace\nCapabilityDenied=CAP_NET_RAW\nDenyHostNetwork=yes\n"


def test_floor_holds_against_every_file_of_a_service(tmp_path):
    caps = policy(tmp_path, b'[bounding]\nkeep = ["CAP_NET_RAW", "CAP_CHOWN"]\n[ambient]\nkeep = ["CAP_NET_RAW"]\n',
                  "caps.toml")
    loose = policy(tmp_path, ALLOW_ALL)
    text = f'mode = "agent"\ncommand = ["/bin/x"]\n[policy]\ncapabilities = "{caps}"\nseccomp = "{loose}"\n'
    units = tmp_path / "units"
    for directory in ("nucleus-x.service.d", "nucleus-.service.d", "service.d"):
        (units / directory).mkdir(parents=True)
        (units / directory / "90-loosen.conf").write_text("[X-Nucleus]\nNetworkMode=none\n"
                                                          f"CapabilityPolicy={caps}\nSeccompProfile={loose}\n")
    free = make(tmp_path, {"x.toml": text}, units)
    x = free.service("x")
    assert x.error is None and x.one("Type") == "notify" and ["agent"] in x.record("mode")
    assert x.record("capabilities-bounding") == [[f"{1 << 13 | 1:016x}"]]  # the control: all of it counts
    held = make(tmp_path, {"x.toml": text, "floor.conf": FLOOR}, units).service("x")
    assert held.error is None
    assert held.record("mode") == [["strict-agent"]]
    assert held.record("capabilities-bounding") == [[f"{1:016x}"]]
    assert held.record("capabilities-ambient") == []
    assert program(held) != program(x)


@pytest.mark.parametrize("damage", ["group", "fifo", "null", "syntax", "unknown", "directory", "reset", "parent",
                                    "conf-d-file", "conf-d-dangling", "no-header", "other-section", "section-beside",
                                    "before-it", "utf-16", "empty", "empty-in-conf-d", "continued"])
def test_floor_that_cannot_be_read_lets_nothing_start(tmp_path, damage):
    config = generator.write(tmp_path / "config", {"good.toml": GOOD, "floor.conf": FLOOR})
    floor = config / "floor.conf"
    assert generator.run([config], tmp_path / "out").service("good").error is None  # the control
    if damage == "group":
        floor.chmod(0o664)
    elif damage == "conf-d-file":
        (config / "floor.conf.d").write_text("")
    elif damage == "empty-in-conf-d":
        (config / "floor.conf.d").mkdir()
        generator.write(config / "floor.conf.d", {"10.conf": ""})
    elif damage == "conf-d-dangling":
        (config / "floor.conf.d").symlink_to("nowhere")
    elif damage == "parent":  # whoever can write here could have taken it away
        config.chmod(0o775)
        good = generator.write(tmp_path / "good", {"good.toml": GOOD})
        run = generator.run([config, good], tmp_path / "out")
        assert_refused(run, "good", "floor", "nothing starts")
        return
    elif damage in ("fifo", "null", "directory"):
        floor.unlink()
        {"fifo": os.mkfifo, "null": lambda p: p.symlink_to("/dev/null"), "directory": os.mkdir}[damage](floor)
    else:
        floor.write_bytes({k: v.encode() if isinstance(v, str) else v for k, v in {
            "no-header": FLOOR.replace("[Floor]\n", ""), "other-section": FLOOR.replace("Floor", "Nucleus"),
            "section-beside": FLOOR + "[Other]\n", "before-it": "Mode=agent\n" + FLOOR,
            "utf-16": FLOOR.encode("utf-16"), "empty": "", "continued": "X=1 \\\n" + FLOOR,
            "syntax": "[Floor\nMode=agent\n", "unknown": "[Floor]\nMod=production\n",
            "reset": FLOOR + "SystemCallDenied=\n"}.items()}[damage])
    run = generator.run([config], tmp_path / "out")
    assert_refused(run, "good", "floor", "nothing starts")


def test_floor_denies_a_call_by_its_name_on_this_machine(tmp_path):
    """umount and sendfile64 are no calls of x86_64: who denies them means umount2 and sendfile."""
    some = policy(tmp_path, {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [
        {"names": ["umount2", "sendfile", "execve"], "action": "SCMP_ACT_ALLOW"}]})
    text = {"x.toml": service(some)}

    def compiled(name, denied):
        run = make(tmp_path / name, text | {"floor.conf": f"[Floor]\nSystemCallDenied={denied}\n"})
        return program(run.service("x"))

    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    assert compiled("a", "umount sendfile64") == compiled("b", "umount2 sendfile") != compiled("c", "ptrace")


def test_dropins_of_one_mebibyte_are_read_and_told_briefly(tmp_path):
    """Whatever is repeated in them: a message is said once, and nobody waits."""
    units = tmp_path / "units"
    (units / "nucleus-.service.d").mkdir(parents=True)
    dropin = units / "nucleus-.service.d/a.conf"
    for text in ("[Service]\n" + "User=\nGroup=\n" * 40000, "[x-nucleus]\n" * 80000,
                 "[X-Nucleus]\n" + "Mode=agent\n" * 80000,
                 "[X-Nucleus]\n" + "".join(f"VolumeReadOnly=/no/such/volume/{i}\n" for i in range(4000))):
        dropin.write_text(text)
        config = generator.write(tmp_path / "config", {f"s{i}.toml": GOOD for i in range(10)})
        run = generator.run([config], tmp_path / "out", units=units, preexec=generator.limit_memory(64 << 20))
        assert run.status == 0
        assert len(run.messages.splitlines()) <= 20
        assert len(run.names) == 10


def test_unit_directory_that_cannot_be_looked_through_fails_services_not_the_run(tmp_path):
    config = generator.write(tmp_path / "config", {"good.toml": GOOD})
    absent = generator.run([config], tmp_path / "out", units="/" + "a" * 300)
    assert absent.status == 0 and absent.service("good").error is None  # systemd cannot have read it either


def test_floor_in_any_directory_counts_and_none_masks(tmp_path):
    dirs = []
    for name, text in {"1": "[Floor]\nMode=agent\n", "2": "[Floor]\nMode=strict-agent\n",
                       "3": "[Floor]\nLandlockMinABI=2\n"}.items():
        generator.write(tmp_path / name, {})
        dirs.append(generator.write(tmp_path / name, {"x.toml": 'mode = "agent"\ncommand = ["/bin/x"]\n'}))
        (tmp_path / name / "floor.conf.d").mkdir()
        generator.write(tmp_path / name / "floor.conf.d", {"10-same-name.conf": text})
    unit = generator.run(dirs, tmp_path / "out").service("x")
    assert unit.record("mode") == [["strict-agent"]] and unit.record("landlock-min-abi") == [["2"]]
