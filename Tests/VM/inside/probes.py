"""Source of the agents that misbehave. Each is bounded: without a cage it ends by itself and says that it got its way."""

# 200 children that wait; says how far it came.
FORK_BOMB = """
import os, signal, time
marker, children = "akios-fork-bomb", []
try:
    for _ in range(200):
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        children.append(pid)
    print("forked", len(children), flush=True)
except OSError:
    print("stopped", len(children), flush=True)
if len(children) == 200:
    for pid in children: os.kill(pid, signal.SIGKILL)
"""

# 256 MiB, touched, while a child looks on: the child must not outlive the kill.
MEMORY_HOG = """
import os, time
marker, child = "akios-memory-hog", os.fork()
if child == 0:
    time.sleep(60)
    os._exit(0)
held = []
for _ in range(64):
    block = bytearray(4 << 20)
    for i in range(0, len(block), 4096): block[i] = 1
    held.append(block)
print("held", len(held) * 4, "MiB", flush=True)
os.kill(child, 9)
"""

# Seconds of CPU used in argv[1] seconds of wall time.
CPU_SPINNER = """
import sys, time
end = time.monotonic() + float(sys.argv[1])
while time.monotonic() < end: pass
print(time.process_time())
"""

# Burns two seconds of CPU time, says so, goes on.
CPU_SPINNER_LIVE = """
import time
marker = "akios-cpu-spinner"
while time.process_time() < 2: pass
print("spun", flush=True)
while True: pass
"""

# A grandchild in a session of its own whose parents are gone, with output closed so that nobody waits for it.
ORPHAN = """
import os, time
marker = "akios-orphan"
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in (0, 1, 2): os.close(fd)
        time.sleep(120)
    os._exit(0)
os.wait()
print("orphan left", flush=True)
"""

WRITE_FILE = """
import os
with open("made", "w") as file: file.write("by the agent")
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
print("uid", os.getuid(), *(name + "=" + status[name].strip() for name in ("CapEff", "NoNewPrivs", "Seccomp")))
"""

# Every call that can put a set-user-id or set-group-id bit on a file.
SET_ID = """
import ctypes, os
libc = ctypes.CDLL(None, use_errno=True)
def chmod(p): open(p, "w").close(); os.chmod(p, 0o4755)
def fchmod(p):
    with open(p, "w") as f: os.fchmod(f.fileno(), 0o6755)
def fchmodat(p):
    open(p, "w").close(); d = os.open(".", os.O_RDONLY); os.chmod(p, 0o2755, dir_fd=d); os.close(d)
def fchmodat2(p):
    open(p, "w").close()
    if libc.syscall(452, -100, p.encode(), 0o4755, 0) != 0:
        # Older kernels do not know the call; then the plain one stands in for it.
        if ctypes.get_errno() != 38: raise OSError(ctypes.get_errno(), "fchmodat2")
        os.chmod(p, 0o4755)
def create(p): os.umask(0); os.close(os.open(p, os.O_CREAT | os.O_WRONLY, 0o4755))
def creat(p):
    fd = libc.syscall(85, p.encode(), 0o4755)
    if fd < 0: raise OSError(ctypes.get_errno(), "creat")
    os.close(fd)
def mkdir(p):
    os.mkdir(p, 0o2755)
    if not os.stat(p).st_mode & 0o6000: os.chmod(p, 0o2755)
def mknod(p): os.mknod(p, 0o104755)
for call in (chmod, fchmod, fchmodat, fchmodat2, create, creat, mkdir, mknod):
    path = "probe-" + call.__name__
    try:
        call(path)
        mode = os.stat(path).st_mode
        print("set" if mode & 0o6000 else "refused", call.__name__, oct(mode))
    except OSError as error:
        print("refused", call.__name__, error.errno)
for entry in os.listdir("."):
    if entry.startswith("probe-") and os.environ.get("RANGE") is None:
        os.rmdir(entry) if os.path.isdir(entry) else os.unlink(entry)
"""
