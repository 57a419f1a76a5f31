# SPDX-License-Identifier: Apache-2.0
"""A security engineer's day, on a real systemd: learn a profile from a service that runs with the defaults, review
the difference, pin it, override it for one host with `systemctl edit`, see which file gave each value; and a floor
above all of it."""

import json

import pytest

from lib.service import ended, eventually, fails_to_start, install, install_tree, processes, start, state, toml

POLICIES = "/etc/nucleus/policies"


@pytest.fixture
def systemd(machine, tmp_path):
    install_tree(machine, tmp_path)
    machine.ok(f"mkdir -p {POLICIES}")
    yield machine
    machine.ok("rm -rf /etc/systemd/system/nucleus-*.service.d /etc/nucleus/floor.conf /etc/nucleus/floor.conf.d "
               f"{POLICIES} /run/nucleus/trace; systemctl daemon-reload")


def agent(*command, **keys):
    return toml(*command, mode="agent", resources__memory=None, **keys)


def values(machine, name):
    """{key: (value, origin, file, line)} of `nucleus show`."""
    shown = json.loads(machine.run(f"nucleus show --json {name}").stdout)
    return {v["key"]: (v["value"], v["origin"], v["file"], v["line"]) for v in shown["values"]}


def edit(machine, name, text):
    """What the user types into the editor; systemctl reloads the manager itself."""
    machine.ok(f"systemctl edit --stdin nucleus-{name}.service", stdin=text.encode())


def test_learn_review_pin_override_and_show(systemd):
    profile = f"{POLICIES}/app.seccomp.json"
    install(systemd, app=agent("linger") + "[policy]\nseccomp_trace = true\n")
    start(systemd, "app")
    systemd.ok("systemctl stop nucleus-app")
    systemd.ok(f"nucleus seccomp generate /run/nucleus/trace/app.json -o {profile}")

    diff = systemd.run(f"nucleus seccomp diff agent {profile}")
    assert diff.code == 1 and "socket" in diff.stdout, diff
    lines = systemd.ok(f"nucleus policy pin --drop-in {profile}")
    assert "[X-Nucleus]" in lines and f"SeccompProfile={profile}" in lines

    install(systemd, app=agent("linger"))  # no longer traced
    edit(systemd, "app", lines + "Mode=strict-agent\n")
    start(systemd, "app")
    override = "/etc/systemd/system/nucleus-app.service.d/override.conf"
    shown = values(systemd, "app")
    assert shown["policy.seccomp"][:3] == (json.dumps(profile), "drop-in", override)
    assert shown["mode"][:3] == ('"strict-agent"', "drop-in", override)
    assert shown["command"][1:3] == ("file", "/etc/nucleus/app.toml")
    assert f"{override}:{shown['mode'][3]}" in systemd.ok("nucleus show app")
    assert processes(systemd, "app")
    systemd.ok("systemctl stop nucleus-app")

    # What the profile does not have is denied; without it, it is not (the control).
    def answer():
        systemd.ok("systemctl start nucleus-app")
        eventually(lambda: state(systemd, "app") == "inactive/dead")
        systemd.ok("journalctl --sync")
        return [m.split()[-1] for m in systemd.run("journalctl -o cat --no-pager -u nucleus-app").stdout.splitlines()
                if m.startswith("socket\t")]

    install(systemd, app=agent("socket", "1", "1"))
    assert answer() == ["EPERM"]
    systemd.ok("systemctl revert nucleus-app.service")
    assert answer() == ["EPERM", "OK"]


def test_production_service_is_learned_as_the_manual_says(systemd):
    """EXAMPLES of nucleus-seccomp(1): the mode is lowered in the file for as long as it learns."""
    trace, profile = "/run/nucleus/trace/app.json", f"{POLICIES}/app.seccomp.json"
    install(systemd, app=toml("linger") + "[policy]\nseccomp_trace = true\n")
    assert "seccomp_trace is for mode" in systemd.run("nucleus verify").stdout  # the control: why it is lowered

    install(systemd, app=toml("linger", mode="agent") + "[policy]\nseccomp_trace = true\n")
    start(systemd, "app")
    running = systemd.run(f"nucleus seccomp generate {trace}")
    assert running.code != 0 and running.stdout == ""  # not yet
    systemd.ok("systemctl stop nucleus-app")
    systemd.ok(f"nucleus seccomp generate {trace} -o {profile}")
    gained = json.loads(systemd.run(f"nucleus seccomp diff --json production {profile}").stdout)["syscalls"]
    assert gained and not [c for c in gained if c["more"]]

    install(systemd, app=toml("linger") + systemd.ok(f"nucleus policy pin {profile}"))
    systemd.ok("nucleus verify && systemctl daemon-reload")
    start(systemd, "app")
    assert values(systemd, "app")["mode"][0] == '"production"' and processes(systemd, "app")


def test_pinned_file_that_changed_is_a_failing_unit_with_both_digests(systemd):
    profile = f"{POLICIES}/app.seccomp.json"
    systemd.ok(f"cp /usr/share/nucleus/policies/strict-agent.seccomp.json {profile}")
    lines = systemd.ok(f"nucleus policy pin {profile}")
    install(systemd, app=agent("linger") + lines, other=agent("linger"))
    start(systemd, "app")
    pinned = systemd.ok(f"sha256sum {profile}").split()[0]
    systemd.ok(f"systemctl stop nucleus-app; echo ' ' >> {profile}; systemctl daemon-reload")
    changed = systemd.ok(f"sha256sum {profile}").split()[0]

    fails_to_start(systemd, "app")
    assert ended(systemd, "app") == ("exit-code", 78)
    status = systemd.run("systemctl status -l nucleus-app; journalctl --no-pager -u nucleus-app").stdout
    assert pinned in status and changed in status and "/etc/nucleus/app.toml:" in status, status
    start(systemd, "other")  # the control: nobody else is affected


@pytest.mark.parametrize("text, message", [
    ("[X-Nucleus]\nMode=agent\n", "override.conf:2: Mode=agent would loosen"),
    ("[X-Nucleus]\n\nSeccompProfil=/x\n", "override.conf:3: unknown key SeccompProfil="),
    ("[X-Nucleus]\nSeccompProfile=/absent.json\n", "override.conf:2: the policy file /absent.json is not used"),
])
def test_error_in_a_dropin_is_a_failing_unit_with_its_line(systemd, text, message):
    install(systemd, app=toml("linger", mode="strict-agent"), other=toml("linger", mode="strict-agent"))
    start(systemd, "app")
    systemd.ok("systemctl stop nucleus-app")
    edit(systemd, "app", text)
    fails_to_start(systemd, "app")
    assert ended(systemd, "app") == ("exit-code", 78)
    status = systemd.run("systemctl status -l nucleus-app; journalctl --no-pager -u nucleus-app").stdout
    assert message in status, status
    start(systemd, "other")
    systemd.ok("systemctl revert nucleus-app.service")
    start(systemd, "app")


def test_prefix_dropin_reaches_every_service(systemd):
    install(systemd, app=agent("linger"), web=agent("linger"), prod=toml("linger"))
    systemd.ok("mkdir -p /run/systemd/system/nucleus-.service.d")
    systemd.write("/run/systemd/system/nucleus-.service.d/10-all.conf", "[X-Nucleus]\nMode=strict-agent\n")
    systemd.ok("systemctl daemon-reload")
    try:
        for name, mode in {"app": "strict-agent", "web": "strict-agent", "prod": "production"}.items():
            assert values(systemd, name)["mode"][0] == json.dumps(mode)
            start(systemd, name)
    finally:
        systemd.ok("rm -r /run/systemd/system/nucleus-.service.d; systemctl daemon-reload")


def test_floor_raises_and_refuses(systemd):
    systemd.write("/etc/nucleus/floor.conf", "[Floor]\nMode=strict-agent\nDenyHostNetwork=yes\n")
    install(systemd, app=agent("linger"), net=agent("linger", network__mode="host"))
    assert values(systemd, "app")["mode"] == ('"strict-agent"', "floor", "/etc/nucleus/floor.conf", 2)
    start(systemd, "app")
    fails_to_start(systemd, "net")
    assert "/etc/nucleus/floor.conf:3" in systemd.run("journalctl --no-pager -u nucleus-net").stdout

    systemd.ok("systemctl stop nucleus-app; chmod g+w /etc/nucleus/floor.conf; systemctl daemon-reload")
    fails_to_start(systemd, "app")  # a floor that cannot be believed is one that nobody may be below
    systemd.ok("rm /etc/nucleus/floor.conf; systemctl daemon-reload")
    start(systemd, "net")  # the control
