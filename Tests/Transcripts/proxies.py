"""The way out by the operator's proxy: asked with a login, refused in words, and the password in nobody's hands but its own."""

import json
import shutil

from checks import Skip, expect, expect_equal
from connectproxy import ConnectProxy
from product import Ground, Upstream, caged

PASSWORD = "correct-horse-battery"
URL = "https://api.openai.com/v1/chat/completions"
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "hello"}]})


def curl():
    path = shutil.which("curl")
    if not path:
        raise Skip("curl is not installed")
    return [path, "-sS", "-m", "20", URL, "-H", "content-type: application/json", "-H", "authorization: Bearer sk-x", "-d", BODY]


def profile(upstream, proxy, user="jane"):
    """A profile whose model host only the proxy can find."""
    secret = upstream.folder / "proxy-password"
    secret.write_text(PASSWORD + "\n")
    secret.chmod(0o644)
    path = upstream.folder / "proxied.yaml"
    path.write_text(f"""apiVersion: akios/v1
kind: AgentPolicy
metadata: {{name: proxied}}
extends: [strict]
spec:
  governance:
    network_access:
      trust: [{upstream.ca}]
      upstream_proxy: {{url: "http://{user}@127.0.0.1:{proxy.port}", password: {{file: {secret}}}}}
""")
    return path


def register(suite):
    @suite.check("proxy: a model call goes through CONNECT with a login, and the log says so")
    def through():
        with Upstream() as upstream, ConnectProxy(upstream.port, f"jane:{PASSWORD}") as proxy, Ground() as ground:
            run = caged(ground.run(curl(), profile(upstream, proxy)))
            expect(run.status == 0 and "you said: hello" in run.out, run.tail())
            expect_equal(proxy.asked, ["CONNECT api.openai.com:443 HTTP/1.1"], "what the proxy was asked")
            outcome = next(r for r in run.records if r["kind"] == "request.outcome")
            expect(outcome["data"].get("via") in ("proxy", "proxy_names"), f"outcome {outcome['data']}")
            expect(PASSWORD not in run.log + run.err + run.out, "the password is shown")
            expect(not any("proxy" in str(r).lower() for r in upstream.seen()), "the host hears of the proxy")

    @suite.check("proxy: a login that it does not take is the operator's matter, in words")
    def refused():
        with Upstream() as upstream, ConnectProxy(upstream.port, f"jane:{PASSWORD}") as proxy, Ground() as ground:
            run = caged(ground.run(curl(), profile(upstream, proxy, user="joe")))
            expect("the operator's upstream proxy does not let this through" in run.out, run.tail())
            expect("does not accept upstream_proxy's login (407)" in run.log, "the log lacks the reason")
            expect_equal(upstream.seen(), [], "requests that arrived")
            expect(PASSWORD not in run.log + run.err + run.out, "the password is shown")

    @suite.check("proxy: a profile with the password in its URL is refused, unread aloud")
    def inline():
        with Upstream() as upstream, ConnectProxy(upstream.port) as proxy, Ground() as ground:
            run = ground.run(["/bin/true"], profile(upstream, proxy, user=f"jane:{PASSWORD}"))
            expect_equal(run.status, 125, run.tail())
            expect("a password does not belong here" in run.err and PASSWORD not in run.err, run.err)
