"""Where a key comes from, where it lies, and where it does not: the operator's files, variables, commands and systemd's folder
on one side; the cage, the log, the processes' memory on the other."""

import os
import pathlib
import re

from accounts import UID, account, as_user, project
from checks import Skip, expect, expect_equal
from product import Ground, Upstream, caged

SECRET = "sk-real-" + "Zq7" * 14
# Prints what the agent can see of itself and others, then asks the model with the key that it holds.
AGENT = """
import glob, json, os, ssl, sys, urllib.request
for path in glob.glob("/proc/*/environ") + glob.glob("/proc/*/cmdline"):
    try: sys.stdout.write(repr(open(path, "rb").read()))
    except OSError: pass
def ask(url, headers):
    body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "hi"}]}).encode()
    try: return urllib.request.urlopen(urllib.request.Request(url, body, {"content-type": "application/json", **headers})).status
    except urllib.error.HTTPError as error: return f"{error.code} {error.read().decode()}"
key = os.environ.get("OPENAI_API_KEY", "none")
print("\\nshape", key[:8], len(key))
"""
ASKS = AGENT + """
print("own host", ask("https://api.openai.com/v1/chat/completions", {"authorization": "Bearer " + key}))
print("wrong host", ask("https://api.anthropic.com/v1/messages", {"x-api-key": key}))
print("wrong place", ask("https://api.openai.com/v1/chat/completions", {"user-agent": key}))
print("foreign", ask("https://api.openai.com/v1/chat/completions", {"authorization": "Bearer sk-foreign"}))
"""
WAITS = AGENT + """
print("ready", flush=True)
sys.stdin.readline()
"""


def credential(source, more=""):
    return f"    credentials: [{{env: OPENAI_API_KEY, from: {source}, hosts: [api.openai.com]{more}}}]\n"


def sources(ground):
    """Every source, as (title, `from`, environment)."""
    file = ground.folder / "key"
    file.write_text(SECRET + "\n")
    file.chmod(0o600)
    folder = ground.folder / "credentials"
    folder.mkdir(mode=0o700)
    (folder / "openai").write_text(SECRET)
    (folder / "openai").chmod(0o400)
    return [
        ("file", f"{{file: {file}}}", {}),
        ("env", "{env: MINE}", {"MINE": SECRET}),
        ("systemd", "{systemd: openai}", {"CREDENTIALS_DIRECTORY": str(folder)}),
        ("command", f"{{command: [cat, {file}]}}", {}),
    ]


def logins(seen):
    return [{name.lower(): value for name, value in r["headers"]}.get("authorization") for r in seen]


def memory(pid):
    """What is mapped and written in a process, as (mapping's line, bytes)."""
    with open(f"/proc/{pid}/maps") as maps, open(f"/proc/{pid}/mem", "rb", 0) as mem:
        for line in maps:
            found = re.match(r"([0-9a-f]+)-([0-9a-f]+) (r\S+)", line)
            if not found or "[v" in line:
                continue
            start, end = int(found[1], 16), int(found[2], 16)
            try:
                mem.seek(start)
                yield line.strip(), mem.read(end - start)
            except OSError:
                continue


def holders(pid, words):
    return [line for line, held in memory(pid) if any(word in held for word in words)]


def children(pid):
    return [int(child) for task in pathlib.Path(f"/proc/{pid}/task").iterdir() for child in (task / "children").read_text().split()]


def name(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def register(suite):
    @suite.check("credentials: from a file, a variable, systemd and a command; on their own host and place only")
    def asked():
        with Upstream() as upstream, Ground() as ground:
            for title, source, environment in sources(ground):
                before = len(upstream.seen())
                run = caged(ground.run(ASKS, upstream.profile(governance=credential(source)), env=environment))
                expect_equal(run.status, 0, f"{title}: {run.tail()}")
                expect("shape sk-proj- 56" in run.out, f"{title}: {run.tail()}")
                expect("own host 200" in run.out, f"{title}: {run.tail()}")
                expect("wrong host 403" in run.out and "not for this host" in run.out, f"{title}: {run.tail()}")
                expect("wrong place 400" in run.out and "where none belongs" in run.out, f"{title}: {run.tail()}")
                expect("foreign 400" in run.out, f"{title}: {run.tail()}")
                seen = upstream.seen()[before:]
                expect_equal(logins(seen), [f"Bearer {SECRET}"], title)
                everything = run.out + run.err + "".join(
                    path.read_text(errors="replace") for path in run.session.rglob("*") if path.is_file())
                expect(SECRET not in everything, f"{title}: the key is in the output, the log or the cage's /proc")
                intent, = (r["data"] for r in run.records if r["kind"] == "request.intent")
                expect_equal(intent["credential"], "OPENAI_API_KEY", title)
                refused = [r["data"] for r in run.records if r["kind"] == "request.refused"]
                expect_equal({r["code"] for r in refused}, {"foreign_key"}, title)
                expect("credentials.OPENAI_API_KEY" in {r.get("rule") for r in refused}, f"{title}: {refused}")

    @suite.check("credentials: nobody but egress holds the key, and egress in its locked pages alone")
    def held():
        if os.geteuid() != 0:
            raise Skip("reading the memory of others needs root")
        with Upstream() as upstream, Ground() as ground:
            for title, source, environment in sources(ground):
                profile = upstream.profile(governance=credential(source))
                with ground.start(WAITS, profile, env=environment) as live:
                    live.wait_for("ready")
                    words = [SECRET.encode(), SECRET[9:].encode()]
                    supervisor = live.pid
                    expect(sum(len(held) for _, held in memory(supervisor)) > 1 << 20, "the probe reads nothing")
                    expect_equal(holders(supervisor, words), [], f"{title}: akios-exec")
                    for path in ("environ", "cmdline"):
                        for pid in (supervisor, *children(supervisor)):
                            expect(SECRET.encode() not in pathlib.Path(f"/proc/{pid}/{path}").read_bytes(), f"{title}: {name(pid)}'s {path}")
                    for pid in children(supervisor):
                        found = holders(pid, words)
                        if name(pid) != "akios-egress":
                            expect_equal(found, [], f"{title}: {name(pid)}")
                            continue
                        expect(any("akios-secrets" in line for line in found), f"{title}: egress holds it nowhere: {found}")
                        smaps = pathlib.Path(f"/proc/{pid}/smaps").read_text()
                        for line in found:
                            flags = re.search(re.escape(line.split()[0]) + r".*?VmFlags: ([^\n]*)", smaps, re.S)[1].split()
                            expect({"lo", "dd"} <= set(flags), f"{title}: egress holds it in {line}: {flags}")
                        status = pathlib.Path(f"/proc/{pid}/status").read_text()
                        expect(int(re.search(r"VmLck:\s+(\d+)", status)[1]) >= 32, "nothing is locked")
                    run = live.finish(b"\n")
                    expect_equal(run.status, 0, run.tail())

    @suite.check("credentials: a command that fails ends the start in its own words; an optional one is recorded")
    def failed():
        with Upstream() as upstream, Ground() as ground:
            failing = "{command: [sh, -c, 'echo sk-half; echo locked >&2; exit 4']}"
            run = ground.run(AGENT, upstream.profile(governance=credential(failing)))
            expect_equal(run.status, 125, run.tail())
            expect("error: credential OPENAI_API_KEY: the command sh exited with 4\nhint: sh says: locked\n" in run.err, run.err)
            expect("sk-half" not in run.err, run.err)
            run = caged(ground.run(ASKS, upstream.profile(governance=credential(failing, ", optional: true"))))
            expect("own host 400" in run.out and "this credential is not configured" in run.out, run.tail())
            expect_equal(logins(upstream.seen()), ["Bearer sk-foreign"], "what left")

    @suite.check("credentials: by sudo, the caller's command runs as the caller and cannot read root's files")
    def by_sudo():
        with Upstream() as upstream, Ground() as ground, account(ground) as home:
            work = project(home)
            roots = ground.folder / "roots-key"
            roots.write_text(SECRET)
            roots.chmod(0o600)

            def run(source):
                return ground.run(
                    ASKS, upstream.profile(governance=credential(source)), options=["--quiet"], workspace=work,
                    wrap=as_user("sudo", "-n"), stored="/var/lib/akios")

            done = caged(run("{command: [sh, -c, 'echo sk-caller-$(id -u)-$(id -G | tr \" \" _)-$HOME']}"))
            expect_equal(logins(upstream.seen()), [f"Bearer sk-caller-{UID}-{UID}-{home}"], done.tail())
            for source in (f"{{command: [cat, {roots}]}}", f"{{file: {roots}}}"):
                done = run(source)
                expect_equal(done.status, 125, done.tail())
                expect("Permission denied" in done.err and SECRET not in done.err, done.err)

    @suite.check("credentials: half an AWS key, and a place where there is one, are errors of the profile")
    def malformed():
        with Upstream() as upstream, Ground() as ground:
            for entry, words in [
                ("{env: AWS_ACCESS_KEY_ID, from: {env: A}, hosts: [a.example]}", "has no 'AWS_SECRET_ACCESS_KEY' for the same hosts"),
                ("{env: A, from: {env: A, command: [x]}, hosts: [a.example]}", "needs one of"),
                ("{env: A, from: {command: [./x]}, hosts: [a.example]}", "a bare name or an absolute path"),
                ("{env: A, from: {env: A}, hosts: [a.example], header: X-A, query: a}", "has a place already"),
            ]:
                run = ground.run(AGENT, upstream.profile(governance=f"    credentials: [{entry}]\n"))
                expect_equal(run.status, 125, run.tail())
                expect(words in run.err, run.err)
