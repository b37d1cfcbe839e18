"""Whole runs that are more than one probe: programs without libraries, tampered logs, dead and stopped processes, money under fire."""

import os
import pathlib
import re
import signal
import socket
import subprocess

import arena as arenas
import family
import observe
import probes
from checks import Skip, expect, expect_equal
from product import PYTHON, caged, compile_static, verify

HERE = pathlib.Path(__file__).resolve().parent
PATHS = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/sbin:/sbin"}


def build(name, folder):
    return compile_static(HERE / "static" / f"{name}.c", folder / name)


def static_client(place):
    """A program that no variable and no library reaches is captured all the same, by name and by address."""
    workspace = place.ground.workspace()
    tool = build("blind", workspace)

    def bare(address):
        return subprocess.run([str(tool), address, "api.openai.com"], capture_output=True, text=True, timeout=30).stdout.strip()

    expect_equal(bare("127.0.0.1"), "handshake", "outside the cage, to the upstream")
    # The arena's listener at this address does not speak TLS: whoever shakes hands here is the proxy.
    expect_equal(bare(arenas.V4), "something else", f"outside the cage, to {arenas.V4}")
    hits = len(place.arena.hits)
    for target in ("api.openai.com", arenas.V4):
        run = caged(place.ground.run([str(tool), target, "api.openai.com"], place.profile, workspace=workspace))
        expect(run.out.strip() in ("handshake", "alert", "closed"), f"in the cage, to {target}: {run.tail()}")
        expect(target == arenas.V4 or run.out.strip() == "handshake", f"in the cage, to a granted name: {run.tail()}")
    expect_equal(place.arena.hits[hits:], [], "what reached the arena")


def i386(place):
    workspace = place.ground.workspace()
    tool = build("i386", workspace)
    bare = subprocess.run([str(tool)], capture_output=True, text=True, timeout=30)
    if not bare.stdout.startswith("GOT "):
        raise Skip("this kernel has no 32-bit gate")
    run = caged(place.ground.run([str(tool)], place.profile, workspace=workspace))
    expect("GOT" not in run.out, run.tail())
    expect_equal(run.status, 128 + 31, "status (SIGSYS)")


def tampering(place):
    """Every way to change a finished log is seen. The honest one verifies first."""
    run = caged(place.ground.run("print(1)", place.profile))
    status, words = verify(run.session)
    expect_equal(status, 0, f"honest log: {words}")
    log = run.session / "audit.jsonl"
    lines = log.read_bytes().splitlines(keepends=True)
    expect(len(lines) >= 2, f"only {len(lines)} records")
    ways = {
        "a record dropped": lines[1:], "the tail cut": lines[:-1], "two swapped": [lines[1], lines[0], *lines[2:]],
        "one doubled": [lines[0], *lines], "one byte changed": [lines[0].replace(b'"v":1', b'"v":2'), *lines[1:]], "emptied": [],
    }
    for way, content in ways.items():
        log.write_bytes(b"".join(content))
        expect(log.read_bytes() != b"".join(lines), f"{way}: the log did not change")
        expect(verify(run.session)[0] == 1, f"{way}: accepted")
    log.write_bytes(b"".join(lines))
    expect_equal(verify(run.session)[0], 0, "restored log")
    return f"{len(ways)} ways"


def supervisor_killed(place):
    """SIGKILL of the supervisor leaves nobody behind."""
    code = 'import time; marker = "akios-heartbeat"; print("ready", flush=True); time.sleep(300)'
    with place.ground.start(code, place.profile) as live:
        live.wait_for("ready")
        family = observe.descendants(live.pid)
        expect(len(family) >= 3, f"egress, init and agent expected below the supervisor: {family}")
        live.process.kill()
        live.process.wait()
        gone = observe.until(lambda: not any(observe.alive(pid) for pid, _ in family))
        expect(gone, f"outlived the supervisor: {[(p, c) for p, c in family if observe.alive(p)]}")
        return f"{len(family)} processes gone with it"


def kills_all(place):
    """An agent that kills whatever it can reach ends itself."""
    code = "import os, signal; print('begun', flush=True); os.kill(%s, signal.SIGKILL)"
    for target in ("0", "-1", "-os.getpgrp()", "1"):
        if target != "-1":  # that would be the arena
            script = f"{PYTHON} -c \"{code % (target if target != '1' else 'os.getppid()')}\"; echo survived"
            bare = subprocess.run(["/bin/sh", "-c", script], capture_output=True, text=True, start_new_session=True)
            expect_equal(bare.stdout.split(), ["begun"], f"kill({target}) without a cage, of the shell that started it")
        run = caged(place.ground.run(code % target + "; print('alive', flush=True)", place.profile))
        # Process 1 of the cage takes no signal from within, and there is nobody else.
        expect_equal(run.status, {"1": 0, "-1": 1}.get(target, 128 + 9), f"kill({target}): {run.tail()}")
        expect_equal(("session.end" in run.log, verify(run.session)[0]), (True, 0), f"kill({target}): the log")


# Asks from many threads at once, and prints the number of each answer.
RACE = """
import json, threading, urllib.request
def ask(number):
    body = {"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "race %d" % number}]}
    request = urllib.request.Request("https://api.openai.com/v1/chat/completions", json.dumps(body).encode(), {"content-type": "application/json"})
    try: urllib.request.urlopen(request, timeout=20).read()
    except OSError as error: return
    print("answered", number, flush=True)
threads = [threading.Thread(target=ask, args=(number,)) for number in range(24)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""


def races(place):
    return sum("race " in request["body"] for request in place.upstream.seen())


def budget_race(place):
    """A limit is not passed by asking often at the same time."""
    expect_equal(place.bare(RACE, place.ground.workspace()).count("answered"), 24, "answers without a cage")
    said = []
    for limit, most in (("max_requests: 5", 5), ("max_cost_usd: 0.00006", 4)):
        before = races(place)
        profile = place.written("race", place.granted, f"    budget: {{per_session: {{{limit}}}}}")
        run = caged(place.ground.run(RACE, profile))
        expect_equal(run.status, 120, f"{limit}: {run.tail()}")
        went = races(place) - before
        expect(1 <= went <= most, f"{limit}: {went} requests went out")
        said.append(f"{went} of 24 under {limit}")
    return ", ".join(said)


# Tries every way out, again and again, each with a connection of its own.
RESTLESS = """
import socket
# Before: a name server that says nothing is waited for.
granted = socket.gethostbyname("api.openai.com")
print("ready", flush=True)
while True:
    for place in ((granted, 443), ("8.8.8.8", 8443), ("8.8.8.8", 443), ("127.0.0.1", 7777)):
        try:
            peer = socket.create_connection(place, 0.3); peer.settimeout(0.3); peer.sendall(b"GET / HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
            if b"ARENA" in peer.recv(100): print("escaped", place, flush=True)
        except OSError: pass
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try: s.sendto(b"x", ("8.8.8.8", 443))
    except OSError: pass
    print("tried", flush=True)
"""


def proxy_stopped(place):
    """A proxy that stands still is a wall, not a gap."""
    _, before = place.arena.traces()
    seen = len(place.upstream.seen())
    with place.ground.start(RESTLESS, place.profile) as live:
        live.wait_for("ready")
        egress = family.of(live).egress
        os.kill(egress, signal.SIGSTOP)
        try:
            live.heard = b""
            for _ in range(2):
                live.wait_for("tried")
                live.heard = b""
        finally:
            os.kill(egress, signal.SIGCONT)
        live.process.send_signal(signal.SIGTERM)
        run = live.finish()
    expect("escaped" not in run.out, run.tail())
    expect_equal((place.arena.traces(before)[0], len(place.upstream.seen()) - seen), ([], 0), "what reached the arena")


def supervisor_stopped(place):
    """Nobody who could admit: nothing is admitted, however long it takes. A question without an answer is no consent."""
    ask = """
import http.client, json
line = http.client.HTTPSConnection("api.openai.com", timeout=3)
# Before: a look-up asks for sockets that only the supervisor can refuse, and would wait here.
line.connect()
print("ready", flush=True); input()
body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "who admits"}]})
try:
    line.request("POST", "/v1/chat/completions", body, {"content-type": "application/json"})
    print("answered", line.getresponse().status, flush=True)
except OSError: print("no answer", flush=True)
input()
"""

    def arrived():
        return sum("who admits" in request["body"] for request in place.upstream.seen())

    for stopped in (False, True):
        before = arrived()
        with place.ground.start(ask, place.profile) as live:
            live.wait_for("ready")
            if stopped:
                os.kill(live.pid, signal.SIGSTOP)
            try:
                live.say("\n")
                live.wait_for("answer")
                said = live.heard.split(b"\n")[1]
                left = arrived() - before
            finally:
                os.kill(live.pid, signal.SIGCONT)
            run = live.finish(b"\n")
        expect_equal((said, left), (b"no answer", 0) if stopped else (b"answered 200", 1), f"with a supervisor that is {'stopped' if stopped else 'there'}")
        expect_equal(verify(run.session)[0], 0, "audit verify")


def planted(place):
    """What an earlier agent left in the workspace leads the next run nowhere: links in the places of protected and hidden
    files, profiles with the names of ours."""
    secret = place.ground.folder / "outside"
    secret.mkdir(exist_ok=True)
    (secret / "settings.json").write_text("canary")
    workspace = place.ground.workspace()
    for name in (".claude", ".vscode", ".env", ".git"):
        (workspace / name).symlink_to(secret)
    for name in ("strict", "standard", "range", "base"):
        for place_of in (workspace, workspace / ".akios", workspace / "profiles"):
            place_of.mkdir(exist_ok=True)
            (place_of / f"{name}.yaml").write_text(
                "apiVersion: akios/v1\nkind: AgentPolicy\nmetadata: {name: " + name + "}\nextends: []\n"
                f"spec: {{sandbox: {{filesystem: {{read: [system, command, {secret}]}}}}, governance: {{network_access: {{allowlist: [{{host: evil.example}}]}}}}}}\n")
    look = """
import os
for name in (".claude", ".vscode", ".env", ".git"):
    try: print("read", open(name + "/settings.json").read())
    except OSError as error: pass
    try: open(name + "/made", "w").write("x"); print("wrote", name)
    except OSError as error: pass
print("looked")
"""
    bare = place.bare(look, workspace)
    expect_equal((bare.count("read canary"), bare.count("wrote")), (4, 4), "without a cage")
    (secret / "made").unlink()
    run = place.ground.run(look, "strict", workspace=workspace)
    if run.status != 125:
        caged(run)
        expect_equal(run.out.split(), ["looked"], "what the links gave")
        profile = run.records[0]["data"]["profile"]
        expect("evil.example" not in str(profile), f"the planted profile was taken: {profile}")
    expect_equal(sorted(p.name for p in secret.iterdir()), ["settings.json"], "in the folder that the links lead to")
    return "refused to start" if run.status == 125 else "links lead nowhere"


def not_yet_there(place):
    """Settings that other programs obey, made by the agent where there were none: they cannot be kept from it, so the caller is told."""
    make = """
import os
for name, text in ((".claude/settings.json", '{"hooks": {}}'), (".vscode/tasks.json", "{}"), (".envrc", "evil"), (".git/hooks/pre-commit", "evil")):
    os.makedirs(os.path.dirname(name) or ".", exist_ok=True); open(name, "w").write(text)
"""
    workspace = place.ground.workspace()
    run = caged(place.ground.run(make, place.profile, workspace=workspace))
    expect_equal(run.status, 0, run.tail())
    for name in (".claude", ".vscode", ".envrc", ".git/hooks"):
        expect(f"the agent made {workspace / name}, which the profile protects" in run.err, f"not a word of {name}: {run.err}")
    return "told, not prevented"


def network_of_the_host():
    """Addresses, routes, rules, forwarding and listeners, as they are now."""
    words = (["ip", "-o", "address"], ["ip", "route", "show", "table", "all"], ["ip", "-6", "route", "show", "table", "all"], ["ip", "rule"],
             ["ip", "-o", "link"], ["nft", "list", "ruleset"])
    found = {" ".join(w): subprocess.run(w, capture_output=True, text=True, check=True, env=PATHS).stdout for w in words}
    found["forwarding"] = pathlib.Path("/proc/sys/net/ipv4/ip_forward").read_text()
    for table, state in (("tcp", "0A"), ("tcp6", "0A"), ("udp", "07"), ("udp6", "07")):
        lines = [line.split() for line in pathlib.Path("/proc/net", table).read_text().splitlines()[1:]]
        found[table] = sorted(line[1] for line in lines if line[3] == state)
    return found


def host_untouched(place):
    """No address, route, rule, listener or setting of the host's network is ours: nothing to collide with, nothing to forget."""
    # Shown to notice: an address, a listener.
    before = network_of_the_host()
    subprocess.run(["ip", "address", "add", "10.99.0.1/30", "dev", "lo"], check=True, env=PATHS)
    with socket.create_server(("0.0.0.0", 0)):
        changed = {name for name, value in network_of_the_host().items() if value != before[name]}
    subprocess.run(["ip", "address", "del", "10.99.0.1/30", "dev", "lo"], check=True, env=PATHS)
    expect({"ip -o address", "ip route show table all", "tcp"} <= changed, f"noticed only {changed}")
    with place.ground.start('print("ready", flush=True); input()', place.profile) as live:
        live.wait_for("ready")
        during = network_of_the_host()
        live.finish(b"\n")
    after = network_of_the_host()
    for name, value in before.items():
        expect_equal((during[name], after[name]), (value, value), f"{name}, during a run and after it")


def lessons(place):
    """What docs/peers.md calls a check is one: the name of a probe or scene here, or of a test."""
    named = set()
    for line in (HERE.parents[1] / "docs/peers.md").read_text().splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            named |= set(re.findall("`([^`]+)`", line.split(" | ")[-1]))
    tests = "\n".join(path.read_text(errors="replace") for path in HERE.parent.rglob("*") if path.suffix in (".swift", ".py", "") and path.is_file())
    missing = [name for name in sorted(named) if name not in PROBES | set(ALL) and f"func {name}(" not in tests and f'"{name}' not in tests and f': {name}"' not in tests]
    expect(not missing, f"no such check: {missing}")
    expect(len(named) > 100, f"only {len(named)} checks named")
    unnamed = (PROBES | set(ALL)) - named
    expect(not unnamed, f"in no row: {sorted(unnamed)}")
    return f"{len(named)} checks"


PROBES = {probe.name for probe in probes.ALL}
ALL = {
    "static-client": static_client, "i386": i386, "log-tampering": tampering, "supervisor-killed": supervisor_killed,
    "kills-all": kills_all, "budget-race": budget_race, "proxy-stopped": proxy_stopped, "supervisor-stopped": supervisor_stopped, "planted": planted,
    "not-yet-there": not_yet_there, "host-untouched": host_untouched, "lessons": lessons,
}
