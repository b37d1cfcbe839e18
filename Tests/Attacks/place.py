"""Everything that a probe needs, and its two runs: in the arena, and in a cage in the arena."""

import json
import os
import pathlib
import subprocess

from product import PYTHON
from resolver import ZONE

PRELUDE = (pathlib.Path(__file__).parent / "prelude.py").read_text()
# What a caller has and an agent must not get.
SECRETS = {
    "AWS_SECRET_ACCESS_KEY": "canary", "NPM_TOKEN": "canary", "SSH_AUTH_SOCK": "/run/agent.sock", "DOCKER_HOST": "unix:///run/docker.sock"}
GROUPS = [4242] if pathlib.Path("/proc/self/setgroups").read_text().strip() == "allow" else None
RULES = [f"{{host: {host}, methods: [POST], paths: ['/v1/**']}}" for host in ("api.openai.com", "api.anthropic.com")]
RULES += ["{host: gullible.example, methods: [GET, POST], paths: [/open, '/open/**']}"]
RULES += [f"{{host: {name}.example, paths: [/open]}}" for name in ZONE]
GRANTED = f"allowlist: [{', '.join(RULES)}]"
PROFILE = """apiVersion: akios/v1
kind: AgentPolicy
metadata: {{name: {name}}}
extends: [{base}]
spec:
  sandbox:
    environment: {{set: {{RANGE: "1"}}}}
  governance:
{governance}
    network_access:
      {grants}
      resolve: {{api.openai.com: "127.0.0.1:443", api.anthropic.com: "127.0.0.1:443", evil.example: "127.0.0.1:443", gullible.example: "127.0.0.2:443"}}
      trust: [{roots}]
      # Raw endpoints, so that the same port of another host and another port of the same host have something to be compared with.
      tcp: [{{host: db.example, port: 8443}}, {{host: localhost, port: 7778}}]
"""


class Range:
    """Everything a probe needs: the arena, an upstream at 127.0.0.1:443 in it, a profile, a folder of canaries."""

    def __init__(self, ground, arena, upstream):
        self.ground, self.arena, self.upstream = ground, arena, upstream
        self.roots = ground.folder / "roots.pem"
        self.roots.write_text(upstream.ca.read_text() + arena.gullible.certificate.read_text())
        self.granted = GRANTED
        self.profile = self.written("range", GRANTED)
        self.home = ground.folder / "home"
        (self.home / ".ssh").mkdir(parents=True)
        (self.home / ".ssh/id_ed25519").write_text("canary key\n")
        (self.home / ".bashrc").write_text("# canary\n")
        self.canary = ground.folder / "canary"
        self.canary.write_text("canary secret\n")

    def written(self, name, grants, governance=""):
        """A profile whose `network_access` has the line `grants`, and its `governance` the lines `governance`."""
        path = self.ground.folder / f"{name}.yaml"
        base = "strict" if grants == GRANTED else "base"
        path.write_text(PROFILE.format(name=name, base=base, grants=grants, governance=governance, roots=self.roots))
        return path

    def workspace(self):
        """A workspace as agents find it: a repository, a secret, a Unix socket that somebody left."""
        path = self.ground.workspace()
        (path / ".git/hooks").mkdir(parents=True)
        (path / ".git/config").write_text("[core]\n")
        (path / ".env").write_text("canary secret\n")
        self.arena.listen_in(path)
        return path

    def source(self, probe):
        return f"{PRELUDE}\n{probe.code}\nrun(attack)\n"

    def facts(self, victim, session, descriptor):
        return json.dumps({"home": str(self.home), "victim": victim, "session": str(session), "fd": descriptor})

    def outside(self, probe):
        """Runs the probe in the arena, without a cage."""
        workspace, victim = self.workspace(), self.arena.victim()
        session = self.ground.new_session()
        session.mkdir()
        with open(self.canary) as canary:
            done = subprocess.run(
                [PYTHON, "-c", self.source(probe), self.facts(victim.pid, session, canary.fileno())], cwd=workspace, text=True,
                capture_output=True, timeout=60, pass_fds=[canary.fileno()], extra_groups=GROUPS,
                env={**os.environ, **SECRETS, "HOME": str(self.home), "SSL_CERT_FILE": str(self.roots)})
        self.clear(victim)
        return answer(done.stdout), done.stderr

    def bare(self, code, workspace):
        """Runs a program in the arena, without a cage; what it printed."""
        done = subprocess.run(
            [PYTHON, "-c", code], cwd=workspace, text=True, capture_output=True, timeout=60,
            env={**os.environ, "HOME": str(self.home), "SSL_CERT_FILE": str(self.roots)})
        return done.stdout

    def inside(self, probe):
        """Runs the probe in a cage in the arena: (answer, run, traces that must not be there)."""
        workspace, victim = self.workspace(), self.arena.victim()
        session = self.ground.folder / f"session{self.ground.count + 1}"
        profile = self.written(probe.name, probe.grants) if probe.grants else self.profile
        _, before = self.arena.traces()
        seen = len(self.upstream.seen())
        with open(self.canary) as canary:
            agent = [PYTHON, "-c", self.source(probe), self.facts(victim.pid, session, canary.fileno())]
            run = self.ground.run(
                agent, profile, workspace=workspace, env={**SECRETS, "HOME": str(self.home)}, pass_fds=[canary.fileno()], extra_groups=GROUPS)
        traces, _ = self.arena.traces(before)
        traces += [f"upstream received {r['host']}{r['path']}" for r in self.upstream.seen()[seen:]]
        traces += [f"{p.name} has a set-id bit" for p in workspace.rglob("*") if p.lstat().st_mode & 0o6000]
        traces += [f"{p} was made" for p in (workspace / ".git/hooks").glob("*")]
        if (workspace / ".git/config").read_text() != "[core]\n":
            traces.append(".git/config was changed")
        if victim.poll() is not None:
            traces.append("the victim is dead")
        traces += self.clear(victim)
        return answer(run.out), run, [trace for trace in traces if trace != probe.allowed]

    def clear(self, victim):
        victim.kill()
        victim.wait()
        traces, mark, start = [], pathlib.Path("/media/akios-mark"), self.home / ".bashrc"
        if mark.exists():
            mark.unlink()
            traces.append("a file was written outside")
        if start.read_text() != "# canary\n":
            start.write_text("# canary\n")
            traces.append("the caller's .bashrc was changed")
        return traces


def answer(out):
    """The probe's last word: `GOT loot`, or `NO reason`."""
    lines = [line for line in out.splitlines() if line.startswith(("GOT ", "NO "))]
    return lines[-1] if lines else f"nothing: {out[-200:]}"
