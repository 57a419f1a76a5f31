# SPDX-License-Identifier: Apache-2.0
"""`nucleus policy`: the lines that pin a file, which the generator must take, and what decides a call, a capability
or a path."""

import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest
from lib import build, generator, sandbox

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
POLICIES = f"{ROOT}/policies"
USAGE = 2
MODES = ["agent", "strict-agent", "production"]

SECCOMP = """{
  "defaultAction": "SCMP_ACT_ERRNO",
  "syscalls": [
    { "names": ["read", "mseal", "execve"], "action": "SCMP_ACT_ALLOW", "comment": "Everybody reads." },
    {
      "names": ["socket"], "action": "SCMP_ACT_ALLOW",
      "args": [{ "index": 0, "value": 1, "op": "SCMP_CMP_EQ" }]
    },
    { "names": ["mount"], "action": "SCMP_ACT_KILL_PROCESS" }
  ]
}
"""
CAPABILITIES = """[bounding]
keep = ["CAP_CHOWN", "CAP_NET_RAW"]

[ambient]
keep = ["CAP_NET_RAW"]
"""
LANDLOCK = """min_abi = 2

[[rules]]
path = "/"
access = ["read", "execute"]

[[rules]]
path = "/data"
access = ["write", "create"]
"""
MANIFEST = "nucleus-manifest 2\nd 0755 0 0 - - .\n"
FILES = {"seccomp": SECCOMP, "capabilities": CAPABILITIES, "landlock": LANDLOCK, "manifest": MANIFEST}


@pytest.fixture
def files(tmp_path):
    """One good file of each kind, by kind."""
    found = {}
    for kind, text in FILES.items():
        found[kind] = tmp_path / f"web.{kind}"
        found[kind].write_text(text)
        found[kind].chmod(0o644)
    return found


@pytest.fixture
def nucleus(tmp_path):
    config = tmp_path / "config"
    config.mkdir(mode=0o755)

    def run(*arguments, check=0):
        done = subprocess.run([build.program("tools/nucleus"), "policy", *map(str, arguments)], capture_output=True,
                              text=True, timeout=60, cwd=tmp_path,
                              env={"PATH": os.environ["PATH"], "NUCLEUS_CONFIG_DIRS": str(config), "LC_ALL": "C.UTF-8",
                                   "SYSTEMD_UNIT_PATH": str(tmp_path / "units")})
        assert done.returncode == check, done
        return done

    run.config = config
    return run


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def install(nucleus, name="web", policy="", floor=None, extra=""):
    generator.write(nucleus.config, {f"{name}.toml": f'mode = "agent"\ncommand = ["/bin/true"]\n{extra}{policy}'})
    if floor:
        generator.write(nucleus.config, {"floor.conf": floor})


# ---- pin ----


@pytest.mark.parametrize("kind", ["seccomp", "capabilities", "landlock"])
def test_pin_prints_lines_that_the_generator_takes(nucleus, files, tmp_path, kind):
    lines = nucleus("pin", files[kind]).stdout
    assert lines == f'[policy]\n{kind} = "{files[kind]}"\n{kind}_sha256 = "{digest(files[kind])}"\n'
    install(nucleus, policy=lines)
    assert generator.run([nucleus.config], tmp_path / "out").service("web").error is None
    files[kind].write_text(files[kind].read_text() + "\n")  # the control: it is a pin
    assert "not the pinned" in generator.run([nucleus.config], tmp_path / "out2").service("web").error


def test_pin_of_a_manifest_pins_it_alone(nucleus, files):
    lines = nucleus("pin", files["manifest"]).stdout
    assert lines == f'[attestation]\nmanifest_sha256 = "{digest(files["manifest"])}"\n'


def test_pin_of_several_files_groups_them(nucleus, files):
    lines = nucleus("pin", *files.values(), files["seccomp"]).stdout
    assert re.findall(r"^\[.*\]$", lines, re.M) == ["[policy]", "[attestation]", "[policy]"]
    assert lines.count("seccomp_sha256") == 2 and lines.count("\n\n[") == 2


def test_pin_for_a_dropin_is_what_the_generator_takes(nucleus, files, tmp_path):
    lines = nucleus("pin", "--drop-in", files["seccomp"], files["capabilities"], files["landlock"]).stdout
    assert lines.startswith("[X-Nucleus]\n") and lines.count("[") == 1
    install(nucleus)
    directory = tmp_path / "units" / "nucleus-web.service.d"
    directory.mkdir(parents=True)
    (directory / "policy.conf").write_text(lines)
    unit = generator.run([nucleus.config], tmp_path / "out", units=tmp_path / "units").service("web")
    assert unit.error is None and unit.record("seccomp") == [["custom"]] and unit.record("landlock") == [["custom"]]
    files["seccomp"].write_text(SECCOMP + "\n")
    unit = generator.run([nucleus.config], tmp_path / "out2", units=tmp_path / "units").service("web")
    assert f"{directory}/policy.conf:3" in unit.error and "not the pinned" in unit.error


def test_pin_makes_paths_absolute(nucleus, files, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    (tmp_path / "below").mkdir()
    assert f'seccomp = "{files["seccomp"]}"' in nucleus("pin", "below/../web.seccomp").stdout
    assert f'seccomp = "{files["seccomp"]}"' in nucleus("pin", "link/web.seccomp").stdout


def test_pin_writes_strange_names_as_toml_reads_them(nucleus, files, tmp_path):
    strange = shutil.copy(files["seccomp"], tmp_path / 'a"b\\c ü')
    install(nucleus, policy=nucleus("pin", strange).stdout)
    assert generator.run([nucleus.config], tmp_path / "out").service("web").error is None


def test_pin_json_is_what_the_manual_says(nucleus, files):
    seccomp, manifest = json.loads(nucleus("pin", "--json", files["seccomp"], files["manifest"]).stdout)
    path, sha256 = str(files["seccomp"]), digest(files["seccomp"])
    assert seccomp == {"file": path, "kind": "seccomp", "sha256": sha256, "table": "policy",
                       "toml": {"seccomp": path, "seccomp_sha256": sha256},
                       "drop_in": {"SeccompProfile": path, "SeccompProfileSHA256": sha256}}
    assert manifest["kind"] == "manifest" and manifest["table"] == "attestation"
    assert manifest["toml"] == {"manifest_sha256": digest(files["manifest"])}


@pytest.mark.parametrize("kind, old, new, message", [
    ("seccomp", "SCMP_ACT_ERRNO", "SCMP_ACT_ERNO", 'did you mean "SCMP_ACT_ERRNO"'),
    ("seccomp", '"read"', '"raed"', 'did you mean "read"'),
    ("seccomp", "]\n}", "]\n} x", ":11:"),
    ("seccomp", ', "execve"', "", ":2: the profile does not allow execve"),
    ("capabilities", "CAP_CHOWN", "CAP_CHOWM", 'did you mean "CAP_CHOWN"'),
    ("capabilities", '"CAP_CHOWN", "CAP_NET_RAW"', '"CAP_CHOWN"', "CAP_NET_RAW"),
    ("landlock", LANDLOCK[LANDLOCK.index("[[rules]]"):LANDLOCK.rindex("path")], "[rules]\n",
     ":3:1: there may be several rules: write [[rules]]"),
    ("landlock", "[[rules]]", "[rules]", ":7:1: table header: cannot redefine existing table 'rules' as array-of-tables; "
     "of what there may be several, each is written [[NAME]]"),
    ("landlock", '"write"', '"wriet"', 'did you mean "write"'),
    ("landlock", 'path = "/data"', 'path = "data"', ":8:"),
    ("manifest", "0755", "755", ":2:"),
])
def test_pin_of_what_would_be_refused_is_refused(nucleus, files, kind, old, new, message):
    text = files[kind].read_text()
    assert old in text
    files[kind].write_text(text.replace(old, new, 1))
    done = nucleus("pin", files[kind], check=1)
    assert done.stdout == "" and message in done.stderr and done.stderr.count("\n") == 1
    assert done.stderr.startswith(f"nucleus: {files[kind]}:")


def test_pin_goes_on_after_a_bad_file(nucleus, files, tmp_path):
    done = nucleus("pin", tmp_path / "absent", files["seccomp"], check=1)
    assert "No such file" in done.stderr and "seccomp_sha256" in done.stdout
    assert nucleus("pin", "--json", tmp_path / "absent", files["seccomp"], check=1).stdout.count('"sha256"') == 1


def test_pin_of_what_others_may_write_is_refused(nucleus, files, tmp_path):
    files["seccomp"].chmod(0o666)
    assert "chmod" in nucleus("pin", files["seccomp"], check=1).stderr
    os.chown(files["landlock"], sandbox.UNPRIVILEGED, -1)
    assert nucleus("pin", files["landlock"], check=1).stdout == ""
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", tmp_path, "/dev/null", "/dev/zero"):
        assert nucleus("pin", path, check=1).stdout == ""


@pytest.mark.parametrize("text, message", [
    ('# kept\n\n  keep = ["CAP_CHOWN"]\n', ":3: keep belongs below [bounding] or [ambient]"),
    ('path = "/"\naccess = ["read"]\n', ":1: path belongs below [[rules]]"),
    ("\ncolour = 1\n", ":2: this is neither"), ("keeper = 1\n", ":1: this is neither"), ("# only", ":1: this is neither")])
def test_pin_of_what_has_no_kind_names_the_line(nucleus, tmp_path, text, message):
    (tmp_path / "x").write_text(text)
    (tmp_path / "x").chmod(0o644)
    done = nucleus("pin", tmp_path / "x", check=1)
    assert done.stderr.startswith(f"nucleus: {tmp_path}/x{message}"), done


def test_policy_in_the_other_language_is_told_so(nucleus, files, tmp_path):
    json_is, toml_is = "this is JSON, and this policy is written in TOML", "this looks like TOML"
    assert json_is in nucleus("pin", "--kind", "capabilities", files["seccomp"], check=1).stderr
    assert json_is in nucleus("explain", "--path", "/", "--profile", files["seccomp"], check=1).stderr
    for kind in ("capabilities", "landlock"):
        assert toml_is in nucleus("pin", "--kind", "seccomp", files[kind], check=1).stderr
        assert toml_is in nucleus("explain", "--syscall", "read", "--profile", files[kind], check=1).stderr
    install(nucleus, policy=f'[policy]\nlandlock = "{files["seccomp"]}"\n')
    error = generator.run([nucleus.config], tmp_path / "o").service("web").error
    assert error.startswith(f"{files['seccomp']}:1: {json_is}"), error


def test_pin_warns_of_a_directory_that_others_may_write(nucleus, files, tmp_path):
    shared = tmp_path / "shared"
    shared.mkdir()
    path = shutil.copy(files["seccomp"], shared)
    assert nucleus("pin", path).stderr == ""
    shared.chmod(0o775)
    done = nucleus("pin", path)
    assert "seccomp_sha256" in done.stdout and "its directory may be written by" in done.stderr, done
    install(nucleus, policy=done.stdout)  # the control: it is so
    assert "its directory may be written by" in generator.run([nucleus.config], tmp_path / "o").service("web").error


def test_pin_of_an_empty_file_asks_for_its_kind(nucleus, files, tmp_path):
    (tmp_path / "empty").write_text("")
    (tmp_path / "empty").chmod(0o644)
    assert "--kind" in nucleus("pin", tmp_path / "empty", check=1).stderr
    assert "capabilities_sha256" in nucleus("pin", "--kind", "capabilities", tmp_path / "empty").stdout
    assert nucleus("pin", "--kind", "landlock", files["capabilities"], check=1).stdout == ""


def test_pin_warns_of_a_deny_list(nucleus, files):
    files["seccomp"].write_text('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}')
    done = nucleus("pin", files["seccomp"])
    assert "seccomp_sha256" in done.stdout
    assert done.stderr == "nucleus: warning: the profile lets through by default, which is refused in mode production\n"


@pytest.mark.parametrize("mode", MODES)
def test_pin_warns_of_a_deny_list_for_the_modes_that_refuse_it(nucleus, files, tmp_path, mode):
    files["seccomp"].write_text('{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": []}')
    done = nucleus("pin", files["seccomp"])
    generator.write(nucleus.config, {"web.toml": f'mode = "{mode}"\ncommand = ["/bin/true"]\nrootfs = "/srv/web"\n'
                                     f'[resources]\nmemory = "1M"\n{done.stdout}'})
    error = generator.run([nucleus.config], tmp_path / "out").service("web").error
    assert (error is not None) == (mode in done.stderr.split()), error


# ---- explain: system calls ----


def explain(nucleus, *arguments):
    return json.loads(nucleus("explain", "--json", *arguments).stdout)


@pytest.mark.parametrize("mode", MODES)
def test_explain_names_rule_line_and_reason(nucleus, mode):
    with open(f"{POLICIES}/{mode}.seccomp.json") as f:
        text = f.read()
    found = explain(nucleus, "--syscall", "mount", "--mode", mode)
    (verdict,) = found["verdicts"]
    assert (found["syscall"], found["result"]) == ("mount", "denied")
    assert not verdict["permits"] and not verdict["floor"]
    assert verdict["action"] == "SCMP_ACT_ERRNO (EPERM)" and verdict["conditions"] is None
    assert verdict["file"].endswith(f"/policies/{mode}.seccomp.json")
    rule = json.loads(text)["syscalls"][verdict["rule"] - 1]
    assert "mount" in rule["names"] and verdict["reason"] == rule["comment"]
    assert "{" in text.splitlines()[verdict["line"] - 1]
    shown = nucleus("explain", "--syscall", "mount", "--mode", mode).stdout
    assert shown.startswith("mount (") and "): denied\n" in shown
    assert f":{verdict['line']}, rule {verdict['rule']}\n" in shown


def test_explain_shows_conditions_in_order_and_the_default(nucleus, files):
    found = explain(nucleus, "--syscall", "socket", "--profile", files["seccomp"])
    first, last = found["verdicts"]
    assert found["result"] == "depends"
    assert (first["conditions"], first["line"], first["rule"], first["permits"]) == ("arg0 == 1", 5, 2, True)
    assert (last["conditions"], last["line"], last["rule"], last["permits"]) == (None, 2, None, False)
    shown = nucleus("explain", "--syscall", "socket", "--profile", files["seccomp"]).stdout
    assert f"  SCMP_ACT_ALLOW where arg0 == 1\n    {files['seccomp']}:5, rule 2\n" in shown
    assert f"  else SCMP_ACT_ERRNO (EPERM)\n    {files['seccomp']}:2, defaultAction\n" in shown


@pytest.mark.parametrize("call, result, action", [
    ("read", "allowed", "SCMP_ACT_ALLOW"), ("mount", "denied", "SCMP_ACT_KILL_PROCESS"),
    ("write", "denied", "SCMP_ACT_ERRNO (EPERM)")])
def test_explain_says_allowed_and_denied(nucleus, files, call, result, action):
    found = explain(nucleus, "--syscall", call, "--profile", files["seccomp"])
    assert (found["result"], found["verdicts"][-1]["action"]) == (result, action)


def test_explain_takes_numbers_of_logs(nucleus):
    by_name = explain(nucleus, "--syscall", "mount")
    assert explain(nucleus, "--syscall", by_name["number"]) == by_name
    assert "1023" in nucleus("explain", "--syscall", "1023", check=1).stderr


def test_explain_of_another_machines_call_names_the_one_of_this(nucleus):
    done = nucleus("explain", "--syscall", "umount", check=1)  # neither x86_64 nor aarch64 has it
    assert done.stderr == f'nucleus: {os.uname().machine} has no system call "umount"; here it is "umount2"\n'
    assert nucleus("explain", "--syscall", "umount2").stdout  # the control
    assert nucleus("explain", "--syscall", "swapcontext", check=1).stderr.endswith('no system call "swapcontext"\n')


def test_explain_all_has_a_row_for_each_call(nucleus, files):
    rows = [line.split() for line in nucleus("explain", "--all", "--profile", files["seccomp"]).stdout.splitlines()]
    found = {row[0]: row for row in rows}
    assert len(rows) == len(found) > 300 and [r[0] for r in rows] == sorted(found)
    assert found["read"][1:3] == ["allowed", "SCMP_ACT_ALLOW"] and found["read"][-1] == f"{files['seccomp']}:4"
    assert found["socket"][1] == "depends" and found["mount"][2] == "SCMP_ACT_KILL_PROCESS"
    listed = explain(nucleus, "--all", "--profile", files["seccomp"])
    assert {c["syscall"]: c["result"] for c in listed} == {name: row[1] for name, row in found.items()}


def test_explain_of_a_service_names_its_file_and_the_floor(nucleus, files):
    install(nucleus, policy=nucleus("pin", files["seccomp"]).stdout)
    (verdict,) = explain(nucleus, "--syscall", "read", "--service", "web")["verdicts"]
    assert (verdict["file"], verdict["line"], verdict["permits"]) == (str(files["seccomp"]), 4, True)
    install(nucleus, policy=nucleus("pin", files["seccomp"]).stdout, floor="[Floor]\nSystemCallDenied=write read\n")
    (verdict,) = explain(nucleus, "--syscall", "read", "--service", "nucleus-web.service")["verdicts"]
    assert (verdict["file"], verdict["line"]) == (f"{nucleus.config}/floor.conf", 2)
    assert verdict["floor"] and not verdict["permits"] and verdict["action"] == "SCMP_ACT_ERRNO (EPERM)"


def test_explain_of_a_service_without_a_profile_is_that_of_its_tier(nucleus):
    install(nucleus)
    assert explain(nucleus, "--all", "--service", "web") == explain(nucleus, "--all", "--mode", "agent")


def test_explain_of_a_broken_service_says_what_is_wrong(nucleus):
    install(nucleus, policy='[policy]\nseccomp = "/absent.json"\n')
    done = nucleus("explain", "--syscall", "read", "--service", "web", check=1)
    assert "/absent.json" in done.stderr and done.stdout == ""


def test_explain_hides_control_characters_of_a_comment(nucleus, files):
    files["seccomp"].write_text(SECCOMP.replace("Everybody", "\\u001b]0;x\\u0007\\u202e"))
    shown = nucleus("explain", "--syscall", "read", "--profile", files["seccomp"]).stdout
    assert "?]0;x??" in shown and not set(shown) & set("\x1b\x07\u202e")


# ---- explain: capabilities and paths ----


@pytest.mark.parametrize("name, result, line", [
    ("CAP_NET_RAW", "held", 2), ("net_raw", "held", 2), ("cap_chown", "bounding", 2), ("CAP_KILL", "dropped", None)])
def test_explain_capability_of_a_policy(nucleus, files, name, result, line):
    found = explain(nucleus, "--capability", name, "--profile", files["capabilities"])
    assert (found["result"], found["line"], found["file"]) == (result, line, str(files["capabilities"]))


def test_explain_capability_without_a_policy_keeps_none(nucleus):
    found = explain(nucleus, "--capability", "CAP_NET_RAW")
    assert (found["result"], found["file"]) == ("dropped", None)


def test_explain_capability_of_a_service_names_the_floor(nucleus, files):
    install(nucleus, policy=nucleus("pin", files["capabilities"]).stdout)
    assert explain(nucleus, "--capability", "net_raw", "--service", "web")["result"] == "held"
    install(nucleus, policy=nucleus("pin", files["capabilities"]).stdout,
            floor="[Floor]\n# never\nCapabilityDenied=CAP_NET_RAW\n")
    found = explain(nucleus, "--capability", "net_raw", "--service", "web")
    assert (found["result"], found["file"], found["line"]) == ("dropped", f"{nucleus.config}/floor.conf", 3)
    assert explain(nucleus, "--capability", "chown", "--service", "web")["result"] == "bounding"


@pytest.mark.parametrize("path, access, result, missing", [
    ("/etc", "read", "allowed", ""), ("/etc", "write", "denied", "write_file"),
    ("/data/x/y", "write,read", "allowed", ""),
    ("/data", "truncate", "denied", "truncate"), ("/database", "write_file", "denied", "write_file"),
    ("/data/x", "create,remove_dir", "denied", "remove_dir")])
def test_explain_path_by_landlock(nucleus, files, path, access, result, missing):
    found = explain(nucleus, "--path", path, "--access", access, "--profile", files["landlock"])
    assert (found["result"], found["missing"]) == (result, missing)
    above = {"/": 3, "/data": 7} if path in ("/data", "/data/x", "/data/x/y") else {"/": 3}
    assert [r["path"] for r in found["rules"]] == list(above)
    assert all(r["file"] == str(files["landlock"]) and r["line"] >= above[r["path"]] for r in found["rules"])
    shown = nucleus("explain", "--path", path, "--access", access, "--profile", files["landlock"]).stdout
    assert shown.startswith(f"{path}: {result}\n") and (not missing or f"granted by no rule: {missing}\n" in shown)


def test_explain_path_without_a_policy_follows_the_mounts(nucleus):
    install(nucleus)
    for source in ((), ("--service", "web")):
        assert explain(nucleus, "--path", "/etc", *source)["result"] == "by-mounts"


@pytest.mark.parametrize("arguments, near", [
    (("--syscall", "mont"), "mount"), (("--capability", "CAP_SYS_ADMN"), "CAP_SYS_ADMIN"),
    (("--path", "/", "--access", "raed"), "read"), (("--service", "wbe", "--all"), "web")])
def test_explain_unknown_word_suggests_the_nearest(nucleus, arguments, near):
    install(nucleus)
    done = nucleus("explain", *arguments, check=1)
    assert f'did you mean "{near}"?' in done.stderr and done.stdout == ""


@pytest.mark.parametrize("arguments", [
    (), ("pni",), ("pin",), ("pin", "--kind", "seccmp", "x"), ("explain",), ("explain", "mount"),
    ("explain", "--syscall", "mount", "--all"), ("explain", "--syscall", "mount", "--access", "read"),
    ("explain", "--all", "--mode", "agent", "--profile", "x"), ("explain", "--all", "--mode", "prodution"),
    ("explain", "--all", "--user")])
def test_policy_wrong_usage_gives_2_and_says_why(nucleus, arguments):
    done = nucleus(*arguments, check=USAGE)
    assert done.stdout == "" and done.stderr.strip()


# ---- what comes with the two commands ----


def complete(*words, **environment):
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _nucleus; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", f"{ROOT}/tools/completion/nucleus", *words],
                          capture_output=True, text=True, check=True, env={
                              **os.environ, "PATH": f"{build.directory()}/tools:{os.environ['PATH']}", **environment})
    assert done.stderr == ""
    return done.stdout.split()


def help_of(*words):
    done = subprocess.run([build.program("tools/nucleus"), *words, "--help"], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def options_of(*words):
    return set(re.findall(r"(?<![\w-])--[a-z0-9-]+", help_of(*words)))


@pytest.mark.parametrize("verb", ["seccomp", "policy"])
def test_completion_and_manual_know_every_verb_and_option(verb):
    with open(f"{ROOT}/docs/man/nucleus-{verb}.1") as f:
        page = f.read()
    listed = re.findall(r"^  ([a-z]+) ", help_of(verb), re.M)
    assert listed and set(complete("nucleus", verb, "")) == {*listed, "--help"}
    for own in listed:
        assert help_of(verb, own).startswith(f"Usage: nucleus {verb} {own} ")
        options = options_of(verb, own)
        assert set(complete("nucleus", verb, own, "--")) == options
        assert re.search(rf"^\.Cm {own}$", page, re.M)
        for option in options - {"--help"}:
            assert re.search(rf"^\.It Fl (o , Fl )?-{option[2:]}\b", page, re.M), (own, option)


def test_completion_completes_words(files, tmp_path):
    assert complete("nucleus", "seccomp", "generate", "--base", "pro") == ["production"]
    assert complete("nucleus", "policy", "explain", "--mode", "") == MODES
    assert complete("nucleus", "policy", "pin", "--kind", "l") == ["landlock"]
    assert complete("nucleus", "policy", "pin", f"{tmp_path}/web.s") == [str(files["seccomp"])]
    assert complete("nucleus", "seccomp", "diff", "strict") == ["strict-agent"]


def test_completion_completes_what_is_asked_about(nucleus):
    ask = ("nucleus", "policy", "explain")
    assert complete(*ask, "--syscall", "umount") == ["umount2"]
    calls = [line.split()[0] for line in nucleus("explain", "--all").stdout.splitlines()]
    assert complete("nucleus", "seccomp", "generate", "--allow", "") == calls
    with open("/usr/include/linux/capability.h") as f:
        names = re.findall(r"^#define (CAP_\w+)\s+\d+$", f.read(), re.M)
    assert len(names) > 40 and set(complete(*ask, "--capability", "")) >= set(names)
    assert complete(*ask, "--capability", "cap_net_r") == ["CAP_NET_RAW"]
    assert complete(*ask, "--access", "trun") == ["truncate"]
    assert complete(*ask, "--access", "read,trun") == ["read,truncate"]


def test_completion_knows_every_right(nucleus, tmp_path):
    (tmp_path / "x").write_text('[[rules]]\npath = "/"\naccess = ["zzzzzzzz"]\n')
    (tmp_path / "x").chmod(0o644)
    listed = nucleus("pin", tmp_path / "x", check=1).stderr.split("there may be: ")[1].strip().split(", ")
    assert len(listed) > 15 and set(complete("nucleus", "policy", "explain", "--access", "")) == set(listed)


def test_completion_shows_services_by_both_names(nucleus):
    install(nucleus)
    for typed, full in (("w", "web"), ("nucleus-", "nucleus-web"), ("x", None)):
        found = complete("nucleus", "show", typed, NUCLEUS_CONFIG_DIRS=str(nucleus.config))
        assert found == ([full] if full else []), typed


@pytest.mark.parametrize("verb", ["seccomp", "policy"])
def test_man_page_has_no_warnings_for_man(verb):
    if not shutil.which("man"):
        pytest.skip("needs man")
    done = subprocess.run(["man", "--warnings", "-l", f"{ROOT}/docs/man/nucleus-{verb}.1"], capture_output=True,
                          text=True, env={"PATH": os.environ["PATH"], "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "") and "SYNOPSIS" in done.stdout
