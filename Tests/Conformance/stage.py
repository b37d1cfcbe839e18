"""What every client is put through: its profile, its model's script, and what must hold after a turn, a refusal, a budget's end."""

import json
import pathlib

from checks import Skip, expect, expect_equal
from product import ROOT, Ground, Upstream, caged

VENV = ROOT / ".build-venv-conformance"
AGENTS = ROOT / ".build-venv-agents"
# What the other suites use, too.
TRUST = ROOT / ".build-venv"
KEY = "sk-conform-0123456789abcdefghijklmnopqrstuvwxyz0123456789"
# The prompt says it, the command's words do not: only a tool that ran makes the second.
ASK = "Quokka: mail a.b@corp.example"
COMMAND = "echo wombat-$((6*7))"
RESULT = "wombat-42"
ANSWER = ["The tool said ", "wom", "bat-42; write to carol.jo", "nes@corp.example"]
HEARD = "The tool said wombat-42; write to «EMAIL»"
SENTENCE = "akios-exec: "
# A host that no profile here names.
ELSEWHERE = "models.elsewhere.example"


def python(module, venv=VENV):
    """The interpreter of the clients' environment, which has `module`."""
    path = venv / "bin/python3"
    if not any(venv.glob(f"lib/python3*/site-packages/{module}")):
        raise Skip(f"no {module} in {venv.name} (make conformance)")
    return str(path)


def script(tool, arguments, marker=RESULT):
    """A model that calls `tool` when asked, tells its result, and says yes to everything else."""
    return [
        {"match": marker, "pieces": ANSWER, "usage": [300, 40]},
        {"match": "Quokka", "tool": {"name": tool, "arguments": json.dumps(arguments)}, "usage": [200, 30]},
        {"reply": "yes", "usage": [20, 2]},
    ]


class Stage:
    """An upstream that answers by `answers` for `hosts`, and runs of one client against it. Use as a context."""

    def __init__(self, answers, hosts, base="standard"):
        self.hosts, self.base = hosts, base
        self.upstream = Upstream(script=answers, flags=["--hosts", *hosts])
        self.ground = Ground()

    def __enter__(self):
        self.upstream.__enter__()
        return self

    def __exit__(self, *_):
        self.ground.__exit__()
        self.upstream.__exit__()

    def profile(self, governance="", variables=None):
        path = self.upstream.folder / "conform.yaml"
        resolve = "\n".join(f"        {host}: 127.0.0.1:{self.upstream.port}" for host in self.hosts)
        path.write_text(
            f"""apiVersion: akios/v1
kind: AgentPolicy
metadata: {{name: conform}}
extends: [{self.base}]
spec:
  sandbox: {{environment: {{set: {json.dumps({"CONFORM": "1", **(variables or {})})}}}}}
  governance:
{governance}
    network_access:
      resolve:
{resolve}
      trust: [{self.upstream.ca}]
""")
        return path

    def run(self, agent, governance="", variables=None, env=None, files=None, timeout=90):
        """`variables` are those of the cage, `env` those of the caller."""
        self.work = work = self.ground.workspace()
        for name, text in (files or {}).items():
            target = pathlib.Path(work, name)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        keys = {name: KEY for name in ("OPENAI_API_KEY", "ANTHROPIC_API_KEY")}
        run = self.ground.run(
            agent, self.profile(governance, variables), options=["--accept-tier", "strong"], workspace=work,
            env={**keys, **(env or {})}, timeout=timeout)
        return caged(run)

    def asked(self):
        """The bodies of the requests that asked the model what the prompt asks, in order."""
        return [r for r in self.upstream.seen() if "Quokka" in r["body"]]


def refusals(run, host, path):
    """Refused posts to an endpoint, as the log has them."""
    told = [r["data"] for r in run.records if r["kind"] == "request.refused"]
    return [r for r in told if (r["host"], r["method"]) == (host, "POST") and r["path"].startswith(path)]


def check_turn(stage, run, header, value=KEY):
    """The tool ran, its result went up and the answer came down, redacted both ways, metered, under the broker's key in `header`
    (or in one of several)."""
    expect_equal(run.status, 0, run.tail())
    expect(HEARD in run.out, "the answer was not heard: " + run.tail())
    asked = stage.asked()
    told = [r for r in asked if RESULT in r["body"]]
    # One more than needed: a CLI may have the prompt made into a title.
    expect(len(told) == 1 and len(asked) <= 3, f"{len(asked)} requests asked, {len(told)} told: {[r['body'][-200:] for r in asked]}")
    expect(not any("a.b@corp" in r["body"] or "carol" in r["body"] for r in stage.upstream.seen()), "an address left the cage")
    keys = {v.removeprefix("Bearer ") for r in asked for n, v in r["headers"] if n.lower() in header.split()}
    expect_equal(keys, {value}, f"{header} at the upstream")
    expect(run.output["cost"]["tokens_output"] >= 70, f"metered {run.output['cost']}")
    return f"{asked[0]['version']}, {len(stage.upstream.seen())} requests"


def check_refusal(run, host, path, limit=1):
    """The client shows our sentence and asked no more than `limit` times."""
    expect(run.status not in (120, 124, 137), run.tail())
    expect(SENTENCE in run.out + run.err, "no sentence: " + run.tail())
    told = refusals(run, host, path)
    expect(0 < len(told) <= limit, f"{len(told)} refusals of {host}{path}: {told[:3]}")
    return f"{len(told)} request{'s' if len(told) > 1 else ''}, exit {run.status}"


def check_elsewhere(stage, run):
    """The user read of the host and the profile, the client asked once, and nobody else heard of it."""
    said = check_refusal(run, ELSEWHERE, "/")
    expect(ELSEWHERE in run.out + run.err and "conform" in run.out + run.err, "host or profile not named: " + run.tail())
    expect(not stage.upstream.seen(), "somebody was asked")
    return said


def check_budget(stage, run):
    """The run ended by its budget, whose words the client printed."""
    expect_equal(run.status, 120, run.tail())
    expect("budget" in run.out + run.err, "no word of the budget: " + run.tail())
    expect(len(stage.asked()) >= 1, "no request went before the budget's end")
    return f"{len(stage.asked())} requests asked"
