"""Real clients, unchanged, through the cage: each must trust the session's authority by whatever it consults, and be heard."""

import json
import pathlib
import shutil

from checks import Skip, expect, expect_equal
from product import PYTHON, ROOT, Ground, Upstream, caged

VENV = ROOT / ".build-venv/bin/python3"
URL = "https://api.openai.com/v1/chat/completions"
BODY = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "mail a.b@corp.example"}]})

URLLIB = f'''
import urllib.request
r = urllib.request.Request("{URL}", {BODY!r}.encode(), {{"content-type": "application/json", "authorization": "Bearer sk-x"}})
print(urllib.request.urlopen(r, timeout=20).read().decode())
'''
REQUESTS = f'''
import requests
print(requests.post("{URL}", data={BODY!r}, headers={{"content-type": "application/json", "authorization": "Bearer sk-x"}}, timeout=20).text)
'''
OPENAI = '''
from openai import OpenAI
c = OpenAI(api_key="sk-x")
m = [{"role": "user", "content": "mail a.b@corp.example"}]
print(c.chat.completions.create(model="gpt-4o-mini", messages=m).choices[0].message.content)
chunks = list(c.chat.completions.create(model="gpt-4o-mini", messages=m, stream=True))
print("".join(x.choices[0].delta.content or "" for x in chunks if x.choices))
print("injected usage is not shown:", all(x.choices and x.usage is None for x in chunks))
'''
ANTHROPIC = '''
from anthropic import Anthropic
c = Anthropic(api_key="sk-ant-x")
m = [{"role": "user", "content": "mail a.b@corp.example"}]
print(c.messages.create(model="claude-sonnet-4-5", max_tokens=20, messages=m).content[0].text)
with c.messages.stream(model="claude-sonnet-4-5", max_tokens=20, messages=m) as s:
    print("".join(s.text_stream))
    print("output tokens:", s.get_final_message().usage.output_tokens)
'''
NODE = f'''
fetch("{URL}", {{method: "POST", body: {json.dumps(BODY)}, headers: {{"content-type": "application/json", "authorization": "Bearer sk-x"}}}})
  .then(async r => console.log(await r.text())).catch(e => {{ console.error(e, e.cause); process.exit(1) }})
'''


def tool(name):
    path = shutil.which(name)
    if not path:
        raise Skip(f"{name} is not installed")
    return path


def library(name):
    if not VENV.exists():
        raise Skip("no .build-venv (make deps)")
    if not any(VENV.parent.parent.glob(f"lib/python3*/site-packages/{name}")):
        raise Skip(f"no {name} in .build-venv (make deps)")
    return str(VENV)


def heard(agent, answers=1, version="HTTP/1.1"):
    """Runs the client; the answer must be the upstream's echo, with the address redacted on the way out."""
    with Upstream() as upstream, Ground() as ground:
        run = caged(ground.run(agent, upstream.profile()))
        expect_equal(run.status, 0, run.tail())
        expect(run.out.count("you said: mail «EMAIL»") == answers, run.tail())
        expect_equal(len(upstream.seen()), answers, "requests that arrived")
        expect_equal({r["version"] for r in upstream.seen()}, {version}, "the upstream's protocol")
        expect(not any("a.b@corp" in r["body"] for r in upstream.seen()), "the address left the cage")
        expect_equal(run.output["cost"]["tokens_output"], 20 * answers, "metered output tokens")
        return run


def register(suite):
    curl = ["-sS", URL, "-H", "content-type: application/json", "-H", "authorization: Bearer sk-x", "-d", BODY]

    @suite.check("client curl over HTTP/1.1")
    def curl_http1():
        heard([tool("curl"), "--http1.1", *curl])

    @suite.check("client curl over HTTP/2, on both sides")
    def curl_http2():
        heard([tool("curl"), "--http2", *curl], version="HTTP/2.0")

    @suite.check("client curl, with a compressed request body")
    def curl_compressed():
        pack = 'printf %s "$1" | gzip -c | exec curl -sS "$2" -H "content-encoding: gzip" -H "content-type: application/json" '
        pack += '-H "authorization: Bearer sk-x" --data-binary @-'
        tool("curl")
        heard(["/bin/sh", "-c", pack, "sh", BODY, URL], version="HTTP/2.0")

    @suite.check("client Python urllib")
    def urllib():
        heard([PYTHON, "-c", URLLIB])

    @suite.check("client Python requests, which brings its own roots")
    def requests():
        heard([library("requests"), "-c", REQUESTS])

    @suite.check("client openai, plain and streamed; the usage we asked for is not shown")
    def openai():
        run = heard([library("openai"), "-c", OPENAI], answers=2)
        expect("not shown: True" in run.out, run.tail())

    @suite.check("client anthropic, plain and streamed; cumulative usage is not added up")
    def anthropic():
        run = heard([library("anthropic"), "-c", ANTHROPIC], answers=2)
        expect("output tokens: 20" in run.out, run.tail())

    @suite.check("client Node fetch")
    def node():
        heard([tool("node"), "-e", NODE])

    @suite.check("client git")
    def git():
        with Upstream(flags=["--hosts", "git.example"]) as upstream, Ground() as ground:
            text = upstream.profile().read_text()
            text = text.replace("      allowlist:\n", "      allowlist:\n        - {host: git.example}\n")
            text = text.replace("      resolve:\n", f"      resolve:\n        git.example: 127.0.0.1:{upstream.port}\n")
            profile = pathlib.Path(upstream.folder, "git.yaml")
            profile.write_text(text)
            run = caged(ground.run([tool("git"), "ls-remote", "https://git.example/repo"], profile))
            # The upstream is no git server; that it was asked at all shows that git trusted what it met.
            paths = [r["path"] for r in upstream.seen()]
            expect(paths[:1] == ["/repo/info/refs?service=git-upload-pack"], f"asked for {paths}; {run.tail()}")
