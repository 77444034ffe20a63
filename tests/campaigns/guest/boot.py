#!/usr/bin/env python3
"""Boots a user-mode Linux guest whose root is a folder, with a network of its own that leads to this machine's loopback and nowhere else that matters.

boot.py FOLDER MEMORY-MIB SECONDS CONSOLE: FOLDER/root is the guest's root, FOLDER/run holds what the guest's kernel keeps. Ends when the guest is switched off. Exit code 1: it was not, within SECONDS.
The network is libslirp's: 10.0.2.2 in the guest is 127.0.0.1 here. No privilege is needed, and no address outside the guest comes to be.
"""
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


def end(*_):
    # Each leads a process group of its own: a guest is several processes here.
    for child in children:
        try:
            os.killpg(child.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        child.wait()


def terminated(*_):
    end()
    sys.exit(143)


for number in signal.SIGTERM, signal.SIGINT, signal.SIGHUP:
    signal.signal(number, terminated)
try:
    with open(console, "wb") as output:
        children.append(subprocess.Popen(
            ["libslirp-helper", "--fd", str(theirs.fileno()), "--disable-ipv6", "--exit-with-parent"],
            pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True))
        guest = subprocess.Popen(
            ["linux.uml", f"mem={memory}M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", f"hostfs={folder}/root", "rw", "init=/init",
             "con=null", "con0=null,fd:1", "ssl=null", f"uml_dir={run}", "umid=guest", "quiet", "panic=-1", f"vec0:transport=fd,fd={ours.fileno()}"],
            pass_fds=[ours.fileno()], stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            env={**os.environ, "TMPDIR": memory_folder, "HOME": run})
        children.append(guest)
        try:
            guest.wait(seconds)
        except subprocess.TimeoutExpired:
            print(f"boot.py: the guest was not switched off within {seconds} s", file=sys.stderr)
            sys.exit(1)
finally:
    end()
