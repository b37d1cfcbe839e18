"""Endpoints that nobody reads: raw TCP and TLS that is passed through, only where a rule names them, in the log before they begin."""

import contextlib
import shutil
import socket
import threading

from checks import Skip, expect, expect_equal
from product import Ground, Upstream, caged, verify


class Talker:
    """A server of the host's that speaks first, as databases and mail do, and then says back what it hears."""

    def __init__(self, address="127.0.0.1"):
        self.socket = socket.create_server((address, 0))
        self.port = self.socket.getsockname()[1]
        self.heard = []
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client = self.socket.accept()[0]
            except OSError:
                return
            self.heard.append(b"")
            threading.Thread(target=self.talk, args=(client, len(self.heard) - 1), daemon=True).start()

    def talk(self, client, number):
        with client, contextlib.suppress(OSError):
            client.sendall(b"220 talker\r\n")
            while part := client.recv(65536):
                self.heard[number] += part
                client.sendall(part)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()


def granting(upstream, network):
    """A profile on top of the upstream's, with these lines (six spaces deep) in `network_access`."""
    parent = upstream.profile()
    path = upstream.folder / "endpoints.yaml"
    path.write_text(
        f"apiVersion: akios/v1\nkind: AgentPolicy\nextends: [{parent}]\nspec:\n  governance:\n    network_access:\n{network}\n")
    return path


# Hears the server out, says a word, ends its side and reads the rest.
TALK = '''
import socket, sys
def talk(host, port, word):
    s = socket.create_connection((host, port), 20)
    s.settimeout(20)
    got = s.recv(100)
    s.sendall(word)
    s.shutdown(socket.SHUT_WR)
    while part := s.recv(65536): got += part
    return got
def reach(host, port):
    try: return talk(host, port, b"x").decode() or "nothing"
    except OSError as error: return type(error).__name__
'''


def records(run, kind):
    return [r["data"] for r in run.records if r["kind"] == kind]


def unread(run):
    """The intents that are marked as unread, and the outcomes of the same numbers."""
    intents = [r for r in records(run, "request.intent") if r.get("marks") == ["unredacted"]]
    outcomes = {r["id"]: r for r in records(run, "request.outcome")}
    return [(intent, outcomes[intent["id"]]) for intent in intents]


def register(suite):
    @suite.check("raw: a server that speaks first, by name, in the log and counted; its other ports and other hosts are refused")
    def raw():
        with Upstream() as upstream, Ground() as ground, Talker() as talker:
            profile = granting(upstream, f"""      tcp: [{{host: db.example, port: 5432}}]
      resolve: {{db.example: 127.0.0.1:{talker.port}, other.example: 127.0.0.1:{talker.port}}}""")
            agent = TALK + '''
print(talk("db.example", 5432, b"select jane.doe@example.com").decode(), end="|")
print(reach("db.example", 5433), reach("other.example", 5432), sep="|", end="")
'''
            run = caged(ground.run(agent, profile))
            expect_equal(run.status, 0, run.tail())
            expect_equal(
                run.out.split("|"), ["220 talker\r\nselect jane.doe@example.com"] + ["ConnectionResetError"] * 2, "what the agent saw")
            expect_equal(talker.heard, [b"select jane.doe@example.com"], "what arrived")
            [(intent, outcome)] = unread(run)
            expect_equal(
                [intent[k] for k in ("host", "method", "port", "rule")], ["db.example", "TCP", 5432, "tcp[0]"], "the intent")
            expect_equal((outcome["bytes_out"], outcome["bytes_in"]), (27, 39), "bytes out and in")
            expect_equal(run.output["egress"]["bytes_out"], 27, "bytes in output.json")
            expect_equal(len(records(run, "connection.refused")), 2, "refused connections")
            expect_equal(verify(run.session)[0], 0, "audit verify")

    @suite.check("a service of the host's loopback, by its one port; all other ports of localhost are the cage's own")
    def localhost():
        with Upstream() as upstream, Ground() as ground, Talker() as talker, Talker() as other:
            profile = granting(upstream, f"      tcp: [{{host: localhost, port: {talker.port}}}]")
            agent = TALK + f'''
mine = socket.create_server(("127.0.0.1", {talker.port}))  # who has the port in the cage gets nothing by it
print(*[talk(host, {talker.port}, b"hello").decode() for host in ("localhost", "127.0.0.1", "::1")], sep="|", end="|")
print(reach("localhost", {other.port}), reach("127.0.0.2", {talker.port}), sep="|", end="")
'''
            run = caged(ground.run(agent, profile))
            expect_equal(
                run.out.split("|"), ["220 talker\r\nhello"] * 3 + ["ConnectionRefusedError"] * 2, f"what the agent saw: {run.tail()}")
            expect_equal((talker.heard, other.heard), ([b"hello"] * 3, []), "what arrived")
            expect_equal([i["host"] for i, _ in unread(run)], ["localhost"] * 3, "intents")

    @suite.check("passthrough: the client sees the host's own certificate; another name in the handshake is refused")
    def passthrough():
        curl = shutil.which("curl")
        if not curl:
            raise Skip("curl is not installed")
        with Upstream() as upstream, Ground() as ground:
            profile = granting(upstream, "      allowlist: [{host: evil.example, tls: passthrough}]")
            ask = [curl, "-sS", "--max-time", "20", "-o", "/dev/null", "-w", "%{http_code} %{ssl_verify_result}", "--cacert", str(upstream.ca)]
            readable = granting_read(profile, upstream)
            run = caged(ground.run([*ask, "https://evil.example/v1/models"], readable))
            expect("0" == run.out.split(" ")[-1], f"the upstream's certificate does not verify: {run.tail()}")
            [(intent, outcome)] = unread(run)
            expect_equal([intent[k] for k in ("host", "method", "rule")], ["evil.example", "TLS", "allowlist[2]"], "the intent")
            expect(outcome["bytes_out"] > 300 and outcome["bytes_in"] > 300, f"bytes: {outcome}")
            other = caged(ground.run(
                [*ask, "--connect-to", "api.openai.com:443:evil.example:443", "https://api.openai.com/v1/models"], readable))
            expect(other.out.startswith("421 ") and not unread(other), f"another name in the handshake: {other.tail()}")
            expect_equal([r["code"] for r in records(other, "request.refused")], ["identity_mismatch"], "on record")


def granting_read(profile, upstream):
    """The same, and the agent may read the upstream's authority."""
    path = upstream.folder / "readable.yaml"
    path.write_text(
        f"apiVersion: akios/v1\nkind: AgentPolicy\nextends: [{profile}]\nspec:\n  sandbox:\n    filesystem: {{read: [{upstream.ca}]}}\n")
    return path
