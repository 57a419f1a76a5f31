# SPDX-License-Identifier: Apache-2.0
"""
Real programs in a sandbox that has no root tree of its own: what the built-in policy must let through. Those that
tools/deps installs are always tried; a further one where the machine has it, and what it has not is named in a
warning, so that nobody takes it for tried.
"""

import glob
import os
import shutil
import subprocess
import warnings

import pytest
from lib import build, rootfs
from lib.sandbox import run
from lib.spec import Spec

MIB = 1 << 20
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/tmp", "LC_ALL": "C"}
PYTHON = "/usr/bin/python3"


def service(*arguments, **more):
    """A service that sees the host's programs, with a /tmp to work in."""
    return Spec(arguments=list(arguments), environment=ENVIRONMENT, workdir="/tmp", tmpfs=[("/tmp", 512 * MIB)],
                **more)


def shell(script, **more):
    return service("/bin/sh", "-euc", script, **more)


def succeeds(spec, last_line="ok"):
    """Ends with 0, says at the end what it ought to, and complains of nothing that a policy could have denied."""
    result = run(spec)
    lines = result.stdout.decode().splitlines()
    assert result.code == 0 and lines and lines[-1] == last_line, result
    for complaint in ("Operation not permitted", "Permission denied", "Function not implemented"):
        assert complaint not in result.stderr and complaint not in result.stdout.decode(), result
    return result


# ---- what tools/deps installs ----

BUSYBOX = """
busybox mkdir -p /tmp/d/e; echo hello >/tmp/d/e/f; busybox tar cf - -C /tmp/d . | busybox gzip | busybox zcat |
busybox tar tf - | busybox grep -q e/f
busybox seq 1 100 | busybox sort -rn | busybox awk '{ s += $1 } END { exit s != 5050 }'
busybox cp -a /tmp/d /tmp/c; busybox mv /tmp/c/e/f /tmp/c/g; busybox find /tmp/c -name g | busybox grep -q c/g
busybox ps | busybox grep -q ps; (busybox sleep 0.01 & wait); trap 'echo ok' EXIT; kill -0 $$
"""

C_PROGRAM = r"""
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
static void *thread(void *p) { return p; }
int main(void) {
        pthread_t t;
        void *p = NULL;
        if (pthread_create(&t, NULL, thread, &t) || pthread_join(t, &p) || p != &t) return 1;
        if (mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
                return 2;
        int status = 1;
        pid_t pid = vfork();
        if (pid == 0) { execl("/bin/true", "true", NULL); _exit(1); }
        if (pid < 0 || waitpid(pid, &status, 0) != pid || status) return 3;
        puts("ok");
}
"""

GIT = """
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_NOSYSTEM=1
git init -q -b main one; cd one; for i in 1 2 3; do echo $i >f$i; git add f$i; git commit -q -m $i; done
git gc -q; cd ..; git clone -q one two; git clone -q --no-local file:///tmp/one three; cd three
git mv f1 g1; git commit -q -a -m move; git push -q origin main:other; git -C ../one log --oneline other | wc -l >../n
git fsck --no-progress; test "$(cat ../n)" = 4; echo ok
"""

PYTHON_PARTS = {
    "threads": """
import threading, queue
q = queue.Queue(); ts = [threading.Thread(target=q.put, args=(i,)) for i in range(50)]
[t.start() for t in ts]; [t.join() for t in ts]; assert sum(q.get() for _ in ts) == 1225""",
    "subprocess": """
import subprocess, os
assert subprocess.run(["cat"], input=b"x", capture_output=True, check=True).stdout == b"x"
assert subprocess.run("exit 3", shell=True, start_new_session=True).returncode == 3
assert subprocess.run(["id", "-u"], close_fds=False, capture_output=True).returncode == 0
pid = os.fork()
if pid == 0: os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7""",
    "asyncio": """
import asyncio, socket
async def serve(r, w): w.write(await r.readline()); await w.drain(); w.close()
async def main():
    for address in ("127.0.0.1", "::1"):
        s = await asyncio.start_server(serve, address, 0)
        r, w = await asyncio.open_connection(*s.sockets[0].getsockname()[:2])
        w.write(b"ping\\n"); assert await r.readline() == b"ping\\n"; w.close(); s.close()
    s = await asyncio.start_unix_server(serve, "/tmp/socket"); s.close()
    p = await asyncio.create_subprocess_exec("true"); assert await p.wait() == 0
asyncio.run(main()); assert socket.if_nameindex()[0][1] == "lo"; assert socket.socketpair()""",
    "sqlite": """
import sqlite3, threading
c = sqlite3.connect("/tmp/db"); c.execute("pragma journal_mode=wal"); c.execute("create table t (n)")
c.executemany("insert into t values (?)", [(i,) for i in range(1000)]); c.commit(); c.execute("vacuum")
assert sqlite3.connect("/tmp/db").execute("select sum(n) from t").fetchone() == (499500,)""",
    "multiprocessing": """
import multiprocessing as m
from multiprocessing import shared_memory
if __name__ == "__main__":
    with m.get_context("fork").Pool(4) as p: assert sum(p.map(abs, range(-100, 0))) == 5050
    s = shared_memory.SharedMemory(create=True, size=4096); s.buf[0] = 1; s.close(); s.unlink()
    q = m.Queue(); p = m.Process(target=q.put, args=(5,)); p.start(); assert q.get() == 5; p.join()
    assert m.Semaphore(1).acquire() and m.Value("i", 4).value == 4""",
    "files": """
import os, tempfile, shutil, mmap, fcntl, signal, time, select, secrets
with tempfile.TemporaryDirectory() as d:
    f = open(d + "/f", "w+b"); f.write(b"x" * 8192); f.flush(); os.fsync(f.fileno()); fcntl.flock(f, fcntl.LOCK_EX)
    mmap.mmap(f.fileno(), 0)[0] = 65; f.truncate(10); os.link(d + "/f", d + "/g"); os.symlink("f", d + "/s")
    os.mkfifo(d + "/p"); os.utime(d + "/f"); os.chmod(d + "/f", 0o640); shutil.copytree(d, "/tmp/copy", symlinks=True,
        ignore=shutil.ignore_patterns("p")); os.posix_fallocate(f.fileno(), 0, 9); os.copy_file_range
e = select.epoll(); r, w = os.pipe(); e.register(r); os.write(w, b"1"); assert e.poll(1)
signal.setitimer(signal.ITIMER_REAL, 10); signal.alarm(0); time.sleep(0.001); secrets.token_bytes(8)
assert os.sched_getaffinity(0) and os.getloadavg() and os.sysconf("SC_NPROCESSORS_ONLN")""",
}

PERL = """
use strict; use threads; use POSIX; use Socket; use IO::Socket::INET; use File::Temp;
my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die "listen: $!";
my $pid = fork // die;
if (!$pid) { IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport)->print("x\\n"); exit 0 }
my $c = $s->accept; die unless <$c> eq "x\\n"; waitpid $pid, 0; die if $?;
die unless threads->create(sub { 42 })->join == 42; die unless `echo hi` eq "hi\\n"; File::Temp->new; print "ok\\n";
"""

REQUIRED = {
    "busybox": shell(BUSYBOX),
    "gcc": shell(f"cat >t.c <<'END'\n{C_PROGRAM}\nEND\ngcc -O2 -pthread t.c -o t && ./t"),
    "gcc-static": shell(f"cat >t.c <<'END'\n{C_PROGRAM}\nEND\ngcc -O2 -static -pthread t.c -o t && ./t"),
    "git": shell(GIT),
    "perl": service("/usr/bin/perl", "-e", PERL),
    **{f"python-{name}": service(PYTHON, "-I", "-c", part + "\nprint('ok')") for name, part in PYTHON_PARTS.items()},
}


@pytest.mark.parametrize("name", REQUIRED)
def test_program_works_strictly(name):
    succeeds(REQUIRED[name])


@pytest.mark.parametrize("name", ["busybox", "gcc", "git", "python-multiprocessing", "python-asyncio"])
def test_program_works_in_agent_mode_on_a_volume(name):
    """As an agent's tools are run: a directory of the host is its place, and what it makes there stays."""
    with rootfs.public_directory() as volume:
        os.chmod(volume, 0o777)
        spec = REQUIRED[name].but(mode="agent", tmpfs=[], volumes=[(volume, "/tmp", "rw")])
        succeeds(spec)
        assert name.startswith("python") or os.listdir(volume)


@pytest.mark.parametrize("link", [None, "/run/resolved/stub", "../run/resolved/stub", "/run/nowhere"])
def test_names_can_be_looked_up(link):
    """resolv.conf may be a link to what systemd-resolved keeps in /run, which no service sees."""
    make = f"ln -s {link} resolv.conf" if link else "cp /run/resolved/stub resolv.conf"
    with rootfs.public_directory() as own:
        host = f"""set -e; mount -t tmpfs none {own}; cp -a /etc {own}/etc; mount --bind {own}/etc /etc; cd /etc
            rm -f resolv.conf; mount -t tmpfs none /run; mkdir /run/resolved
            echo nameserver 192.0.2.1 >/run/resolved/stub; {make}; cd /; exec "$0" "$@" """
        result = run(shell("cat /etc/resolv.conf; getent hosts localhost"),
                     wrapper=["unshare", "-m", "sh", "-c", host])
    assert ("nameserver 192.0.2.1" in result.stdout.decode()) == (link != "/run/nowhere"), result
    assert "localhost" in result.stdout.decode() or link == "/run/nowhere", result


# ---- further ones, where they are installed ----

NGINX = """
pid /tmp/pid; error_log /tmp/error.log; worker_processes 2; events { }
http { access_log /tmp/access.log; client_body_temp_path /tmp/1; proxy_temp_path /tmp/2; fastcgi_temp_path /tmp/3;
  uwsgi_temp_path /tmp/4; scgi_temp_path /tmp/5; sendfile on; aio threads;
  server { listen 127.0.0.1:8080; location / { root /tmp/html; } }
  server { listen unix:/tmp/socket; location / { return 204; } } }
"""

# Neither wget nor curl is everywhere, and a static busybox cannot look up names.
FETCH = """use IO::Socket::INET; my $s = IO::Socket::INET->new(PeerAddr => "localhost", PeerPort => 8080) or die $!;
print $s "GET / HTTP/1.0\\r\\n\\r\\n"; local $/; print((split /\\r\\n\\r\\n/, <$s>)[1]);"""

NODE = """
const { execFileSync } = require("child_process"), { Worker } = require("worker_threads"), fs = require("fs");
if (execFileSync("echo", ["x"]).toString() !== "x\\n") process.exit(2);
const s = require("http").createServer((q, r) => r.end("ok")).listen(0, "127.0.0.1", () =>
  require("http").get({ port: s.address().port }, r => r.on("data", d => {
    fs.writeFileSync("/tmp/f", d);
    new Worker("require('worker_threads').parentPort.postMessage(1)", { eval: true }).on("message", () => {
      console.log(fs.readFileSync("/tmp/f").toString()); s.close(); }); })));
"""

JAVA = """
import java.io.*; import java.net.*; import java.nio.file.*; import java.util.concurrent.*;
public class T { public static void main(String[] a) throws Exception {
  try (ServerSocket s = new ServerSocket(0)) { s.getLocalPort(); }
  ExecutorService e = Executors.newFixedThreadPool(8);
  if (e.submit(() -> 42).get() != 42) System.exit(2);
  e.shutdown(); Files.writeString(Path.of("/tmp/f"), "x");
  if (new ProcessBuilder("true").start().waitFor() != 0) System.exit(3);
  System.gc(); System.out.println("ok"); } }
"""

GO = """
package main
import ("fmt"; "net"; "os/exec"; "sync")
func main() {
  var w sync.WaitGroup
  for i := 0; i < 200; i++ { w.Add(1); go func() { w.Done() }() }
  w.Wait()
  l, e := net.Listen("tcp", "127.0.0.1:0"); if e != nil { panic(e) }
  go func() { c, _ := l.Accept(); c.Write([]byte("x")); c.Close() }()
  c, e := net.Dial("tcp", l.Addr().String()); if e != nil { panic(e) }
  if n, _ := c.Read(make([]byte, 9)); n != 1 { panic("read") }
  if e := exec.Command("true").Run(); e != nil { panic(e) }
  fmt.Println("ok") }
"""

RUST = """
use std::{fs, net::TcpListener, process::Command, thread};
fn main() {
    assert_eq!(thread::spawn(|| 42).join().unwrap(), 42);
    TcpListener::bind("127.0.0.1:0").unwrap();
    assert!(Command::new("true").status().unwrap().success());
    fs::write("/tmp/f", "x").unwrap(); println!("ok"); }
"""

POSTGRESQL = """
PATH=$(echo /usr/lib/postgresql/*/bin | cut -d' ' -f1):$PATH
initdb -D d -A trust >log; pg_ctl -D d -w -l log -o "-k /tmp -h 127.0.0.1" start >>log || { cat log; exit 1; }
psql -qAt -h /tmp postgres -c 'create table t as select generate_series(1, 1000) n; create index on t (n)'
test "$(psql -qAt -h 127.0.0.1 postgres -c 'set max_parallel_workers_per_gather = 2; select sum(n) from t')" = 500500
psql -qAt -h /tmp postgres -c 'vacuum analyze t' -c checkpoint; pg_ctl -D d -w -m fast stop >>log; echo ok
"""


def compiled(directory, name, source, *command, environment=None):
    """Compiles outside, with a compiler that may live anywhere; the result is what is tried."""
    rootfs.write(directory / name, source)
    subprocess.run([*command, name], cwd=directory, check=True, timeout=300, env={**os.environ, **(environment or {})})
    return service("/tmp/in/program").but(volumes=[(directory, "/tmp/in", "ro")])


def etc(*patterns):
    return [(p, p, "ro") for pattern in patterns for p in glob.glob(pattern)]


OPTIONAL = {
    "nginx": (shutil.which("nginx", path="/usr/sbin"),
              lambda d: shell(f"mkdir html; echo ok >html/index.html; cat >conf <<'END'\n{NGINX}\nEND\n"
                              f"nginx -e /tmp/error.log -c /tmp/conf; perl -e '{FETCH}' >got\n"
                              "nginx -e /tmp/error.log -c /tmp/conf -s quit; cat got", user="www-data")),
    "node": (shutil.which("node", path="/usr/bin"), lambda d: service("/usr/bin/node", "-e", NODE)),
    "java": (shutil.which("javac", path="/usr/bin"),
             lambda d: shell(f"cat >T.java <<'END'\n{JAVA}\nEND\njava T.java", volumes=etc("/etc/java-*"))),
    "go": (shutil.which("go"), lambda d: compiled(d, "t.go", GO, "go", "build", "-o", "program",
                                                  environment={"CGO_ENABLED": "0", "GO111MODULE": "off"})),
    "rust": (shutil.which("rustc"), lambda d: compiled(d, "t.rs", RUST, "rustc", "-O", "-o", "program")),
    "postgresql": (glob.glob("/usr/lib/postgresql/*/bin/initdb"), lambda d: shell(POSTGRESQL, user="postgres")),
}


@pytest.mark.parametrize("name", [n for n, (there, _) in OPTIONAL.items() if there])
def test_program_works_where_installed(name):
    with rootfs.public_directory() as directory:
        succeeds(OPTIONAL[name][1](directory))


def test_programs_not_tried_are_named():
    absent = [n for n, (there, _) in OPTIONAL.items() if not there]
    if absent:
        warnings.warn(f"not installed here, and so not tried: {', '.join(absent)}", stacklevel=1)
    assert len(REQUIRED) >= 11  # what is required never depends on the machine


# ---- controls: what is denied is seen to fail ----

UNSHARE = "import ctypes, os; l = ctypes.CDLL(None, use_errno=True); r = l.unshare(0x10000000)\n" \
          "print('ok' if r == 0 else os.strerror(ctypes.get_errno()))"


def test_control_program_that_is_denied_fails():
    with pytest.raises(AssertionError, match="Operation not permitted"):
        succeeds(service(PYTHON, "-I", "-c", UNSHARE))
    outside = subprocess.run([PYTHON, "-I", "-c", UNSHARE], capture_output=True, text=True, check=True)
    assert outside.stdout == "ok\n"


@pytest.mark.parametrize("name, call", [("python-asyncio", "epoll_pwait,232"), ("gcc", "wait4"), ("git", "wait4")])
def test_control_profile_that_is_too_tight_fails(name, call):
    """A program that has lost one call that it needs does not pass."""
    if "," in call and os.uname().machine != "x86_64":
        call = call.partition(",")[0]
    spec = REQUIRED[name]
    spec = spec.but(arguments=["/tmp/in/payload", "errno-exec", call, "EPERM", *spec.arguments])
    with rootfs.public_directory() as directory:
        shutil.copy(build.payload(), directory / "payload")
        os.chmod(directory / "payload", 0o755)
        with pytest.raises(AssertionError):
            succeeds(spec.but(volumes=[(directory, "/tmp/in", "ro")]))
