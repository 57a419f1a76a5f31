# SPDX-License-Identifier: Apache-2.0
"""The `nucleus` command as an operator meets it: what it prints, its JSON and its exit status."""

import glob
import json
import os
import pty
import re
import shutil
import stat
import subprocess

import pytest
from lib import build

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
USAGE = 2
AGENT = 'mode = "agent"\ncommand = ["/bin/true"]\n'


@pytest.fixture
def config(tmp_path):
    path = tmp_path / "nucleus"
    path.mkdir(mode=0o755)
    return path


@pytest.fixture
def nucleus(config):
    def run(*arguments, **environment):
        env = {"PATH": os.environ["PATH"], "NUCLEUS_CONFIG_DIRS": str(config), "LC_ALL": "C.UTF-8", **environment}
        return subprocess.run([build.program("tools/nucleus"), *map(str, arguments)], capture_output=True,
                              text=True, timeout=60, env=env)
    return run


def put(config, name, text):
    path = config / f"{name}.toml"
    path.write_text(text)
    path.chmod(0o644)
    return path


def on_terminal(config, *arguments, **environment):
    """What is printed where a person looks."""
    env = {"PATH": os.environ["PATH"], "NUCLEUS_CONFIG_DIRS": str(config), "TERM": "xterm", **environment}
    here, there = pty.openpty()
    with subprocess.Popen([build.program("tools/nucleus"), *map(str, arguments)], stdin=there, stdout=there,
                          stderr=there, env=env) as process:
        os.close(there)
        text = b""
        while True:
            try:
                more = os.read(here, 65536)
            except OSError:
                break
            if not more:
                break
            text += more
        process.wait()
    os.close(here)
    return text.decode().replace("\r\n", "\n")


# ---- the command itself ----


def test_cli_help_names_every_verb(nucleus):
    done = nucleus("--help")
    assert done.returncode == 0 and done.stderr == ""
    for verb in ("verify", "show", "graph", "attest"):
        assert re.search(rf"^  {verb} ", done.stdout, re.M)
        own = nucleus(verb, "--help")
        assert own.returncode == 0 and own.stdout.startswith(f"Usage: nucleus {verb} ")


def test_cli_version(nucleus):
    assert re.fullmatch(r"nucleus \d+\.\d+\.\d+\n", nucleus("--version").stdout)


@pytest.mark.parametrize("typed, meant", [("atest", "attest"), ("verfy", "verify"), ("grpah", "graph"), ("shwo", "show")])
def test_cli_unknown_verb_suggests_the_nearest(nucleus, typed, meant):
    done = nucleus(typed)
    assert done.returncode == USAGE
    assert done.stderr == f'nucleus: there is no verb "{typed}"; did you mean "{meant}"?\n'


def test_cli_unknown_verb_suggests_nothing_far(nucleus):
    done = nucleus("frobnicate")
    assert done.returncode == USAGE and "did you mean" not in done.stderr and "--help" in done.stderr


@pytest.mark.parametrize("arguments", [
    (), ("--nonsense",), ("verify", "--nonsense"), ("show",), ("show", "a", "b"), ("show", "--json", "--unit", "a"),
    ("graph", "extra"), ("graph", "--format", "svg"), ("attest",), ("attest", "a", "b"),
    ("attest", "--format", "3", "."), ("attest", "--verify", "--format", "1", "."),
    ("attest", "--manifest-sha256", "0" * 64, "."), ("attest", "--verify", "--manifest-sha256", "xyz", "."),
])
def test_cli_wrong_usage_gives_2_and_says_why(nucleus, arguments):
    done = nucleus(*arguments)
    assert done.returncode == USAGE and done.stdout == "" and done.stderr.strip()


def test_cli_full_disk_is_an_error(nucleus):
    with open("/dev/full", "w") as full:
        done = subprocess.run([build.program("tools/nucleus"), "--help"], stdout=full, stderr=subprocess.PIPE)
    assert done.returncode == 1 and b"standard output" in done.stderr


# ---- verify ----


def test_verify_counts_services(nucleus, config):
    put(config, "one", AGENT)
    put(config, "two", AGENT)
    done = nucleus("verify")
    assert (done.returncode, done.stdout) == (0, "2 services, 0 errors\n"), done


def test_verify_prints_place_and_message(nucleus, config):
    path = put(config, "web", AGENT + 'colour = "red"\n')
    done = nucleus("verify")
    assert done.returncode == 1
    assert re.search(rf"^{re.escape(str(path))}:3:\d+: error: .*colour", done.stdout, re.M), done
    assert done.stdout.endswith("1 service, 1 error\n")
    assert "\x1b" not in done.stdout and "^" not in done.stdout


def test_verify_json_is_what_the_manual_says(nucleus, config):
    path = put(config, "web", AGENT + "memory = 5\n")
    done = nucleus("verify", "--json")
    report = json.loads(done.stdout)
    assert done.returncode == 1
    assert report["services"] == 1 and report["errors"] == len(report["diagnostics"]) == 1
    (d,) = report["diagnostics"]
    assert d["severity"] == "error" and d["file"] == str(path) and d["line"] == 3 and d["column"] >= 1
    assert d["service"] in ("web", None) and d["message"]


def test_verify_of_a_file_leaves_others_out(nucleus, config, tmp_path):
    put(config, "bad", "nonsense\n")
    good = put(tmp_path, "good", AGENT)
    done = nucleus("verify", good)
    assert (done.returncode, done.stdout) == (0, "1 service, 0 errors\n"), done
    assert nucleus("verify").returncode == 1  # the control


def test_verify_of_a_file_sees_what_it_depends_on(nucleus, config, tmp_path):
    needs = 'depends_on = [{ service = "db", condition = "started" }]\n'
    web = put(tmp_path, "web", AGENT + needs)
    done = nucleus("verify", web)
    assert done.returncode == 1 and '"db"' in done.stdout
    put(config, "db", AGENT)
    assert nucleus("verify", web).returncode == 0


def test_verify_of_a_file_says_what_the_floor_does_to_it(nucleus, config, tmp_path):
    """Also where that is said at the floor's line: no file is good whose service will not start."""
    web = put(tmp_path, "web", AGENT)
    put(config, "other", AGENT)
    assert nucleus("verify", web).returncode == 0
    (config / "floor.conf").write_text("[Floor]\nRequireAttestation=yes\n")
    done = nucleus("verify", web)
    assert done.returncode == 1 and "floor.conf:2: error: attestation needs a rootfs" in done.stdout, done
    assert done.stdout.endswith("1 service, 1 error\n")  # and nothing of the other one


def test_verify_of_two_files_of_one_name_refused(nucleus, tmp_path):
    a, b = tmp_path / "a", tmp_path / "b"
    a.mkdir()
    b.mkdir()
    done = nucleus("verify", put(a, "web", AGENT), put(b, "web", "nonsense\n"))
    assert done.returncode == USAGE and "web.toml" in done.stderr


def test_verify_of_no_file_is_an_error(nucleus, tmp_path):
    absent = tmp_path / "absent.toml"
    done = nucleus("verify", absent)
    assert done.returncode == 1
    assert done.stdout == f"{absent}: error: No such file or directory\n0 services, 1 error\n"


@pytest.mark.parametrize("name", ["web.seccomp.json", "policy.json", "web.caps.toml"])
def test_verify_of_a_policy_names_what_checks_it(nucleus, tmp_path, name):
    (tmp_path / name).write_text("")
    done = nucleus("verify", tmp_path / name)
    assert done.returncode == USAGE and f"`nucleus policy pin {tmp_path / name}`" in done.stderr


def test_verify_shows_the_line_on_a_terminal(config):
    put(config, "web", AGENT + "\tcolour = 1\n")
    text = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(config, "verify"))
    at = re.search(r"^( +3 \| )( colour = 1)\n( +\| *)\^$", text, re.M)
    assert at, text
    assert len(at[3]) - len(at[1]) == int(re.search(r":3:(\d+): error", text)[1]) - 1


def test_verify_hides_control_characters_of_a_line(config):
    put(config, "web", AGENT + 'colour = "\x1b]0;owned\x07\u202e"\n')
    text = re.sub(r"\x1b\[[0-9;]*m", "", on_terminal(config, "verify"))
    assert "\x1b" not in text and "\x07" not in text and "\u202e" not in text


def test_verify_uses_colours_only_where_wanted(config):
    put(config, "web", "nonsense\n")
    assert "\x1b[" in on_terminal(config, "verify")
    assert "\x1b[" not in on_terminal(config, "verify", NO_COLOR="1")
    assert "\x1b[" not in on_terminal(config, "verify", TERM="dumb")


# ---- show ----


WEB = """description = "Web front end"
mode = "strict-agent"
command = ["/bin/web", "--port", "80 80", "%h"]
stop_timeout = "5s"

[resources]
memory = "512M"
cpus = 1.5

[environment]
LANG = "C.UTF-8"

[[tmpfs]]
target = "/tmp"
size = "64M"
"""


def test_show_prints_value_and_origin(nucleus, config):
    path = put(config, "web", WEB)
    done = nucleus("show", "web")
    assert done.returncode == 0, done
    lines = {line.split()[0]: line for line in done.stdout.splitlines()[1:] if line.strip()}
    assert '"512M"' in lines["resources.memory"] and f"{path}:7:" in lines["resources.memory"]
    assert " 1.5 " in lines["resources.cpus"]
    assert '["/bin/web", "--port", "80 80", "%h"]' in lines["command"]
    assert "default" in lines["restart"] and str(path) not in lines["restart"]
    assert '"64M"' in done.stdout and "C.UTF-8" in done.stdout


def test_show_json_has_every_key(nucleus, config):
    path = put(config, "web", WEB)
    shown = json.loads(nucleus("show", "--json", "web").stdout)
    assert shown["name"] == "web" and shown["error"] is None
    values = {v["key"]: v for v in shown["values"]}
    assert len(values) == len(shown["values"])
    assert values["mode"]["value"] == '"strict-agent"' and values["mode"]["origin"] == "file"
    assert (values["mode"]["file"], values["mode"]["line"]) == (str(path), 2)
    assert values["restart"]["origin"] == "default" and values["restart"]["reason"]
    assert (values["environment.LANG"]["value"], values["environment.LANG"]["origin"]) == ('"C.UTF-8"', "file")
    assert values["environment.PATH"]["origin"] == "default"
    assert (values["tmpfs[0].size"]["value"], values["tmpfs[0].size"]["line"]) == ('"64M"', 13)
    for v in shown["values"]:
        assert set(v) == {"key", "value", "origin", "file", "line", "column", "reason"}
        # A key with an origin has a value: every key of the schema is printed.
        assert (v["origin"] == "unset") or v["value"] is not None, v


def test_show_takes_unit_names(nucleus, config):
    put(config, "web", WEB)
    plain = nucleus("show", "web").stdout
    assert plain == nucleus("show", "nucleus-web").stdout == nucleus("show", "nucleus-web.service").stdout != ""


def test_show_unit_is_what_the_generator_writes(nucleus, config, tmp_path):
    put(config, "web", WEB)
    out = tmp_path / "out"
    out.mkdir()
    subprocess.run([build.program("generator/nucleus-generator"), str(out)], check=True,
                   env={"NUCLEUS_CONFIG_DIRS": str(config), "PATH": os.environ["PATH"]}, stderr=subprocess.DEVNULL)
    name, _, text = nucleus("show", "--unit", "web").stdout.partition("\n")
    assert name == "# nucleus-web.service"
    assert text == (out / "nucleus-web.service").read_text()


def test_show_recipe_runs_nucleus_exec(nucleus, config):
    put(config, "web", WEB)
    done = nucleus("show", "--recipe", "web", NUCLEUS_EXEC=build.nucleus_exec())
    assert done.returncode == 0, done
    assert re.search(r"^payload +exec +exit 203$", done.stdout, re.M) and "/tmp " in done.stdout


def test_show_recipe_gives_the_spec_on_standard_input(nucleus, config, tmp_path):
    put(config, "web", WEB)
    stand_in = tmp_path / "exec"
    stand_in.write_text('#!/bin/sh\necho "$@"\ncat\nexit 7\n')
    stand_in.chmod(0o755)
    done = nucleus("show", "--recipe", "web", NUCLEUS_EXEC=str(stand_in))
    assert done.returncode == 7
    assert done.stdout.startswith("--print-recipe\nnucleus-spec 1\nname web\n"), done
    assert nucleus("show", "--recipe", "web", NUCLEUS_EXEC="/nonexistent").returncode == 1


def test_show_of_a_bad_service_says_what_is_wrong(nucleus, config):
    put(config, "web", AGENT + "colour = 1\n")
    for option in ((), ("--json",), ("--unit",)):
        done = nucleus("show", *option, "web")
        assert done.returncode == 1 and "colour" in done.stdout, done


def test_show_unknown_service_suggests_the_nearest(nucleus, config):
    put(config, "website", AGENT)
    done = nucleus("show", "webstie")
    assert done.returncode == 1 and 'did you mean "website"' in done.stderr
    assert "nucleus graph" in nucleus("show", "zzz").stderr


# ---- graph ----


@pytest.fixture
def cycle(config):
    def depends(on):
        return AGENT + f'depends_on = [{{ service = "{on}", condition = "started" }}]\n'
    put(config, "a", depends("b"))
    put(config, "b", depends("a"))
    put(config, "c", depends("d"))
    put(config, "d", AGENT)
    return config


def test_graph_text_marks_failures_and_cycles(nucleus, cycle):
    done = nucleus("graph")
    assert done.returncode == 0
    assert re.search(r"^a failed: .*cycle", done.stdout, re.M), done
    assert "  b (started) in a cycle\n" in done.stdout
    assert "\nc\n  d (started)\nd\n" in done.stdout


def test_graph_json_is_what_the_manual_says(nucleus, cycle):
    text = nucleus("graph", "--format", "json").stdout
    assert text == nucleus("graph", "--json").stdout
    services = {s["name"]: s for s in json.loads(text)["services"]}
    assert list(services) == ["a", "b", "c", "d"]
    assert services["a"]["depends_on"] == [{"service": "b", "condition": "started", "cycle": True}]
    assert services["c"]["depends_on"] == [{"service": "d", "condition": "started", "cycle": False}]
    assert services["a"]["error"] and services["d"] == {"name": "d", "stack": None, "error": None, "depends_on": []}


def test_graph_dot_is_one_graph(nucleus, cycle):
    text = nucleus("graph", "--format", "dot").stdout
    assert text.startswith("digraph nucleus {\n") and text.endswith("}\n")
    assert '"a" -> "b" [label="started", color=red];' in text
    assert '"c" -> "d" [label="started"];' in text
    if shutil.which("dot"):
        assert subprocess.run(["dot", "-Tplain"], input=text, text=True, capture_output=True).returncode == 0


# ---- attest (what it finds is in tests/attacks) ----


def test_attest_prints_the_line_to_paste(nucleus, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/file").write_text("x")
    done = nucleus("attest", tmp_path / "root")
    assert done.returncode == 0 and "manifest written" in done.stderr
    assert re.fullmatch(r'manifest_sha256 = "[0-9a-f]{64}"\n', done.stdout)
    assert nucleus("attest", "--verify", tmp_path / "root").returncode == 0
    assert stat.S_IMODE(os.stat(tmp_path / "root/.nucleus-rootfs-sha256").st_mode) == 0o444


def test_attest_warns_of_files_that_give_privileges(nucleus, tmp_path):
    (tmp_path / "su").write_text("x")
    (tmp_path / "su").chmod(0o4755)
    done = nucleus("attest", tmp_path)
    assert done.returncode == 0 and "warning" in done.stderr and "su: setuid" in done.stderr
    report = json.loads(nucleus("attest", "--json", tmp_path).stdout)
    assert report["privileged"] == {"count": 1, "items": [{"path": "su", "what": "setuid"}]}


def test_attest_of_no_directory_fails(nucleus, tmp_path):
    (tmp_path / "file").write_text("")
    for path in (tmp_path / "absent", tmp_path / "file"):
        done = nucleus("attest", path)
        assert done.returncode == 1 and str(path) in done.stderr


# ---- what comes with it ----


def complete(*words):
    script = ('. "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { :; }; _nucleus; '
              'printf "%s\\n" "${COMPREPLY[@]}"')
    done = subprocess.run(["bash", "-c", script, "bash", f"{ROOT}/tools/completion/nucleus", *words],
                          capture_output=True, text=True, check=True)
    assert done.stderr == ""
    return done.stdout.split()


def test_completion_knows_every_verb_and_option(nucleus):
    listed = re.findall(r"^  ([a-z]+) ", nucleus("--help").stdout, re.M)
    assert set(complete("nucleus", "")) == {*listed, "--help", "--version"}
    for verb in listed:
        options = set(re.findall(r"(?<![\w-])--[a-z0-9-]+", nucleus(verb, "--help").stdout))
        assert set(complete("nucleus", verb, "--")) == options, verb
    assert complete("nucleus", "attest", "--format", "") == ["1", "2"]
    assert complete("nucleus", "graph", "--format", "d") == ["dot"]


def test_completion_completes_files_and_directories(tmp_path):
    (tmp_path / "web.toml").write_text("")
    (tmp_path / "web.txt").write_text("")
    (tmp_path / "web.d").mkdir()
    assert set(complete("nucleus", "verify", f"{tmp_path}/w")) == {f"{tmp_path}/web.toml", f"{tmp_path}/web.d"}
    assert complete("nucleus", "attest", f"{tmp_path}/w") == [f"{tmp_path}/web.d"]


@pytest.mark.skipif(not shutil.which("mandoc"), reason="needs mandoc")
@pytest.mark.parametrize("page", sorted(glob.glob(f"{ROOT}/docs/man/*.[1-8]")), ids=os.path.basename)
def test_man_page_has_no_lint(page):
    done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stdout


def test_man_page_names_every_option(nucleus):
    with open(f"{ROOT}/docs/man/nucleus.1") as f:
        page = f.read()
    for verb in ("verify", "show", "graph", "attest"):
        for option in re.findall(r"(?<![\w-])--([a-z0-9-]+)", nucleus(verb, "--help").stdout):
            assert re.search(rf"^\.(It|Op|) ?.*Fl (h , Fl )?-{option}\b", page, re.M), (verb, option)
