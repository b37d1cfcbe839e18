"""TLS as agents speak it: each version alone, and sessions resumed by ticket, against egress and by egress against a host."""

import json

from checks import expect, expect_equal
from product import Ground, Upstream, caged

AGENT = '''
import json, socket, ssl
HOST = "api.openai.com"
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]})
HEAD = f"POST /v1/chat/completions HTTP/1.1\\r\\nhost: {HOST}\\r\\ncontent-type: application/json\\r\\nauthorization: Bearer k\\r\\n"
REQUEST = (HEAD + f"connection: close\\r\\ncontent-length: {len(BODY)}\\r\\n\\r\\n{BODY}").encode()

def ask(context, session):
    with socket.create_connection((HOST, 443)) as plain, context.wrap_socket(plain, server_hostname=HOST, session=session) as tls:
        tls.sendall(REQUEST)
        answer = b""
        while part := tls.recv(65536):
            answer += part
        return answer.split()[1].decode(), tls.version(), tls.session_reused, tls.session

for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
    context = ssl.create_default_context()
    context.minimum_version = context.maximum_version = version
    session = None
    for _ in range(2):
        *said, session = ask(context, session)
        print(json.dumps(said))
'''


def register(suite):
    @suite.check("handshakes: TLS 1.2 and 1.3 alone, each resumed by a ticket")
    def tickets():
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(AGENT, upstream.profile()))
            expect_equal(run.status, 0, run.tail())
            said = [json.loads(line) for line in run.out.splitlines()]
            wanted = [["200", version, reused] for version in ("TLSv1.2", "TLSv1.3") for reused in (False, True)]
            expect_equal(said, wanted, "status, version, resumed")
            expect_equal(len(upstream.seen()), 4, "requests that arrived")
            expect(not any(r["kind"] == "connection.refused" for r in run.records), "a handshake was refused")
