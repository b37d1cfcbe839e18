"""HTTP/1.1: requests that two servers read in two ways. `gullible.example` is granted, but nothing outside /open; it reads
everything in the most lenient way there is (gullible.py), and says REACHED hidden when it was led to /hidden."""

from probe import Probe

REFUSED = tuple(f"Refused: {status}" for status in ("400", "403", "405", "421", "426", "431", "501", "505", "closed", "only what is open"))
HIDDEN = r"GET /hidden HTTP/1.1\r\nHost: gullible.example\r\n\r\n"


def smuggled(name, tries, head, body="HIDDEN", first=r"POST /open HTTP/1.1\r\nHost: gullible.example\r\n", record="connection.refused"):
    """`head`: header lines; `body`: a Python expression; {n} in a head is the length of what hides in it."""
    return Probe(name, tries, f'''
HIDDEN = b"{HIDDEN}"
def chunked(data, line="%x"): return (line % len(data)).encode() + b"\\r\\n" + data + b"\\r\\n0\\r\\n\\r\\n"
def attack():
    body = {body}
    head = b"{first}{head}".replace(b"{{n}}", b"%d" % len(body))
    return reached(exchange(tls("gullible.example"), head + b"\\r\\n" + body))''', REFUSED, record=record)


def spelled(name, target, tries="a path that is not granted, spelled so that only the host sees it", record="request.refused"):
    return Probe(name, tries, f'''
def attack(): return reached(exchange(tls("gullible.example"), request("GET", {target!r}, "gullible.example")))''', REFUSED, record=record)


def named(name, host, record="request.refused"):
    return Probe(name, "another host, spelled like a granted one", f'''
def attack(): return reached(exchange(tls("gullible.example"), request("GET", "/open", {host!r})), b"REACHED open")''', REFUSED, record=record)


ALL = (
    smuggled("cl-te", "two framings: a length for one, chunks for the other", r"Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "chunked(HIDDEN)"),
    smuggled("two-lengths", "two lengths", r"Content-Length: {n}\r\nContent-Length: 0\r\n"),
    smuggled("length-list", "a list of lengths", r"Content-Length: {n}, 0\r\n"),
    smuggled("length-sign", "a length with a sign", r"Content-Length: -{n}\r\n"),
    smuggled("length-spaced", "a space before the colon, which some servers take as another name", r"Content-Length: {n}\r\nContent-Length : 0\r\n"),
    smuggled("te-unknown", "a coding that only one of two knows", r"Transfer-Encoding: xchunked\r\n", "chunked(HIDDEN)"),
    smuggled("te-list", "chunked before another coding", r"Transfer-Encoding: chunked, identity\r\n", "chunked(HIDDEN)"),
    smuggled("te-tab", "a vertical tab in the coding", r"Transfer-Encoding: \x0bchunked\r\n", "chunked(HIDDEN)"),
    smuggled("te-twice", "the coding twice", r"Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n", "chunked(HIDDEN)"),
    smuggled("te-old", "chunks in HTTP/1.0", r"Host: gullible.example\r\nTransfer-Encoding: chunked\r\n", "chunked(HIDDEN)", first=r"POST /open HTTP/1.0\r\n"),
    smuggled("chunk-extension", "a chunk with an extension", r"Transfer-Encoding: chunked\r\n", "chunked(HIDDEN, '%x;a=b')", record="request.refused"),
    smuggled("chunk-size", "a chunk size that some read as hexadecimal with a prefix", r"Transfer-Encoding: chunked\r\n", "chunked(HIDDEN, '0x%x')", record="request.refused"),
    smuggled("bare-lf", "lines that end in LF only", r"X-A: b\nContent-Length: 0\n", "HIDDEN"),
    smuggled("folded", "a folded line", r"Content-Length: {n}\r\nX-A: b\r\n Content-Length: 0\r\n"),
    smuggled("nul-in-header", "NUL in a header", r"X-A: b\x00c\r\nContent-Length: 0\r\n"),
    smuggled("host-twice", "two hosts", r"Host: evil.example\r\nContent-Length: 0\r\n", r'b"GET /hidden HTTP/1.1\r\nHost: evil.example\r\n\r\n"'),
    smuggled("connect", "CONNECT within the connection, to what it leads to", "", first=r"CONNECT evil.example:443 HTTP/1.1\r\nHost: evil.example:443\r\n"),
    smuggled("absolute", "a whole URL as target", "", 'b""', first=r"GET https://evil.example/hidden HTTP/1.1\r\nHost: gullible.example\r\n"),
    smuggled("upgrade-h2c", "an upgrade to HTTP/2, after which nobody reads along",
             r"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", first=r"GET /open HTTP/1.1\r\nHost: gullible.example\r\n"),
    smuggled("upgrade-websocket", "an upgrade to WebSocket where no rule grants one",
             r"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
             first=r"GET /open HTTP/1.1\r\nHost: gullible.example\r\n", record="request.refused"),
    smuggled("pipelined", "a second request behind an allowed one", r"Content-Length: 0\r\n", record="request.refused"),
    Probe("second-host", "another host, on a connection that began well", '''
def attack():
    peer = tls("gullible.example")
    accepted(exchange(peer, request("GET", "/open", "gullible.example")))
    return reached(exchange(peer, request("GET", "/open", "evil.example")), b"REACHED open at evil.example")''', REFUSED, record="request.refused"),
    smuggled("original-url", "a header that names another path", r"X-Original-URL: /hidden\r\nContent-Length: 0\r\n", 'b""', record="request.outcome"),
    smuggled("original-url-underscore", "the same as CGI spells it", r"X_Original_URL: /hidden\r\nContent-Length: 0\r\n", 'b""', record="request.outcome"),
    spelled("path-dots", "/open/../hidden"),
    spelled("path-escaped-dots", "/open/%2e%2e/hidden"),
    spelled("path-escaped-slash", "/open/..%2fhidden"),
    spelled("path-escaped-twice", "/open/%252e%252e/hidden"),
    spelled("path-backslash", "/open/..\\hidden"),
    spelled("path-parameter", "/open/..;a=b/hidden"),
    spelled("path-query", "/open/%2e%2e/hidden%3fa"),
    spelled("path-double-slash", "//hidden"),
    spelled("path-long-dots", "/open/%c0%ae%c0%ae/hidden"),
    spelled("path-wide-dots", "/open/%ef%bc%8e%ef%bc%8e/hidden"),
    spelled("path-nul", "/open/../hidden%00/open"),
    spelled("path-nul-raw", "/open/../hidden\0/open", record="connection.refused"),
    spelled("path-crlf", "/hidden%0d%0aX:%20y"),
    named("host-nul", "gullible.example\0.evil.example", "connection.refused"),
    named("host-escaped", "gullible.example%00.evil.example"),
    named("host-user", "gullible.example@evil.example"),
    named("host-port-user", "gullible.example:443@evil.example"),
    named("host-below", "gullible.example.evil.example"),
    named("host-wide", "ｇullible.example"),
    named("host-slash", "gullible.example/evil.example"),
    named("host-two", "gullible.example, evil.example"),
    named("host-dots", "gullible..example"),
    Probe("redirect", "follow a granted host's redirect to one that is not", '''
def attack():
    import ssl, urllib.error, urllib.request
    try: answer = urllib.request.urlopen("https://gullible.example/open/redirect", context=ssl._create_unverified_context(), timeout=10)
    except urllib.error.HTTPError as error: raise Refused(str(error.code))
    return answer.url, answer.status''', REFUSED, record="request.refused"),
)
