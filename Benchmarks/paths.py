"""The request path: one client, four ways to the same upstream, in rounds that take turns."""

import contextlib
import json
import os
import pathlib
import select
import socket
import statistics
import subprocess
import time

import family
from checks import Failure, Skip
from product import PYTHON, ROOT

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = (HERE / "client.py").read_text()
NAME = "api.openai.com"


class Way:
    """A client process that waits for orders, and the processes whose CPU its requests cost."""

    def __init__(self, process, payers):
        self.process, self.payers = process, payers

    def order(self, text, timeout=300):
        self.process.stdin.write((text + "\n").encode())
        self.process.stdin.flush()
        line, end = b"", time.monotonic() + timeout
        source = self.process.stdout.fileno()
        while not line.endswith(b"\n"):
            ready, _, _ = select.select([source], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(source, 1 << 20) if ready else b""
            if not piece:
                raise Failure(f"no answer to {text!r}: {line[-200:]!r}")
            line += piece
        result = json.loads(line)
        if "error" in result:
            raise Failure(f"{text!r}: {result['error']}")
        return result

    def cpu(self):
        """Nanoseconds on a CPU of all payers, every thread."""
        total = 0
        for pid in self.payers:
            for task in pathlib.Path("/proc", str(pid), "task").iterdir():
                total += int((task / "schedstat").read_text().split()[0])
        return total

    def private_memory(self):
        """KiB that these processes have for themselves: what one more session costs. Pages of the programs are everybody's."""
        total = 0
        for pid in self.payers:
            for line in pathlib.Path("/proc", str(pid), "smaps_rollup").read_text().splitlines():
                if line.startswith("Private_Dirty:"):
                    total += int(line.split()[1])
        return total


def client(host, port, ca, **options):
    return subprocess.Popen(
        [PYTHON, "-c", CLIENT, host, str(port), NAME, str(ca)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, **options)


@contextlib.contextmanager
def direct(upstream):
    with client("127.0.0.1", upstream.port, upstream.ca) as process:
        yield Way(process, [])
        process.stdin.close()


@contextlib.contextmanager
def caged(ground, profile):
    with ground.start([PYTHON, "-c", CLIENT, NAME, "443", NAME, "-"], profile) as live:
        way = Way(live.process, [])
        way.order("plain 1")
        members = family.of(live)
        way.payers = [members.supervisor, members.egress]
        way.session = live.session
        yield way
        live.finish()


@contextlib.contextmanager
def mitmproxy(ground, upstream):
    program = ROOT / ".build-venv-bench/bin/mitmdump"
    if not program.exists():
        raise Skip("mitmproxy is not installed (make bench installs it)")
    folder = ground.folder / "mitm"
    folder.mkdir()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with subprocess.Popen(
        [
            str(program), "-q", "--mode", f"reverse:https://localhost:{upstream.port}", "--listen-host", "127.0.0.1", "--listen-port", str(port),
            "--set", f"confdir={folder}", "--set", f"ssl_verify_upstream_trusted_ca={upstream.ca}", "--set", "flow_detail=0",
        ],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:
        try:
            end = time.monotonic() + 60
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                    if (folder / "mitmproxy-ca-cert.pem").exists():
                        break
                if server.poll() is not None or time.monotonic() > end:
                    raise Failure("mitmdump did not start")
                time.sleep(0.05)
            with client("127.0.0.1", port, folder / "mitmproxy-ca-cert.pem") as process:
                yield Way(process, [server.pid])
                process.stdin.close()
        finally:
            server.terminate()
            server.wait(20)


NAMES = 40
BULK = "bulk.bench.example"
HOSTS = [NAME, BULK, *(f"n{n}.bench.example" for n in range(NAMES))]


def measure_bulk(straight, caged, size, rounds, idle):
    """Bytes a second of one large answer, microseconds of a handshake with a new name, KiB with many idle connections."""
    speeds = {straight: [], caged: []}
    for _ in range(rounds):
        for way, taken in speeds.items():
            taken.append(size / way.order(f"download {size}")["seconds"])
    handshakes = [statistics.median(way.order(f"names {NAMES}")["us"]) for way in (straight, caged)]
    before = caged.private_memory()
    caged.order(f"open {idle}", timeout=600)
    return [statistics.median(taken) for taken in speeds.values()], handshakes, (before, caged.private_memory())


def measure(ways, rounds, plain, many, connections, stream):
    """{way: {p50, p90, cpu_rps, rps, ttft}}: microseconds, and requests per second of wall and of CPU time."""
    taken = {name: {"us": [], "ttft": [], "seconds": 0.0, "cpu": 0} for name in ways}
    for way in ways.values():
        way.order(f"plain {max(50, plain // 10)}")
        way.order("stream 5")
        way.order(f"open {connections}")
    for _ in range(rounds):
        for name, way in ways.items():
            taken[name]["us"] += way.order(f"plain {plain}")["us"]
        for name, way in ways.items():
            taken[name]["ttft"] += way.order(f"stream {stream}")["us"]
        for name, way in ways.items():
            before = way.cpu()
            taken[name]["seconds"] += way.order(f"many {many}")["seconds"]
            taken[name]["cpu"] += way.cpu() - before
    result = {}
    for name, t in taken.items():
        result[name] = {
            "p50": statistics.median(t["us"]), "p90": statistics.quantiles(t["us"], n=10)[8], "ttft": statistics.median(t["ttft"]),
            "rps": rounds * many / t["seconds"], "cpu_rps": rounds * many / (t["cpu"] / 1e9) if t["cpu"] else None,
            "memory": ways[name].private_memory() if ways[name].payers else None,
        }
    return result
