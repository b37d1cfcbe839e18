"""A host that believes everything: HTTP/1.1 read in the most lenient way that any server was found to, HTTP/2 translated as it
comes. Under /open it says REACHED open; led anywhere else it says where to, which no profile of the arena allows."""

import io
import re
import ssl
import subprocess
import threading
import urllib.parse

NAMES = ("gullible", "loop", "zero", "mapped", "six", "private", "shared", "unique", "linklocal", "mixed", "alias", "rebind")
CONTINUED = {"upgrade": "101 Switching Protocols", "connect": "200 Connected"}


class Gullible:
    """`reached`: [(host, method, path)]. Use as a context; `certificate` is what signs for it."""

    def __init__(self, folder):
        self.certificate, key = folder / "gullible.pem", folder / "gullible.key"
        names = ",".join(f"DNS:{name}.example" for name in NAMES)
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=gullible",
             "-addext", f"subjectAltName={names}", "-keyout", str(key), "-out", str(self.certificate)], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.certificate, key)
        # In this order: the proxy, which offers both, gets HTTP/1.1.
        self.context.set_alpn_protocols(["http/1.1", "h2"])
        self.reached = []

    def listen(self, listener):
        def loop():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=self.serve, args=(peer,), daemon=True).start()

        threading.Thread(target=loop, daemon=True).start()

    def serve(self, peer):
        try:
            peer.settimeout(10)
            with self.context.wrap_socket(peer, server_side=True) as line:
                if line.selected_alpn_protocol() == "h2":
                    self.serve_http2(line)
                else:
                    self.serve_http1(line.makefile("rb"), line.sendall)
        except (OSError, ValueError):
            peer.close()  # the caller left, or never spoke TLS

    def serve_http1(self, stream, write):
        while lines := read_head(stream):
            method, target = lines[0].split(" ")[:2]
            # The last of a name counts, and a space before the colon is nothing.
            fields = {name.strip().lower().replace("_", "-"): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
            # Transfer codings are for others.
            length = fields.get("content-length", "0")
            stream.read(int(length) if length.isdigit() else 0)
            path = normalised(fields.get("x-original-url") or target)
            self.reached.append((fields.get("host", ""), method, path))
            if method == "CONNECT" or "upgrade" in fields:
                write(f"HTTP/1.1 {CONTINUED['connect' if method == 'CONNECT' else 'upgrade']}\r\n\r\n".encode())
            elif path == "/open/redirect":
                write(b"HTTP/1.1 302 Found\r\nLocation: https://evil.example/\r\nContent-Length: 0\r\n\r\n")
            else:
                body = f"REACHED {path.strip('/') or 'nothing'} at {fields.get('host', '')}\n".encode("latin-1", "replace")
                write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n" % len(body) + body)

    def serve_http2(self, line):
        stream = line.makefile("rb")
        stream.read(24)
        line.sendall(frame(4, 0, 0, b""))
        head, body = {}, b""
        while len(start := stream.read(9)) == 9:
            kind, flags, content = start[3], start[4], stream.read(int.from_bytes(start[:3], "big"))
            if kind == 1:
                head = literals(content)
            if kind == 0:
                body += content
            if kind < 2 and flags & 1:
                lines = [f"{head.pop(':method', '')} {head.pop(':path', '/')} HTTP/1.1", f"host: {head.pop(':authority', '')}"]
                lines += [f"{name}: {value}" for name, value in head.items()]
                out = []
                self.serve_http1(io.BytesIO("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body), out.append)
                line.sendall(frame(1, 4, 1, b"\x88") + frame(0, 1, 1, b"".join(out)))


def read_head(stream):
    """The lines of a head, whatever ends them and whatever stands before it; None at the end."""
    lines = []
    while raw := stream.readline(65536):
        text = raw.rstrip(b"\r\n").decode("latin-1")
        if text[:1] in (" ", "\t") and lines:
            lines[-1:] = [lines[-1], text.strip()] if ":" in text else [lines[-1] + text]
        elif text and (lines or " HTTP/" in text or text.startswith(("GET ", "POST "))):
            lines.append(text)
        elif lines and not text:
            return lines
    return None


def normalised(target):
    """The path as a lenient file server sees it."""
    path = re.sub(r"^https?://[^/]*", "", target).partition("?")[0]
    for _ in range(2):
        path = urllib.parse.unquote(path, "latin-1")
    # Dots that are too long in UTF-8, and full-width ones; NUL ends a C string.
    for dot in ("\xc0\xae", "\xe0\x80\xae", "\xef\xbc\x8e"):
        path = path.replace(dot, ".")
    path = path.partition("\0")[0]
    path = re.sub(r";[^/]*", "", path.partition("?")[0].replace("\\", "/"))
    parts = []
    for part in path.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)


def frame(kind, flags, stream, content):
    return len(content).to_bytes(3, "big") + bytes([kind, flags]) + stream.to_bytes(4, "big") + content


def literals(block):
    """The fields of a header block that holds nothing but plain literals; the last of a name counts."""
    fields, at = {}, 0

    def text():
        nonlocal at
        size, at, shift = block[at], at + 1, 0
        while size >= 127:
            byte, at = block[at], at + 1
            size, shift = size + (byte % 128 << shift), shift + 7
            if byte < 128:
                break
        at += size
        return block[at - size:at].decode("latin-1")

    while at < len(block):
        at += 1
        name = text()
        fields[name] = text()
    return fields
