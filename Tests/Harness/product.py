"""The binaries under test, an upstream for them, a profile that leads to it, and runs of akios-exec."""

import atexit
import contextlib
import functools
import json
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import time

from checks import Failure, Skip

ROOT = pathlib.Path(__file__).resolve().parents[2]
BIN = pathlib.Path(os.environ.get("AKIOS_BIN") or ROOT / ".build" / "release").resolve()
PYTHON = "/usr/bin/python3"

# Keys and sessions of the tests live and die with this process; nothing is left under /var/lib. (Under sudo the
# variables have no effect, so those checks cover /var/lib instead.)
STATE = pathlib.Path(tempfile.mkdtemp(prefix="akios-state-"))
atexit.register(shutil.rmtree, STATE, ignore_errors=True)


def state_variables(folder):
    return {"AKIOS_STATE_DIR": str(folder), "AKIOS_RUN_DIR": str(pathlib.Path(folder) / "run")}


os.environ.update(state_variables(STATE))


def binary(name):
    path = BIN / name
    if not os.access(path, os.X_OK):
        raise Skip(f"{name} is not built (make build)")
    return str(path)


@functools.cache
def tier():
    """The best tier this host gives: 'full', 'strong' or 'contained'. Found by running, not by asking: `akios doctor` is
    under test as well."""
    said = []
    for best, accept in (("full", []), ("strong", ["--accept-tier", "strong"]), ("contained", ["--accept-tier", "contained"])):
        with tempfile.TemporaryDirectory(prefix="akios-tier-") as folder:
            work = pathlib.Path(folder, "work")
            work.mkdir()
            done = subprocess.run(
                [binary("akios-exec"), *accept, "--quiet", "--profile", "strict", "--session-dir", f"{folder}/session", "--", "/bin/true"],
                cwd=work, capture_output=True, text=True, timeout=120)
            if done.returncode == 0:
                return best
            said.append(done.stderr.strip())
    raise Failure(f"/bin/true runs at no tier: {said[-1][-400:]}")


def accept_tier():
    """The words that let a profile which requires `full` run here, empty where nothing need be accepted."""
    best = tier()
    return [] if best == "full" else ["--accept-tier", best]


class Upstream:
    """akios-upstream in a folder of its own; use as a context. `seen()` are the requests that reached it."""

    def __init__(self, script=None, flags=()):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="akios-range-"))
        self.folder.chmod(0o755)
        self.script = script
        self.flags = list(flags)

    def __enter__(self):
        command = [binary("akios-upstream"), "--dir", str(self.folder), "--until-eof", *self.flags]
        if self.script is not None:
            path = self.folder / "script.json"
            path.write_text(json.dumps(self.script))
            command += ["--script", str(path)]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        port = self.folder / "port"
        while not port.exists():
            if self.process.poll() is not None:
                raise Failure(f"akios-upstream ended with {self.process.returncode}")
            time.sleep(0.01)
        self.port = int(port.read_text())
        self.ca = self.folder / "ca.pem"
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(30)
        shutil.rmtree(self.folder, ignore_errors=True)

    def seen(self):
        with contextlib.suppress(FileNotFoundError):
            return [json.loads(line) for line in (self.folder / "seen.jsonl").read_text().splitlines()]
        return []

    def profile(self, name="range", base="strict", sandbox="", network="", governance="", spec="", rules=(), names=()):
        """A profile file on top of `base` that grants both providers here. The arguments are YAML lines to add, indented by
        themselves: `sandbox` four spaces deep, `network` six, `governance` four, `spec` two; `rules` are further entries of the
        allow list, `names` further ones that lead here."""
        more = "\n".join(f"        - {rule}" for rule in rules)
        here = "\n".join(f"        {name}: 127.0.0.1:{self.port}" for name in names)
        path = self.folder / f"{name}.yaml"
        path.write_text(
            f"""apiVersion: akios/v1
kind: AgentPolicy
metadata: {{name: {name}}}
extends: [{base}]
spec:
{spec}
  sandbox:
    environment: {{set: {{RANGE: "1"}}}}
{sandbox}
  governance:
{governance}
    network_access:
      allowlist:
        - {{host: api.openai.com, methods: [POST], paths: ["/v1/**"]}}
        - {{host: api.anthropic.com, methods: [POST], paths: ["/v1/**"]}}
{more}
      resolve:
        api.openai.com: 127.0.0.1:{self.port}
        api.anthropic.com: 127.0.0.1:{self.port}
        evil.example: 127.0.0.1:{self.port}
{here}
      trust: [{self.ca}]
{network}
"""
        )
        return path


class Run:
    """What one akios-exec left: status, streams, output.json, the session's folder."""

    def __init__(self, status, out, err, session):
        self.status, self.out, self.err, self.session = status, out, err, pathlib.Path(session)

    @property
    def output(self):
        return json.loads((self.session / "output.json").read_text())

    @property
    def records(self):
        return [json.loads(line) for line in (self.session / "audit.jsonl").read_text().splitlines()]

    @property
    def log(self):
        return (self.session / "audit.jsonl").read_text()

    def tail(self):
        return f"exit {self.status}; stdout {self.out[-200:]!r}; stderr {self.err[-300:]!r}"


class Ground:
    """A temporary folder with a workspace and sessions in it, removed at the end."""

    def __init__(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="akios-ground-"))
        self.folder.chmod(0o755)
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.folder, ignore_errors=True)

    def workspace(self):
        self.count += 1
        path = self.folder / f"work{self.count}"
        path.mkdir()
        return path

    def command(self, agent, profile="strict", options=(), session=None):
        accept = [] if "--accept-tier" in options else accept_tier()
        where = ["--session-dir", str(session)] if session else []
        return [binary("akios-exec"), *accept, "--profile", str(profile), *where, *options, "--", *agent]

    def new_session(self):
        self.count += 1
        return self.folder / f"session{self.count}"

    def start(self, agent, profile="strict", options=(), workspace=None, env=None, wrap=(), stored=None, **streams):
        """Starts `agent` (an argument vector, or Python source) in the cage and returns the run in progress. Its session is a
        folder here; with `stored` it is left to akios-exec, whose state folder that is."""
        if isinstance(agent, str):
            agent = [PYTHON, "-c", agent]
        session = None if stored else self.new_session()
        command = [*wrap, *self.command(agent, profile, options, session)]
        process = subprocess.Popen(
            command, cwd=workspace or self.workspace(), env={**os.environ, **(env or {})},
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams})
        return Live(process, session, stored)

    def run(self, agent, profile="strict", options=(), workspace=None, env=None, timeout=90, input=b"", wrap=(), stored=None, **streams):
        """`start`, then waits for the end."""
        return self.start(agent, profile, options, workspace, env, wrap, stored, **streams).finish(input, timeout)


class Live:
    """A run in progress; as a context it is ended at the latest when the block is left."""

    def __init__(self, process, session, stored=None):
        self.process, self.own, self.stored, self.heard = process, session, stored, b""

    @property
    def session(self):
        """The session's folder; of stored ones the newest."""
        if not self.stored:
            return self.own
        return max(pathlib.Path(self.stored, "sessions").glob("*"), key=lambda path: path.stat().st_mtime, default=pathlib.Path("/nonexistent"))

    @property
    def pid(self):
        return self.process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            try:
                self.process.wait(20)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()

    def wait_for(self, marker, timeout=60):
        """Reads standard output until `marker` occurs in it."""
        end = time.monotonic() + timeout
        source = self.process.stdout.fileno()
        while marker.encode() not in self.heard:
            ready, _, _ = select.select([source], [], [], max(0.0, end - time.monotonic()))
            piece = os.read(source, 65536) if ready else b""
            if not piece:
                self.process.send_signal(signal.SIGTERM)
                rest = self.finish(timeout=30)
                raise Failure(f"{marker!r} never came: {rest.tail()}")
            self.heard += piece

    def say(self, text):
        self.process.stdin.write(text.encode())
        self.process.stdin.flush()

    def finish(self, input=b"", timeout=90):
        """Closes the agent's standard input, waits, and returns the Run."""
        try:
            out, err = self.process.communicate(input or None, timeout=timeout)
        except subprocess.TimeoutExpired:
            # Or ended, while something that outlived it holds the pipes: so no wait without a bound.
            ended = self.process.poll() is not None
            self.__exit__()
            raise Failure(f"{'output still open' if ended else 'still running'} after {timeout} s") from None
        text = lambda data: (data or b"").decode(errors="replace")
        return Run(self.process.returncode, text(self.heard + (out or b"")), text(err), self.session)


def compile_static(source, target):
    """A static program from one C file; static, so that nothing of the host's libraries decides what it does."""
    for compiler in ("gcc", "cc", "clang"):
        if shutil.which(compiler):
            done = subprocess.run([compiler, "-static", "-O2", "-o", str(target), str(source)], capture_output=True, text=True)
            if done.returncode:
                raise Failure(f"{compiler} {source}: {done.stderr.strip()[-300:]}")
            target.chmod(0o755)
            return target
    raise Skip("no C compiler: apt install gcc")


def akios(*words, env=None, wrap=()):
    """One `akios` command, ended."""
    return subprocess.run(
        [*wrap, binary("akios"), *map(str, words)], capture_output=True, text=True, errors="replace", timeout=60, env={**os.environ, **(env or {})})


def verify(session, env=None, wrap=()):
    """`akios audit verify`: (status, words)."""
    done = akios("audit", "verify", session, env=env, wrap=wrap)
    return done.returncode, done.stdout + done.stderr


def run_rootless(ground, agent, profile, uid=4343):
    """A run at tier strong by an ordinary user in a folder of theirs: (run, folder, their `akios audit verify`). Needs root."""
    work, state = ground.workspace(), ground.workspace()
    for folder in (work, state, ground.folder):
        os.chown(folder, uid, uid)
    env = {"HOME": str(state), **state_variables(state)}
    wrap = ["setpriv", f"--reuid={uid}", f"--regid={uid}", "--clear-groups"]
    run = caged(ground.run(agent, profile, options=["--accept-tier", "strong"], workspace=work, env=env, wrap=wrap))
    # By the user: root does not take keys from a folder of somebody else's.
    return run, work, verify(run.session, env=env, wrap=wrap)


def caged(run):
    """Fails unless the run happened in a cage: guards every 'must be refused' check against a cage that never started."""
    if run.status == 125:
        raise Failure("akios-exec refused to run: " + run.tail())
    if run.output["exit"]["ran"] is not True:
        raise Failure("output.json says that nothing ran: " + run.tail())
    return run
