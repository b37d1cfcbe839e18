"""akios-http as a sender of its own, and `akios http` through a cage."""

import http.server
import json
import os
import subprocess
import threading

from checks import expect, expect_equal
from product import Ground, Upstream, accept_tier, binary

URL = "https://api.openai.com/v1/chat/completions"
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "mail a.b@corp.example"}]})


class Hook:
    """A webhook's receiver on loopback; use as a context. `seen` has (path, headers, body)."""

    def __init__(self, status=204):
        self.status, self.seen = status, []

    def __enter__(self):
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                outer.seen.append((self.path, dict(self.headers.items()), body))
                self.send_response(outer.status)
                self.send_header("x-note", "kept")
                if outer.status != 204:
                    self.send_header("content-length", "2")
                self.end_headers()
                if outer.status != 204:
                    self.wfile.write(b"no")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()


def send(*words, input=""):
    done = subprocess.run([binary("akios-http"), *words], input=input, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def register(suite):
    @suite.check("akios-http: posts JSON from stdin, exit 0 on 2xx only")
    def webhook():
        with Hook() as hook:
            expect_equal(send("POST", hook.url, input='{"a":1}'), (0, "", "HTTP/1.1 204 No Content\n"), "204")
            path, headers, body = hook.seen[0]
            expect_equal((path, body, headers["content-type"]), ("/hook", b'{"a":1}', "application/json"), "what arrived")
            status, out, err = send("POST", "-", "-i", input=f"{hook.url}?token=hush\n{{}}")
            expect(status == 0 and "x-note: kept" in err and "hush" not in err, err)
            expect_equal(hook.seen[1][0::2], ("/hook?token=hush", b"{}"), "what arrived by the URL of standard input")
        with Hook(500) as hook:
            expect_equal(send("POST", hook.url, "-q", "-d", "x"), (1, "no", ""), "500")
        status, out, err = send("POST", hook.url, input="{}")
        expect(status == 3 and err.startswith("error: no answer from 127.0.0.1"), f"nobody there: {status} {err}")
        status, out, err = send("POST", "https://user:hush@example.com/", input="{}")
        expect(status == 2 and err.startswith("error: the URL is not one") and "hush" not in err, err)

    @suite.check("akios http: a request through a cage is judged, redacted, metered and logged")
    def caged_request():
        with Upstream() as upstream, Ground() as ground:
            def ask(*words, input=""):
                state = {**os.environ, "AKIOS_STATE_DIR": str(ground.folder / "state")}
                line = [binary("akios"), "http", "--profile", str(upstream.profile()), *accept_tier(), *words]
                return subprocess.run(line, cwd=ground.workspace(), env=state, input=input, capture_output=True, text=True, timeout=90)

            done = ask("POST", URL, "-H", "authorization: Bearer sk-x", input=BODY)
            expect_equal((done.returncode, "you said: mail «EMAIL»" in done.stdout), (0, True), done.stdout[-300:] + done.stderr[-300:])
            expect("HTTP/1.1 200 OK\n" in done.stderr, done.stderr)
            expect_equal([r["path"] for r in upstream.seen()], ["/v1/chat/completions"], "what arrived")
            refused = ask("GET", "https://evil.example/x", "--quiet")
            expect(refused.returncode == 1 and "not allowed" in refused.stdout and refused.stderr == "", refused.stdout + refused.stderr)
            expect_equal(len(upstream.seen()), 1, "requests that arrived")
