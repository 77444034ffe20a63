#!/usr/bin/env python3
"""Boots a user-mode Linux guest whose root is a folder. Its own network leads to this machine's loopback and nowhere else that matters.

boot.py FOLDER MEMORY-MIB SECONDS CONSOLE: FOLDER/root is the guest's root, FOLDER/run holds files of the guest's kernel, FOLDER/xstate.so
is preloaded into it (xstate.c), FOLDER/group names the guest's process group. Ends when the guest is switched off. Exit code 1: it was
not, within SECONDS.
The network is libslirp's: 10.0.2.2 in the guest is 127.0.0.1 here. No privilege is needed, and no address outside the guest comes to be.
"""
import ctypes
import os
import signal
import socket
import subprocess
import sys

folder, memory, seconds, console = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
for end in ours, theirs:
    end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
run = os.path.join(folder, "run")
# The guest's memory is a file that is mapped as code too. In /dev/shm it costs no writing.
memory_folder = "/dev/shm" if os.access("/dev/shm", os.W_OK) and not os.statvfs("/dev/shm").f_flag & os.ST_NOEXEC else run
children = []


def end():
    # A second signal must not interrupt this.
    for number in signals:
        signal.signal(number, signal.SIG_IGN)
    # Each leads a process group of its own: a guest is several processes here.
    for child in children:
        if child.poll() is None:
            os.killpg(child.pid, signal.SIGKILL)
    for child in children:
        child.wait()


def terminated(*_):
    # Raised once only, and never within a wait for a child that a second signal would repeat.
    for number in signals:
        signal.signal(number, signal.SIG_IGN)
    sys.exit(143)


def dies_with_parent():
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG: if this process itself is killed


def options(passed, output):
    return {"pass_fds": [passed.fileno()], "stdin": subprocess.DEVNULL, "stdout": output, "stderr": output,
            "start_new_session": True, "preexec_fn": dies_with_parent}


signals = signal.SIGTERM, signal.SIGINT, signal.SIGHUP
for number in signals:
    signal.signal(number, terminated)
try:
    with open(console, "wb") as output:
        children.append(subprocess.Popen(
            ["libslirp-helper", "--fd", str(theirs.fileno()), "--disable-ipv6", "--exit-with-parent"],
            **options(theirs, output)))
        guest = subprocess.Popen(
            ["linux.uml", f"mem={memory}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", f"hostfs={folder}/root", "rw",
             "init=/init", "con=null", "con0=null,fd:1", "ssl=null", f"uml_dir={run}", "umid=guest", "quiet", "panic=-1",
             f"vec0:transport=fd,fd={ours.fileno()}"],
            **options(ours, output),
            env={**os.environ, "TMPDIR": memory_folder, "HOME": run, "LD_PRELOAD": os.path.join(folder, "xstate.so")})
        children.append(guest)
        with open(os.path.join(folder, "group"), "w", encoding="ascii") as file:
            file.write(str(guest.pid))
        try:
            guest.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"boot.py: the guest was not switched off within {seconds} s", file=sys.stderr)
            sys.exit(1)
finally:
    end()
