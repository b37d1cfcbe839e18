"""The benchmark's client, the same inside the cage, against mitmproxy and direct: raw TLS sockets, one request at a time per
connection, nothing but the standard library. Reads orders on standard input, answers each with one line of JSON.

    plain N      N requests on one kept connection     {"us": [latency of each]}
    open C       makes C connections and keeps them    {"us": [latency of the first request of each]}
    many N       N requests over the kept connections  {"seconds": wall time}
    stream N     N streamed answers                    {"us": [time to the first piece of text]}
    download N   one answer of N bytes                 {"seconds": wall time}
    names N      TLS with N names never asked before   {"us": [time of each, to the end of the handshake]}"""

import json
import socket
import ssl
import sys
import threading
import time

BULK = "bulk.bench.example"
# About what an agent sends at the start of a task; nothing in it for a detector to find.
TEXT = ("Read the failing test, explain in two sentences why it fails, then propose the smallest change to the parser. " * 8).strip()


# Parsing the system's roots takes longer than a handshake.
CONTEXTS = {}


class Connection:
    def __init__(self, host, port, name, ca):
        context = CONTEXTS.setdefault(ca, None) or ssl.create_default_context(cafile=ca)
        CONTEXTS[ca] = context
        raw = socket.create_connection((host, port), 30)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = context.wrap_socket(raw, server_hostname=name)
        self.name, self.rest, self.turn = name, b"", 0

    def request(self, stream=False):
        self.turn += 1
        body = {"model": "gpt-4o-mini", "max_tokens": 50, "messages": [{"role": "user", "content": f"{self.turn:07} {TEXT}"}]}
        if stream:
            body["stream"] = True
        data = json.dumps(body).encode()
        return (
            f"POST /v1/chat/completions HTTP/1.1\r\nHost: {self.name}\r\nAuthorization: Bearer sk-bench\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n").encode() + data

    def more(self):
        piece = self.socket.recv(65536)
        if not piece:
            raise ConnectionError("closed in the middle of an answer")
        self.rest += piece

    def answer(self, until=None):
        """Reads one whole answer; with `until`, gives the time at which those bytes were there."""
        moment = None
        while b"\r\n\r\n" not in self.rest:
            self.more()
        head, _, self.rest = self.rest.partition(b"\r\n\r\n")
        head = head.lower()
        if not head.startswith(b"http/1.1 200"):
            raise ConnectionError(head[:100].decode() + (self.rest[:300]).decode(errors="replace"))
        if b"transfer-encoding: chunked" in head:
            while True:
                if until and moment is None and until in self.rest:
                    moment = time.perf_counter_ns()
                if b"0\r\n\r\n" in self.rest and self.rest.endswith(b"0\r\n\r\n"):
                    break
                self.more()
            self.rest = b""
        else:
            length = int(head.split(b"content-length:")[1].split(b"\r\n")[0])
            while len(self.rest) < length:
                self.more()
            self.rest = self.rest[length:]
        return moment

    def plain(self):
        data = self.request()
        start = time.perf_counter_ns()
        self.socket.sendall(data)
        self.answer()
        return (time.perf_counter_ns() - start) / 1000

    def stream(self):
        data = self.request(stream=True)
        start = time.perf_counter_ns()
        self.socket.sendall(data)
        return (self.answer(until=b'"content":"F') - start) / 1000


def download(connection, name, count):
    connection.socket.sendall(f"GET /bytes/{count} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n".encode())
    buffer, got = memoryview(bytearray(1 << 20)), 0
    start = time.perf_counter()
    while piece := connection.socket.recv_into(buffer):
        got += piece
    if got < count:
        raise ConnectionError(f"{got} bytes of {count}")
    return time.perf_counter() - start


def handshake(host, port, name, ca):
    start = time.perf_counter_ns()
    connection = Connection(host, port, name, ca)
    took = (time.perf_counter_ns() - start) / 1000
    connection.socket.close()
    return took


def many(kept, count):
    failures = []

    def work(connection):
        try:
            for _ in range(count // len(kept)):
                connection.plain()
        except Exception as error:
            failures.append(repr(error))

    threads = [threading.Thread(target=work, args=(connection,)) for connection in kept]
    start = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - start
    if failures:
        raise ConnectionError(failures[0])
    return seconds


def main():
    host, port, name, ca = sys.argv[1:5]
    # In the cage every name leads to itself, and the system's roots are the right ones.
    trust = ca if ca != "-" else None
    connect = lambda: Connection(host, int(port), name, trust)
    kept, crowd = None, []
    for line in sys.stdin:
        order, *numbers = line.split()
        numbers = [int(n) for n in numbers]
        try:
            if order == "open":
                crowd = [connect() for _ in range(numbers[0])]
                result = {"us": [connection.plain() for connection in crowd]}
            elif order == "download":
                result = {"seconds": download(Connection(host if trust else BULK, int(port), BULK, trust), BULK, numbers[0])}
            elif order == "names":
                fresh = [f"n{n}.bench.example" for n in range(numbers[0])]
                result = {"us": [handshake(host if trust else n, int(port), n, trust) for n in fresh]}
            elif order == "many":
                result = {"seconds": many(crowd, numbers[0])}
            else:
                kept = kept or connect()
                result = {"us": [getattr(kept, order)() for _ in range(numbers[0])]}
        except Exception as error:
            result = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(result), flush=True)


main()
