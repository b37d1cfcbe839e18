"""Standard streams are the agent's: pipes in both directions, early readers, two runs at once."""

import os
import subprocess

import family
import observe
from checks import expect, expect_equal
from product import Ground, Upstream, caged


def register(suite):
    @suite.check("stdin, stdout and stderr are the agent's own, with one summary line at the end")
    def streams():
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(["/bin/sh", "-c", "cat; echo to-stderr >&2"], upstream.profile(), input=b"through the cage\n"))
            expect_equal((run.status, run.out), (0, "through the cage\n"), "run: " + run.tail())
            lines = run.err.splitlines()
            expect(lines[0] == "to-stderr" and len(lines) == 2, f"stderr: {run.err!r}")
            quiet = ground.run(["/bin/true"], upstream.profile(), options=["--quiet"])
            expect_equal((quiet.status, quiet.out, quiet.err), (0, "", ""), "--quiet")
            return lines[1]

    @suite.check("| head: an endless writer ends with the reader")
    def head():
        with Upstream() as upstream, Ground() as ground, ground.start(["yes", "line"], upstream.profile()) as live:
            reader = subprocess.run(["head", "-n", "2"], stdin=live.process.stdout, capture_output=True, text=True, timeout=60)
            live.process.stdout.close()
            expect_equal(reader.stdout, "line\nline\n", "head")
            status = live.process.wait(60)
            expect_equal(status, 128 + 13, "status after SIGPIPE")

    @suite.check("two runs at once: own ids, own sessions, own records")
    def two():
        code = 'import os; print("ready", os.getpid(), flush=True); input(); print("done")'
        with Upstream() as upstream, Ground() as ground:
            profile = upstream.profile()
            with ground.start(code, profile) as one, ground.start(code, profile) as two:
                one.wait_for("ready")
                two.wait_for("ready")
                first, second = family.of(one), family.of(two)
                ids = [observe.status(f.egress)["Uid"].split()[0] for f in (first, second)]
                runs = [live.finish(b"\n") for live in (one, two)]
            for run in runs:
                expect(run.status == 0 and "done" in run.out, run.tail())
            expect(runs[0].output["session"] != runs[1].output["session"], "one session id for two runs")
            if os.geteuid() == 0:
                expect(ids[0] != ids[1], f"both egresses have the id {ids[0]}")

    @suite.check("ps shows three programs, each with its id; egress is bare on every thread")
    def programs():
        code = 'print("ready", flush=True); input()'
        with Upstream() as upstream, Ground() as ground, ground.start(code, upstream.profile()) as live:
            live.wait_for("ready")
            members = family.of(live)
            listing = subprocess.run(
                ["ps", "-o", "user:12,pid,args", "-p", ",".join(map(str, members))], capture_output=True, text=True, timeout=30).stdout
            for word in ("akios-exec", "akios-egress", "akios-init"):
                expect(word in listing, listing)
            line = family.check_egress(members)
            live.finish(b"\n")
            return line
