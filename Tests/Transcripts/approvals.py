"""Approvals: a request waits for an operator, who says yes, no, or nothing; who may say it; and what the agent can do about it."""

import json
import os
import pathlib
import pty
import re
import select
import signal
import subprocess
import time

import observe
from accounts import CONFINED, UID, account, as_user, project
from checks import Skip, expect, expect_equal
from product import STATE, Ground, Upstream, akios, binary, caged, state_variables, verify

ASK = "    approvals: {ask_at: medium, timeout: %s}"
# Each line of standard input is a request; says what came back.
CLIENT = r'''
import http.client, json, ssl, sys, urllib.error, urllib.request
def ask(path, type="application/json", text="x"):
    body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": text}]}).encode()
    request = urllib.request.Request("https://api.openai.com" + path, body, {"content-type": type, "authorization": "Bearer sk-test"})
    try: return urllib.request.urlopen(request, timeout=60).status, ""
    except urllib.error.HTTPError as error: return error.code, error.read().decode()
print("ready", flush=True)
for line in sys.stdin:
    print("answer", *ask(*json.loads(line)), flush=True)
'''
CHAT = "/v1/chat/completions"


def listed(*words, env=None, count=1):
    """`akios approvals --json` once `count` requests wait."""
    for _ in range(400):
        done = akios("approvals", *words, "--json", env=env)
        expect_equal(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        if len(found) == count:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{count} requests never waited: {found}")


def decisions(run):
    return [(r["data"]["decision"], r["data"].get("uid"), r["data"].get("scope")) for r in run.records if r["kind"] == "approval.decided"]


def register(suite):
    @suite.check("a request waits unsent until it is approved, for this one request; a no is told in the provider's shape")
    def answered():
        with Upstream() as upstream, Ground() as ground:
            with ground.start(CLIENT, upstream.profile(governance=ASK % "60s")) as live:
                live.wait_for("ready")
                live.say(json.dumps([CHAT]) + "\n")
                (question,) = listed()
                expect_equal(upstream.seen(), [], "sent before anybody said yes")
                expect_equal(
                    (question["method"], question["host"], question["path"], question["risk"]), ("POST", "api.openai.com", CHAT, "medium"), "shown")
                text = akios("approvals").stdout
                expect(question["id"] in text and CHAT in text and question["digest"][12:24] in text, f"the list: {text}")
                done = akios("approvals", "approve", question["id"])
                expect_equal((done.returncode, done.stdout), (0, f"approved {question['id']}\n"), done.stderr)
                live.wait_for("answer 200")
                again = akios("approvals", "approve", question["id"])
                expect(again.returncode == 4 and "does not wait any more" in again.stderr, f"approved twice: {again}")
                # The very same request is another question.
                live.say(json.dumps([CHAT]) + "\n")
                (same,) = listed()
                expect(same["id"] != question["id"] and same["digest"] == question["digest"], f"{question} {same}")
                expect_equal(akios("approvals", "deny", same["id"]).returncode, 0, "deny")
                live.wait_for("answer 400")
                # For the session: whatever the body.
                live.say(json.dumps([CHAT, "application/json", "y"]) + "\n")
                (other,) = listed()
                expect(other["digest"] != question["digest"], "another body, the same digest")
                expect_equal(akios("approvals", "approve", other["id"], "--session").returncode, 0, "approve --session")
                live.say(json.dumps([CHAT, "application/json", "z"]) + "\n")
                run = caged(live.finish())
            expect_equal(run.out.count("answer 200"), 3, run.tail())
            expect("the operator denied this request" in run.out and "akios_approval_denied" in run.out, run.out)
            expect_equal(len(upstream.seen()), 3, "requests that left")
            mine = os.getuid()
            expect_equal(
                decisions(run),
                [("approved", mine, None), ("denied", mine, None), ("approved", mine, "session"), ("approved", mine, "session")], "decisions on record")
            kinds = [r["kind"] for r in run.records]
            expect(kinds.index("approval.requested") < kinds.index("approval.decided") < kinds.index("request.intent"), f"order: {kinds}")
            expect_equal(verify(run.session)[0], 0, "audit verify")
            expect_equal(list((STATE / "run").iterdir()), [], "left in the run folder")

    @suite.check("nobody answers: denied when the time is over; who hangs up is not asked for any more")
    def silence():
        with Upstream() as upstream, Ground() as ground:
            with ground.start(CLIENT, upstream.profile(governance=ASK % "1s")) as live:
                live.wait_for("ready")
                live.say(json.dumps([CHAT]) + "\n")
                run = caged(live.finish())
            expect("answer 400" in run.out and "nobody answered in time" in run.out, run.tail())
            expect_equal((upstream.seen(), decisions(run)), ([], [("expired", None, None)]), "timeout")
            impatient = "import subprocess, sys; sys.exit(subprocess.call(['curl', '-sS', '-m', '1', 'https://api.openai.com/v1/models', '-d', '{}', '-H', 'content-type: application/json']) != 28)"
            governance = ASK % "60s"
            profile = upstream.profile(governance=governance).read_text().replace(
                'host: api.openai.com, methods: [POST], paths: ["/v1/**"]', 'host: files.example, methods: [POST]').replace(
                "resolve:", f"resolve:\n        files.example: 127.0.0.1:{upstream.port}")
            path = ground.folder / "impatient.yaml"
            path.write_text(profile)
            run = caged(ground.run(impatient.replace("api.openai.com", "files.example"), path))
            expect_equal((run.status, decisions(run)), (0, [("withdrawn", None, None)]), run.tail())

    @suite.check("a no that stops the session: 122, and the reason")
    def stops():
        with Upstream() as upstream, Ground() as ground:
            with ground.start(CLIENT + "\nimport time; time.sleep(60)", upstream.profile(governance=ASK % "60s")) as live:
                live.wait_for("ready")
                live.say(json.dumps([CHAT]) + "\n")
                (question,) = listed("latest")
                expect_equal(akios("approvals", "deny", question["id"], "--stop").returncode, 0, "deny --stop")
                run = caged(live.finish())
            expect_equal((run.status, run.output["exit"]["by"], run.output["exit"]["reason"]), (122, "akios", "approval"), run.tail())
            expect_equal(verify(run.session)[0], 0, "audit verify")

    @suite.check("--watch asks on a terminal, shows nothing that steers it, and takes one line for one request")
    def watched():
        with Upstream() as upstream, Ground() as ground:
            pid, terminal = pty.fork()
            if pid == 0:
                os.execv(binary("akios"), ["akios", "approvals", "--watch"])
            heard = b""

            def hear(marker):
                nonlocal heard
                end = time.monotonic() + 30
                while marker not in heard:
                    ready, _, _ = select.select([terminal], [], [], max(0.0, end - time.monotonic()))
                    expect(ready, f"{marker} never came: {heard[-400:]}")
                    heard += os.read(terminal, 65536)

            try:
                with ground.start(CLIENT, upstream.profile(governance=ASK % "60s")) as live:
                    live.wait_for("ready")
                    live.say(json.dumps([CHAT + "?a=%1b%5b2J"]) + "\n")
                    hear(b"[n]o: ")
                    os.write(terminal, b"maybe\n")
                    hear(b"maybe\r\n    let it go out?")
                    expect_equal(upstream.seen(), [], "sent for a word that is none")
                    os.write(terminal, b"y\ny\n")
                    live.wait_for("answer 200")
                    hear(b" approved")
                    live.say(json.dumps([CHAT]) + "\n")
                    time.sleep(0.5)
                    hear(b"-2  POST")
                    expect_equal(len(upstream.seen()), 1, "what was typed ahead was taken for an answer")
                    os.write(terminal, b"n\n")
                    live.wait_for("answer 400")
                    run = caged(live.finish())
            finally:
                os.kill(pid, signal.SIGTERM)
                os.waitpid(pid, 0)
                os.close(terminal)
            odd = re.findall(rb"[^\x20-\x7e\r\n]", heard)
            expect(not odd, f"control bytes on the terminal: {odd} in {heard!r}")
            expect_equal([d[0] for d in decisions(run)], ["approved", "denied"], "decisions")

    @suite.check("who may answer: the user whose session it is and root; for the agent there is no socket at all")
    def peers():
        if os.geteuid() != 0:
            raise Skip("needs root to be several users")
        probe = r'''
import os, sys
found = []
for top, folders, files in os.walk("/"):
    if top.startswith(("/proc", "/sys")): folders.clear(); continue
    found += [os.path.join(top, f) for f in files if f == "control.sock"]
print("sockets", found, flush=True)
''' + CLIENT
        with Upstream() as upstream, Ground() as ground:
            work = ground.workspace()
            ground.folder.chmod(0o777)
            # In the agent's own workspace: the worst place it can be put.
            env = {"AKIOS_RUN_DIR": str(work / "run")}
            with ground.start(probe, upstream.profile(governance=ASK % "60s"), workspace=work, env=env) as live:
                live.wait_for("ready")
                live.say(json.dumps([CHAT]) + "\n")
                (question,) = listed(env=env)
                (socket,) = (work / "run").glob("*/control.sock")
                expect_equal(oct(socket.stat().st_mode & 0o777), "0o600", "mode of the socket")
                other = ["setpriv", "--reuid=4343", "--regid=4343", "--clear-groups"]
                done = akios("approvals", "approve", question["id"], env=env, wrap=other)
                expect_equal(done.returncode, 4, f"another user: {done}")
                # Not by the file's mode alone: the kernel says who connects.
                for path in (work, work / "run", socket.parent, socket):
                    path.chmod(0o777)
                done = akios("approvals", "approve", question["id"], env=env, wrap=other)
                expect(done.returncode == 4 and "no permission to speak to this session" in done.stderr, f"another user: {done}")
                expect_equal(upstream.seen(), [], "another user's word was taken")
                expect_equal(akios("approvals", "approve", question["id"], env=env).returncode, 0, "root")
                run = caged(live.finish())
            expect("sockets []" in run.out, f"visible in the cage: {run.out}")
            expect("answer 200" in run.out, run.tail())

    @suite.check("what a killed session left in the run folder is taken away by the next one")
    def swept():
        with Upstream() as upstream, Ground() as ground:
            env = state_variables(ground.folder / "state")
            with ground.start("print('ready', flush=True); import time; time.sleep(60)", "strict", env=env, stored=ground.folder / "state") as live:
                live.wait_for("ready")
                live.process.kill()
                live.process.wait()
            left = list((ground.folder / "state" / "run").glob("*/control.sock"))
            expect_equal(len(left), 1, "left by a killed session")
            expect_equal(akios("approvals", env=env).returncode, 0, "a dead session's socket")
            caged(ground.run(["/bin/true"], env=env))
            expect_equal(list((ground.folder / "state" / "run").iterdir()), [], "after the next run")

    @suite.check("a session that may have to ask does not begin where nobody could be asked")
    def nowhere():
        with Upstream() as upstream, Ground() as ground:
            env = {"AKIOS_RUN_DIR": "/proc/nowhere"}
            run = ground.run(["/bin/true"], upstream.profile(governance=ASK % "60s"), env=env)
            expect(run.status == 125 and "error: the profile asks for approvals" in run.err and "hint: set AKIOS_RUN_DIR" in run.err, run.tail())
            caged(ground.run(["/bin/true"], env=env))

    @suite.check("alerts: a command and a webhook are told of a request that waits and of a stop; what failed is on record")
    def alerted():
        with Upstream() as upstream, Ground() as ground:
            tell = ground.folder / "tell"
            told = ground.folder / "told"
            told.touch()
            told.chmod(0o666)
            tell.write_text(f"#!/bin/sh\ncat >> {told}\n")
            tell.chmod(0o755)
            # Nobody that the host trusts answers there: the webhook is tried, and fails.
            spec = f"  audit: {{alerts: [{{command: [{tell}]}}, {{webhook: \"https://127.0.0.1:{upstream.port}/secret-hook\"}}]}}"
            profile = upstream.profile(governance=ASK % "60s", spec=spec)
            with ground.start(CLIENT + "\nimport time; time.sleep(60)", profile) as live:
                live.wait_for("ready")
                live.say(json.dumps([CHAT]) + "\n")
                (question,) = listed()
                expect(observe.until(lambda: told.read_text().count("\n") == 1), "nobody was told of the question")
                expect_equal(akios("approvals", "deny", question["id"], "--stop").returncode, 0, "deny --stop")
                run = caged(live.finish())
            expect_equal(run.status, 122, run.tail())
            lines = told.read_text().splitlines()
            expect_equal([json.loads(line)["kind"] for line in lines], ["approval.requested", "session.stop"], "told")
            expect(all(line in run.log.splitlines() for line in lines), f"not the log's own lines: {lines}")
            failed = [r["data"] for r in run.records if r["kind"] == "alert.failed"]
            hooks = [f["reason"] for f in failed if f["way"] == "webhook"]
            expect(len(hooks) == 2 and all("ended with status 3" in reason for reason in hooks), f"alert.failed: {failed}")
            expect("secret-hook" not in run.log and "secret-hook" not in run.err, "the webhook's address is in the log")
            expect(not any(f["way"] == "command" for f in failed), f"alert.failed: {failed}")
            expect_equal(verify(run.session)[0], 0, "audit verify")

    @suite.check("a webhook arrives: the record, by POST, over a connection that the host trusts")
    def hooked():
        if os.geteuid() != 0 or os.environ.get("AKIOS_TRANSCRIPTS") != "1":
            raise Skip("needs root for a mount namespace of its own")
        bundle, hosts = pathlib.Path("/etc/ssl/certs/ca-certificates.crt"), pathlib.Path("/etc/hosts")
        with Upstream() as upstream, Ground() as ground:
            mounted = []
            try:
                for real, more in ((bundle, upstream.ca.read_text()), (hosts, "127.0.0.1 api.openai.com\n")):
                    copy = ground.folder / real.name
                    copy.write_text(real.read_text() + "\n" + more)
                    copy.chmod(0o644)
                    subprocess.run(["mount", "--bind", str(copy), str(real)], check=True)
                    mounted.append(str(real))
                spec = f"  audit: {{alerts: [{{webhook: \"https://api.openai.com:{upstream.port}/hook\"}}]}}"
                profile = upstream.profile(governance=ASK % "1s", spec=spec)
                with ground.start(CLIENT, profile) as live:
                    live.wait_for("ready")
                    live.say(json.dumps([CHAT]) + "\n")
                    run = caged(live.finish())
                expect("nobody answered in time" in run.out, run.tail())
                seen = [(s.get("method"), s.get("path")) for s in upstream.seen()]
                expect_equal(seen, [("POST", "/hook")], "what reached the host")
            finally:
                for path in reversed(mounted):
                    subprocess.run(["umount", path], check=True)

    @suite.check("a command of the agent's workspace is no alert: it would run outside the cage")
    def alerting_agent():
        with Upstream() as upstream, Ground() as ground:
            work = ground.workspace()
            (work / "tell").write_text("#!/bin/sh\n")
            (work / "tell").chmod(0o755)
            (ground.folder / "link").symlink_to(work / "tell")
            for words in (f"{work}/tell", f"{ground.folder}/link", f"/bin/sh, {work}/tell"):
                profile = upstream.profile(spec=f"  audit: {{alerts: [{{command: [{words}]}}]}}")
                run = ground.run(["/bin/true"], profile, workspace=work)
                expect(run.status == 125 and "the agent may write" in run.err and "nothing was run" in run.err, run.tail())
            run = ground.run(["/bin/true"], upstream.profile(spec="  audit: {alerts: [{command: [/nowhere/at/all]}]}"), workspace=work)
            expect(run.status == 125 and "error: audit.alerts" in run.err, run.tail())

    @suite.check("sudo: who called answers without sudo, another user does not, and a helper runs as the caller")
    def by_sudo():
        with Upstream() as upstream, Ground() as ground, account(ground) as home:
            work, told, tell = project(home), ground.folder / "told", ground.folder / "tell"
            told.touch()
            told.chmod(0o666)
            tell.write_text(f"#!/bin/sh\ncat > /dev/null; (id -u; id -G; grep CapEff /proc/self/status) > {told}\n")
            tell.chmod(0o755)
            profile = upstream.profile(governance=ASK % "60s", spec=f"  audit: {{alerts: [{{command: [{tell}]}}]}}")
            # The system's own places, as after an installation.
            plain = ("env", "-u", "AKIOS_STATE_DIR", "-u", "AKIOS_RUN_DIR", f"HOME={home}")
            with ground.start(CLIENT, profile, workspace=work, wrap=as_user("sudo", "-n"), stored="/var/lib/akios") as live:
                live.wait_for("ready")
                live.say(json.dumps([CHAT]) + "\n")
                question = observe.until(lambda: json.loads(akios("approvals", "--json", wrap=as_user(*plain)).stdout or "[]"))
                expect(question, "the caller sees nothing that waits")
                other = akios("approvals", "approve", question[0]["id"], wrap=["setpriv", "--reuid=4343", "--regid=4343", "--clear-groups", *plain])
                expect_equal((other.returncode, upstream.seen()), (4, []), f"another user: {other}")
                done = akios("approvals", "approve", question[0]["id"], wrap=as_user(*plain))
                expect_equal(done.returncode, 0, done.stderr)
                run = caged(live.finish())
            expect("answer 200" in run.out, run.tail())
            expect_equal(decisions(run), [("approved", UID, None)], "decisions on record")
            expect_equal(told.read_text().split(), [str(UID), str(UID), *CONFINED.split()[0].replace("=", ": ").split()], "the helper")
            expect(not pathlib.Path("/run/akios", run.session.name).exists(), "left in /run/akios")
