"""gRPC, as an agent and a server of their own speak it: Python's grpcio, a call and a stream of answers over HTTP/2."""

import contextlib
import pathlib
import subprocess

from checks import Failure, expect, expect_equal
from product import Ground, caged
from stage import ELSEWHERE, SENTENCE, TRUST, python, refusals

HOST = "rpc.example"
# Says what it is asked; a stream goes on only when it was asked again meanwhile, so that one held back never ends.
SERVER = r'''
import sys, threading, grpc
from concurrent import futures
asked = threading.Event()
def say(question, context):
    asked.set()
    return b"\0said " + question
def count(question, context):
    asked.clear()
    yield b"\0one"
    yield b"\0two" if asked.wait(20) else b"\0nobody asked"
class Echo(grpc.GenericRpcHandler):
    def service(self, call):
        print(call.method, flush=True)
        return grpc.unary_stream_rpc_method_handler(count) if call.method.endswith("/Count") else grpc.unary_unary_rpc_method_handler(say)
server = grpc.server(futures.ThreadPoolExecutor(4))
server.add_generic_rpc_handlers((Echo(),))
key, certificate = (open(path, "rb").read() for path in sys.argv[1:])
print(server.add_secure_port("127.0.0.1:0", grpc.ssl_server_credentials([(key, certificate)])), flush=True)
server.start()
sys.stdin.read()
server.stop(None)
'''
CLIENT = r'''
import sys, grpc
with grpc.secure_channel(sys.argv[1] + ":443", grpc.ssl_channel_credentials()) as channel:
    try:
        for method in sys.argv[2:]:
            if method.endswith("/Count"):
                stream = channel.unary_stream(method)(b"", timeout=30)
                print(next(stream), flush=True)
                channel.unary_unary("/conform.Echo/Say")(b"\0go on", timeout=20)
                print(list(stream))
            else:
                print(channel.unary_unary(method)(b"\0hello", timeout=20))
    except grpc.RpcError as error:
        print(error.code(), error.details())
'''


class Server:
    """A gRPC server on loopback under a certificate of its own. Use as a context."""

    def __init__(self, folder):
        self.certificate, key = folder / "rpc.pem", folder / "rpc.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj", "/CN=rpc",
             "-addext", f"subjectAltName=DNS:{HOST}", "-keyout", str(key), "-out", str(self.certificate)], check=True, capture_output=True)
        self.process = subprocess.Popen(
            [python("grpc", TRUST), "-c", SERVER, str(key), str(self.certificate)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def __enter__(self):
        port = self.process.stdout.readline().strip()
        if not port.isdigit():
            raise Failure(f"the gRPC server did not start: {port}")
        self.port = int(port)
        return self

    def methods(self):
        """Ends the server; the methods that were called."""
        out, _ = self.process.communicate(timeout=30)
        return out.split()

    def __exit__(self, *_):
        if self.process.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.communicate(timeout=30)
            self.process.kill()


def call(host, *methods):
    """Runs the client in the cage: (run, methods that reached the server)."""
    with Ground() as ground, Server(ground.folder) as server:
        profile = pathlib.Path(ground.folder, "conform.yaml")
        profile.write_text(f"""apiVersion: akios/v1
kind: AgentPolicy
metadata: {{name: conform}}
extends: [standard]
spec:
  governance:
    pii_handling: {{binary: allow}}
    network_access:
      allowlist: [{{host: {HOST}, methods: [POST], paths: [/conform.Echo/Say, /conform.Echo/Count]}}]
      resolve: {{{HOST}: "127.0.0.1:{server.port}"}}
      trust: [{server.certificate}]
""")
        run = caged(ground.run([python("grpc", TRUST), "-c", CLIENT, host, *methods], profile, options=["--accept-tier", "strong"]))
        run.refused = refusals(run, host, "/")
        return run, server.methods()


def check_words(run, host):
    """The client read why, under a code that nobody tries again, and asked once."""
    expect("PERMISSION_DENIED" in run.out and SENTENCE in run.out and host in run.out, "no sentence: " + run.tail())
    expect_equal(len(run.refused), 1, f"refusals: {run.refused}")


def register(suite):
    @suite.check("grpcio: a call, and a stream of answers that is not held back")
    def turn():
        run, methods = call(HOST, "/conform.Echo/Say", "/conform.Echo/Count")
        expect_equal(run.out.splitlines(), [r"b'\x00said \x00hello'", r"b'\x00one'", r"[b'\x00two']"], run.tail())
        expect_equal(methods, ["/conform.Echo/Say", "/conform.Echo/Count", "/conform.Echo/Say"], "methods called")

    @suite.check("grpcio: a method that no rule grants")
    def refused():
        run, methods = call(HOST, "/conform.Echo/Say", "/conform.Echo/Secret")
        check_words(run, HOST)
        expect_equal(methods, ["/conform.Echo/Say"], "methods called")

    @suite.check("grpcio: a host that no rule names")
    def elsewhere():
        run, methods = call(ELSEWHERE, "/conform.Echo/Say")
        check_words(run, ELSEWHERE)
        expect_equal(methods, [], "methods called")
