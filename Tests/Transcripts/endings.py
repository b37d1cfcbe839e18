"""Endings nobody wished for: a full disk under the log, a killed supervisor, a killed proxy, wall time."""

import json
import os
import signal
import subprocess

import family
import observe
from checks import Skip, expect, expect_equal
from product import Ground, Upstream, akios, caged, state_variables, verify

# Sends numbered requests over one connection each, says each acknowledged one, stops at the first failure.
TALKER = r'''
import json, sys, urllib.request
print("ready", flush=True)
for turn in range(%d):
    body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "turn %%d" %% turn}]}).encode()
    request = urllib.request.Request("https://api.openai.com/v1/chat/completions", body,
        {"content-type": "application/json", "authorization": "Bearer sk-test"})
    try: urllib.request.urlopen(request, timeout=20).read()
    except Exception as error: print("failed", turn, type(error).__name__, flush=True); break
    print("answered", turn, flush=True)
%s
'''
BUDGET = "    budget: {per_session: {max_cost_usd: 50, max_requests: 100000}, per_minute: {max_tokens: 100000000}}"
RATE = "      limits: {requests_per_minute: 100000}"


def intents(text):
    return [r for r in map(json.loads, text.splitlines()) if r["kind"] == "request.intent"]


def register(suite):
    @suite.check("disk full under the log: traffic stops, 125, and the log still verifies")
    def disk_full():
        if os.geteuid() != 0:
            raise Skip("needs root to mount a small file system")
        with Upstream() as upstream, Ground() as ground:
            small = ground.folder / "small"
            small.mkdir()
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k,mode=755", "small", str(small)], check=True)
            try:
                ground.new_session = lambda: small / "session"
                run = ground.run(
                    TALKER % (3000, "import time; time.sleep(60)"), upstream.profile(governance=BUDGET, network=RATE), timeout=240)
                expect_equal(run.status, 125, run.tail())
                expect("failed" in run.out or run.out.count("answered") < 3000, "nothing was refused")
                seen, logged = len(upstream.seen()), len(intents(run.log))
                expect(seen > 10, f"only {seen} requests before the disk was full")
                expect(seen <= logged, f"{seen} requests left, {logged} are in the log")
                status, words = verify(run.session)
                expect_equal(status, 0, "audit verify: " + words)
                return f"{seen} requests, then none"
            finally:
                subprocess.run(["umount", str(small)], check=True)

    @suite.check("SIGKILL of the supervisor: no acknowledged record is lost, the log is unsealed until the sweep")
    def killed():
        with Upstream() as upstream, Ground() as ground:
            # The state folder's own sessions: those are what a sweep looks at.
            state = state_variables(ground.folder / "state")
            with ground.start(TALKER % (12, "import time; time.sleep(200)"), upstream.profile(governance=BUDGET), env=state, stored=ground.folder / "state") as live:
                live.wait_for("answered 11")
                below = observe.descendants(live.pid)
                live.process.kill()
                live.process.wait()
                expect(observe.until(lambda: not any(observe.alive(pid) for pid, _ in below)), f"outlived the supervisor: {below}")
            session = live.session
            expect_equal(len(intents((session / "audit.jsonl").read_text())), 12, "intents in the log")
            status, words = verify(session, env=state)
            expect(status == 1 and ("unsealed" in words or "not sealed" in words), f"verify of an unsealed log: {status} {words}")
            swept = akios("sessions", "--json", env=state)
            expect_equal(swept.returncode, 0, "the sweep: " + swept.stderr)
            status, words = verify(session, env=state)
            expect_equal(status, 0, f"verify after the sweep: {words}")
            kinds = [json.loads(line)["kind"] for line in (session / "audit.jsonl").read_text().splitlines()]
            expect("session.crashed" in kinds, f"no session.crashed: {kinds[-3:]}")
            expect((session / "output.json").exists(), "the sweep wrote no output.json")

    @suite.check("SIGKILL of the proxy: nothing leaves any more, the session ends with the reason")
    def proxy_killed():
        with Upstream() as upstream, Ground() as ground:
            with ground.start(TALKER % (2, "import time; time.sleep(200)"), upstream.profile()) as live:
                live.wait_for("answered 1")
                os.kill(family.of(live).egress, 9)
                run = live.finish(timeout=60)
            expect_equal(run.status, 125, run.tail())
            expect_equal((run.output["exit"]["by"], run.output["exit"]["ran"]), ("akios", True), "exit in output.json")
            expect(run.output["exit"]["reason"], "no reason in output.json")
            expect_equal(verify(run.session)[0], 0, "audit verify")
            return run.output["exit"]["reason"]

    @suite.check("handed-over oddities: closed streams, a folder, SIGCHLD ignored, nohup, a status descriptor that is not open")
    def inherited():
        with Ground() as ground:
            def begin(agent, close=(), options=(), before=None, **streams):
                session = ground.new_session()
                def child():
                    for number in close:
                        os.close(number)
                    if before:
                        before()
                process = subprocess.Popen(
                    ground.command(agent, "standard", options, session), cwd=ground.workspace(), preexec_fn=child,
                    **{"stdin": subprocess.DEVNULL, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **streams})
                return process, session

            process, session = begin(["/bin/sh", "-c", "cat <&0; echo x; echo y >&2"], close=(0, 1, 2))
            expect_equal(process.wait(60), 0, "with three closed streams")
            expect_equal(verify(session)[0], 0, "the log of a run with closed streams")
            process, session = begin(["/bin/true"], stdin=os.open("/", os.O_RDONLY))
            expect_equal(process.wait(60), 125, "with a folder as standard input")
            expect(not session.exists(), "a session began with a folder as standard input")
            process, _ = begin(["/bin/true"], options=["--status-fd", "9"])
            expect_equal(process.wait(60), 125, "with a closed status descriptor")
            process, _ = begin(["/bin/true"], before=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
            expect_equal(process.wait(60), 0, "with SIGCHLD ignored")
            process, session = begin(
                ["/bin/sh", "-c", "echo ready; sleep 1; exit 7"], before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN), stdout=subprocess.PIPE)
            process.stdout.readline()
            process.send_signal(signal.SIGHUP)
            expect_equal(process.wait(60), 7, "HUP under nohup")

    @suite.check("a copy of output.json does not follow a link that the agent made of its folder")
    def copies():
        with Ground() as ground:
            work, victim = ground.workspace(), ground.folder / "victim"
            (work / "results").mkdir()
            victim.mkdir()
            for path in (work, work / "results", victim):
                path.chmod(0o777)
            run = caged(ground.run(
                ["/bin/sh", "-c", f"mv results moved && ln -s {victim} results"], "standard", options=["--output", "results/out.json"], workspace=work))
            expect_equal(run.status, 0, run.tail())
            expect(not list(victim.iterdir()), "output.json was written through the agent's link")
            expect_equal(json.loads((work / "moved" / "out.json").read_text())["exit"]["status"], 0, "the copy")

    @suite.check("wall time: 124, and the children are gone")
    def wall_time():
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(
                ["/bin/sh", "-c", "sleep 4321 & sleep 4321"], upstream.profile(sandbox="    resources: {wall_time: 1s}"), options=["--kill-after", "1s"]))
            expect_equal(run.status, 124, run.tail())
            expect_equal(run.output["exit"]["by"], "akios", "who spoke")
            expect(observe.until(lambda: not observe.with_argument("sleep\0004321")), "a child lives on")

    @suite.check("wall time ends an agent that was told to end and stays")
    def wall_time_after_term():
        with Upstream() as upstream, Ground() as ground:
            profile = upstream.profile(sandbox="    resources: {wall_time: 3s}")
            with ground.start(["/bin/sh", "-c", "trap '' TERM; echo ready; sleep 4321 & wait; sleep 4321"], profile, ["--kill-after", "1h"]) as live:
                live.wait_for("ready")
                live.process.send_signal(signal.SIGTERM)
                run = live.finish(timeout=60)
            expect_equal((run.status, run.output["exit"]["reason"]), (143, "signal"), run.tail())

    @suite.check("a log that cannot be sealed: 125 and why; it is unsealed, not tampered with, and the sweep finishes it")
    def unsealable():
        with Ground() as ground:
            state = state_variables(ground.folder / "state")
            with ground.start(["/bin/sh", "-c", "echo ready; read line"], "standard", env=state, stored=ground.folder / "state") as live:
                live.wait_for("ready")
                (live.session / "checkpoints" / ".reserve").unlink()
                run = live.finish()
            expect_equal(run.status, 125, run.tail())
            expect("error: the audit log failed" in run.err and "hint: " in run.err, run.err)
            swept = akios("sessions", "--json", env=state)
            expect_equal(swept.returncode, 0, "the sweep: " + swept.stderr)
            expect_equal(verify(run.session, env=state)[0], 0, "audit verify after the sweep")
            expect_equal(run.output["exit"]["by"], "agent", "output.json after the sweep")
