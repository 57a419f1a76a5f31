# SPDX-License-Identifier: Apache-2.0
import os
import pty
import subprocess

assert subprocess.run(["cat"], input=b"x", capture_output=True, check=True).stdout == b"x"
assert subprocess.run("exit 3", shell=True, start_new_session=True).returncode == 3
assert subprocess.run(["id", "-u"], close_fds=False, capture_output=True).returncode == 0
assert subprocess.run(["nice"], preexec_fn=lambda: os.nice(5), capture_output=True).stdout == b"5\n"
pid = os.fork()
if pid == 0:
    os._exit(7)
assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 7
master, slave = pty.openpty()
assert subprocess.run(["tty"], stdin=slave, capture_output=True).stdout.startswith(b"/dev/pts/")
print("ok")
