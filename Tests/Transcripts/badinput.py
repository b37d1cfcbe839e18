"""Bytes that are not HTTP: each ends its own connection, leaves one record, forwards nothing, and the proxy lives on."""

from checks import expect, expect_equal
from product import Ground, Upstream, caged

AGENT = r'''
import json, socket, ssl, struct, sys, urllib.request, urllib.error

def tcp(): return socket.create_connection(("api.openai.com", 443), 10)
def tls(): return ssl.create_default_context().wrap_socket(tcp(), server_hostname="api.openai.com")
def ended(s):
    s.settimeout(20)
    try:
        while s.recv(65536): pass
    except (ConnectionError, ssl.SSLError): pass
    s.close()

def garbage(): s = tcp(); s.sendall(b"\x00\xffgarbage\r\n\r\n" * 20); s.shutdown(1); ended(s)
def half_hello(): s = tcp(); s.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"a" * 60); s.shutdown(1); ended(s)
def garbage_in_tls(): s = tls(); s.sendall(b"\x01\x02 not http at all\r\n\r\n"); ended(s)
def big_header():
    s = tls()
    try: s.sendall(b"GET /v1/models HTTP/1.1\r\nHost: api.openai.com\r\nX: " + b"a" * (1 << 20) + b"\r\n\r\n")
    except OSError: pass
    ended(s)
def short_body(): s = tls(); s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 500\r\n\r\n{\"model\":"); s.shutdown(1); ended(s)
def two_lengths(): s = tls(); s.sendall(b"POST /v1/chat/completions HTTP/1.1\r\nHost: api.openai.com\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"); s.settimeout(20); print("smuggle", s.recv(12)); s.close()
def nul_name():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(10); s.connect(("127.0.0.1", 53))
    name = b"\x0eapi\x00evil.exampl\x06openai\x03com\x00"
    s.send(struct.pack(">HHHHHH", 5, 0x100, 1, 0, 0, 0) + name + struct.pack(">HH", 1, 1))
    answer = s.recv(512); print("nul", answer[3] & 15, struct.unpack(">H", answer[6:8])[0])

for probe in (garbage, half_hello, garbage_in_tls, big_header, short_body, two_lengths, nul_name):
    try: probe(); print("ended", probe.__name__, flush=True)
    except Exception as error: print("error", probe.__name__, repr(error), flush=True)
body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "still there?"}]}).encode()
request = urllib.request.Request("https://api.openai.com/v1/chat/completions", body, {"content-type": "application/json", "authorization": "Bearer sk-t"})
print("alive", json.load(urllib.request.urlopen(request, timeout=20))["choices"][0]["message"]["content"])
'''


def register(suite):
    @suite.check("bad input: garbage, half a hello, a huge header, a cut body, a name with NUL; then a good request passes")
    def bad_input():
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(AGENT, upstream.profile(), timeout=150))
            expect("alive you said: still there?" in run.out, run.tail())
            expect("error" not in run.out and run.out.count("ended") == 7, run.tail())
            expect("nul 0 1" not in run.out, "a name with NUL was answered with an address")
            expect("smuggle b'HTTP/1.1 200" not in run.out, "two body lengths were accepted")
            expect_equal([r["path"] for r in upstream.seen()], ["/v1/chat/completions"], "requests that arrived")
            kinds = [r["kind"] for r in run.records]
            refused = [k for k in kinds if k in ("connection.refused", "request.refused", "name.refused")]
            expect(len(refused) >= 6, f"{len(refused)} refusals in the log for 7 bad inputs: {kinds}")
