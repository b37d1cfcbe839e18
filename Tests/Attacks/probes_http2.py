"""HTTP/2: what a stream's head may say that a request line cannot, and what becomes of it where a server translates it to
HTTP/1.1. The host is the gullible one, which translates as it comes."""

from probe import Probe

REFUSED = tuple(f"Refused: {how}" for how in ("answered by the cage", "reset 1", "reset 2", "reset 7", "reset 8", "closed 1", "closed 2", "closed", "only what is open")) + ("ECONNRESET",)


def stream(name, tries, *fields, body="b''", word="REACHED hidden", record=""):
    """`fields` come after those of a good request, or in place of one with the same name."""
    given = dict(fields)
    head = [(n, given.pop(n, v)) for n, v in (
        (":method", "POST"), (":scheme", "https"), (":path", "/open"), (":authority", "gullible.example"))]
    return Probe(name, tries, f'''
HIDDEN = b"GET /hidden HTTP/1.1\\r\\nHost: gullible.example\\r\\n\\r\\n"
def attack(): return h2("gullible.example", {head + list(given.items())!r}, {body}, b"{word}")''', REFUSED, record=record)


SPLIT = "b\r\n\r\nGET /hidden HTTP/1.1\r\nhost: gullible.example\r\n"

ALL = (
    stream("h2-authority", "another :authority than the name in the handshake", (":authority", "evil.example"), word="REACHED open", record="request.refused"),
    stream("h2-coalesced", "a request to another granted host on this connection", (":authority", "api.openai.com"), word="REACHED open", record="request.refused"),
    stream("h2-host", "a Host beside another :authority", ("host", "evil.example"), word="at evil.example", record="connection.refused"),
    stream("h2-split-value", "a request in a header's value", ("x-a", SPLIT)),
    stream("h2-split-name", "a request in a header's name", ("x-a: " + SPLIT + "y", "z")),
    stream("h2-split-path", "a request in the path", (":path", "/open HTTP/1.1\r\nhost: gullible.example\r\n\r\nGET /hidden")),
    stream("h2-split-method", "a request in the method", (":method", "GET /hidden HTTP/1.1\r\nhost: gullible.example\r\n\r\nPOST")),
    stream("h2-length", "a length that is not the body's", ("content-length", "0"), body="HIDDEN"),
    stream("h2-chunked", "chunks in HTTP/2", ("transfer-encoding", "chunked"), ("content-length", "0"), body="b'0\\r\\n\\r\\n' + HIDDEN"),
    stream("h2-absolute", "a whole URL as path", (":path", "https://evil.example/hidden")),
    stream("h2-dots", "a path that leads elsewhere", (":path", "/open/%2e%2e/hidden"), record="request.refused"),
    stream("h2-connect", "a tunnel", (":method", "CONNECT"), (":authority", "evil.example:443"), body="HIDDEN"),
    stream("h2-extended-connect", "a tunnel for something else than WebSocket", (":method", "CONNECT"), (":protocol", "connect-udp"), body="HIDDEN"),
    stream("h2-upgrade", "a header that belongs to a connection", ("connection", "upgrade"), ("upgrade", "h2c"), body="HIDDEN"),
    stream("h2-original-url", "a header that names another path", ("x-original-url", "/hidden")),
)
