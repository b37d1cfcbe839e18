"""The kernel: namespaces, other processes, system calls that no agent needs."""

from probe import Probe

ALL = (
    Probe("mount", "mount a file system", '''
def attack():
    if libc.mount(b"t", b"/tmp", b"tmpfs", 0, None): raise OSError(ctypes.get_errno(), "")
    libc.umount2(b"/tmp", 2); return "mounted"'''),
    Probe("unshare-user", "make a user namespace", '''
def attack(): in_child(lambda: call(272, 0x10000000)); return "namespace"'''),
    Probe("clone-user", "make a user namespace by clone", '''
def attack():
    pid = call(56, 0x10000000 | 17, 0, 0, 0, 0)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0); return "namespace"'''),
    Probe("clone3-net", "make namespaces by clone3, whose flags no filter can read", '''
def attack():
    pid = call(435, struct.pack("8Q", 0x10000000 | 0x40000000, 0, 0, 0, 17, 0, 0, 0), 64)
    if pid == 0: os._exit(0)
    os.waitpid(pid, 0); return "namespace"''', ("ENOSYS",)),
    Probe("ptrace", "trace another process", '''
def attack(): in_child(lambda: call(101, 0, 0, 0, 0)); return "traced"'''),
    Probe("kill-outside", "kill a process outside", '''
def attack(): os.kill(ARENA["victim"], 9); return "sent"''', ("ESRCH", "EPERM")),
    Probe("init-memory", "read the memory of process 1", '''
def attack():
    start = int(open("/proc/1/maps").readline().split("-")[0], 16)
    memory = open("/proc/1/mem", "rb", 0); memory.seek(start); return len(memory.read(64))''', ("EACCES", "EPERM", "ENOENT")),
    Probe("io_uring", "set up io_uring, whose operations no filter sees", '''
def attack(): return "ring %d" % call(425, 4, ctypes.create_string_buffer(120))''', ("ENOSYS", "EPERM"), absent=("ENOSYS", "EPERM")),
    Probe("bpf", "make a bpf map", '''
def attack(): return "map %d" % call(321, 0, struct.pack("5I", 2, 4, 4, 1, 0) + bytes(108), 128)''', ("EPERM", "ENOSYS")),
    Probe("keyctl", "add a key to the kernel's keyring", '''
def attack(): return "key %d" % call(248, b"user", b"akios-probe", b"x", 1, -2)''', ("EPERM", "ENOSYS")),
    Probe("userfaultfd", "stall the kernel by userfaultfd", '''
def attack(): return "descriptor %d" % call(323, 0)''', ("EPERM", "ENOSYS"), absent=("ENOSYS",)),
    Probe("perf", "watch the machine by perf_event_open", '''
def attack(): return "descriptor %d" % call(298, struct.pack("IIQ", 1, 112, 0) + bytes(96), 0, -1, -1, 0)''',
          ("EPERM", "ENOSYS", "EACCES"), absent=("ENOENT", "ENOSYS")),
    Probe("tiocsti", "type into the terminal", '''
def attack():
    pid, master = pty.fork()
    if pid == 0:
        try: call(16, 0, 0x5412, b"x"); os._exit(0)
        except OSError as error: os._exit(error.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status: raise OSError(status, "")
    return "typed"''', absent=("EIO",)),
    Probe("tiocsti-high", "the same with a high bit set, which an exact filter does not match", '''
def attack():
    pid, master = pty.fork()
    if pid == 0:
        try: call(16, 0, 0x5412 | 1 << 32, b"x"); os._exit(0)
        except OSError as error: os._exit(error.errno)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    if status: raise OSError(status, "")
    return "typed"''', absent=("EIO",)),
    Probe("memfd-exec", "start a program from memory", '''
def attack():
    memory = call(319, b"x", 0)
    os.write(memory, open("/bin/true", "rb").read())
    in_child(lambda: os.execve(memory, ["true"], {})); return "ran"''', ("EPERM", "EACCES", "ENOSYS")),
    Probe("x32", "a system call of the x32 table", '''
def attack(): in_child(lambda: call(0x40000000 | 39)); return "answered"''', ("Refused: killed by SIGSYS",), absent=("ENOSYS",)),    Probe("setns", "enter a namespace of process 1", '''
def attack():
    descriptor = os.open("/proc/1/ns/net", os.O_RDONLY); call(308, descriptor, 0); return "entered"''', ("EPERM", "EACCES", "ENOENT")),
    Probe("chroot", "change the root", '''
def attack(): in_child(lambda: os.chroot("/tmp")); return "changed"'''),
    Probe("other-id", "become another user", '''
def attack(): in_child(lambda: os.setresuid(12345, 12345, 12345)); return "became"''', ("EPERM", "EINVAL")),
    Probe("groups", "a supplementary group of the caller's, as docker's", '''
def attack():
    if 4242 not in os.getgroups(): raise Refused("no group")
    return "group 4242"''', ("Refused: no group",), absent=("Refused: no group",)),
    Probe("capabilities", "any capability: in effect, to be raised, or left in the bounding set", '''
def attack():
    lines = [line.split() for line in open("/proc/self/status") if line.startswith("Cap")]
    held = [name for name, value in lines if int(value, 16)]
    if not held: raise Refused("none")
    return held''', ("Refused: none",)),
    Probe("other-root", "look through the root of another process", '''
def attack(): return open("/proc/%d/root/etc/shadow" % ARENA["victim"]).readline()[:4]''', ("ENOENT", "EACCES")),
    Probe("init-root", "look through the root of process 1", '''
def attack(): return open("/proc/1/root/etc/shadow").readline()[:4]''', ("ENOENT", "EACCES", "EPERM")),
    Probe("init-descriptors", "take a descriptor of process 1, as a proxy's or a supervisor's", '''
def attack():
    handle = call(434, 1, 0); return "descriptor %d" % call(438, handle, 0, 0)''', ("EPERM", "EACCES", "ENOSYS", "EBADF")),
    Probe("init-vm", "read the memory of process 1 by process_vm_readv", '''
def attack():
    pid = ARENA["victim"] if os.path.exists("/proc/%d" % ARENA["victim"]) else 1
    start = int(open("/proc/%d/maps" % pid).readline().split("-")[0], 16)
    buffer = ctypes.create_string_buffer(64)
    local = struct.pack("QQ", ctypes.addressof(buffer), 64); remote = struct.pack("QQ", start, 64)
    return call(310, pid, local, 1, remote, 1, 0)''', ("EPERM", "EACCES", "ENOENT")),
    Probe("init-environment", "read the environment of process 1", '''
def attack(): return len(open("/proc/1/environ").read())''', ("EACCES", "EPERM", "ENOENT")),
    Probe("core-pattern", "have the kernel start a program on the host at the next crash", '''
def attack(): os.close(os.open("/proc/sys/kernel/core_pattern", os.O_WRONLY)); return "open"''', ("EROFS", "EACCES", "EPERM", "ENOENT")),
    Probe("control-groups", "see the control groups, a way to release_agent", '''
def attack(): return os.listdir("/sys/fs/cgroup")[0]''', ("ENOENT", "EACCES"), absent=("ENOENT",)),
)
