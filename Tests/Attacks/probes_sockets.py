"""Sockets and packets: kinds that nobody reads, ways past the capture, changes of the rules."""

from probe import Probe

REFUSED = ("EPERM", "EACCES", "EAFNOSUPPORT", "EPROTONOSUPPORT")
CAPTURED = ("Refused: answered by the cage, not by the arena", "ECONNREFUSED", "ECONNRESET", "EPERM")

# A request to the kernel over netlink; what it answers, or its errno.
NETLINK = '''
def netlink(protocol, kind, flags, content):
    s = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol); s.bind((0, 0)); s.settimeout(5)
    s.send(struct.pack("IHHII", 16 + len(content), kind, flags, 1, 0) + content)
    answer = s.recv(65536)
    if struct.unpack("H", answer[4:6])[0] == 2:
        code = -struct.unpack("i", answer[16:20])[0]
        if code: raise OSError(code, "")
    return answer
'''

ALL = (
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
    Probe("udp-lite", "UDP's sister protocol", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 136); s.sendto(b"x", ("8.8.8.8", 443)); return "sent"''',
          REFUSED, absent=("EPROTONOSUPPORT",), record="socket.refused"),
    Probe("sctp", "SCTP", '''
def attack(): socket.socket(socket.AF_INET, socket.SOCK_STREAM, 132); return "open"''', REFUSED, absent=("EPROTONOSUPPORT",), record="socket.refused"),
    Probe("mptcp", "multipath TCP, which no TCP rule knows", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262); s.settimeout(5); s.connect(("8.8.8.8", 8443)); return arena_answer(s)''',
          REFUSED, absent=("EPROTONOSUPPORT", "ENOPROTOOPT"), record="socket.refused"),
    Probe("crypto-socket", "a socket into the kernel's ciphers, which no namespace holds", '''
def attack(): socket.socket(38, socket.SOCK_SEQPACKET); return "open"''', REFUSED, absent=("EAFNOSUPPORT",), record="socket.refused"),
    Probe("express-socket", "a socket that sees the device's frames before any rule (AF_XDP)", '''
def attack(): socket.socket(44, socket.SOCK_RAW); return "open"''', REFUSED, absent=("EAFNOSUPPORT",), record="socket.refused"),
    Probe("uevents", "hear the machine's devices come and go", '''
def attack(): socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15).bind((0, 1)); return "hears"''', REFUSED, record="socket.refused"),
    Probe("packet-rules", "speak to the packet filter, to change its rules", NETLINK + '''
def attack(): return len(netlink(12, 10 << 8 | 16, 1, bytes([0, 0, 0, 0])))''', REFUSED, absent=("EPROTONOSUPPORT", "EINVAL"), record="socket.refused"),
    Probe("address", "an address of its own", NETLINK + '''
def attack():
    content = struct.pack("BBBBI", 2, 32, 0, 254, 1) + struct.pack("HH4s", 8, 2, bytes([10, 8, os.getpid() % 250, 1]))
    netlink(0, 20, 0x405, content); return "added"''', ("EPERM", "EACCES")),
    Probe("topology", "learn the host's addresses", NETLINK + '''
def attack():
    if bytes([8, 8, 8, 8]) not in netlink(0, 22, 0x301, struct.pack("BBBBI", 2, 0, 0, 0, 0)): raise Refused("only its own")
    return "8.8.8.8"''', ("Refused: only its own", "EPERM")),
    Probe("listeners", "learn who listens on the host", '''
def attack():
    if "08080808:01BB" not in open("/proc/net/tcp").read(): raise Refused("only its own")
    return "8.8.8.8:443"''', ("Refused: only its own", "ENOENT", "EACCES")),
    Probe("forwarding", "turn the machine into a router", '''
def attack():
    path = "/proc/sys/net/ipv4/ip_forward"; value = open(path).read(); open(path, "w").write(value); return "written"''', ("EROFS", "EACCES", "EPERM")),
    Probe("mark", "mark its packets as those that the capture lets through", '''
def attack():
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, 36, 1); s.settimeout(5); s.connect(("8.8.8.8", 8443)); return arena_answer(s)'''),
    Probe("transparent", "send from an address that is not its own", '''
def attack():
    s = socket.socket(); s.setsockopt(socket.SOL_IP, 19, 1); s.bind(("203.0.113.7", 0)); return "bound"'''),
    Probe("device", "bind to a device, past the routes", '''
def attack():
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, 25, b"lo"); s.settimeout(5); s.connect(("8.8.8.8", 8443)); return arena_answer(s)''', CAPTURED),
    Probe("fast-open", "data with the first packet, without a connect that anybody could judge", '''
def attack():
    s = socket.socket(); s.sendto(b"GET / HTTP/1.1\\r\\n\\r\\n", 0x20000000, ("8.8.8.8", 8443)); return arena_answer(s)''',
          CAPTURED, record="connection.refused"),
    Probe("proxy-port-elsewhere", "another host, on the proxy's own port", '''
def attack(): return arena_answer(socket.create_connection(("8.8.8.8", 1), 5), b"GET / HTTP/1.1\\r\\n\\r\\n")''', CAPTURED, record="connection.refused"),
    Probe("low-source-port", "a source port that the rules might trust", '''
def attack():
    s = socket.socket(); s.bind(("0.0.0.0", 22)); s.settimeout(5); s.connect(("8.8.8.8", 8443))
    return arena_answer(s, b"GET / HTTP/1.1\\r\\n\\r\\n")''', CAPTURED + ("EACCES", "EADDRINUSE")),
    Probe("datagram-as-answer", "a datagram that looks like an answer of the resolver", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.9", 53)); s.connect(("8.8.8.8", 123)); return arena_answer(s, b"x")''',
          ("EACCES", "EPERM", "EADDRINUSE", "ECONNREFUSED", "EINVAL", "EHOSTUNREACH")),
    Probe("multicast", "a datagram to everybody", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.setsockopt(socket.SOL_IP, 32, socket.inet_aton("127.0.0.1"))
    s.sendto(b"x", ("224.0.0.251", 5353)); return "sent"''', ("EPERM", "EACCES", "ENETUNREACH")),
)
