"""Sockets the agent may not have: the errno it sees, the record that is left, and what a flood of them does to the session."""

import json
import os
import pathlib
import sys

import family
from checks import Skip, expect, expect_equal
from product import Ground, Upstream, akios, caged, run_rootless, verify
from refusals import ASK, WANTED, check_each, each, refused

# A hundred threads that ask without end while the main one makes a request; then the sum of what they asked.
FLOOD = ASK + r'''
import threading, urllib.request
asked, end = [0] * 100, threading.Event()
def flood(place):
    while not end.is_set():
        assert ask("socket", 17, 3, place % 4) == "EPERM"
        asked[place] += 1
threads = [threading.Thread(target=flood, args=(n,)) for n in range(100)]
for thread in threads: thread.start()
while sum(asked) < 500: end.wait(0.01)
body = json.dumps({"model": "gpt-4o-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "x"}]}).encode()
request = urllib.request.Request("https://api.openai.com/v1/chat/completions", body,
    {"content-type": "application/json", "authorization": "Bearer sk-test"})
print("answered", urllib.request.urlopen(request, timeout=60).status)
while sum(asked) < 3000: end.wait(0.01)
end.set()
for thread in threads: thread.join()
for number in range(1000): ask("socket", 17, 3, 1000 + number)
print("asked", sum(asked) + 1000)
'''

# Fences itself in further, as browsers and other sandboxes do: a filter of its own that refuses AF_PACKET by EACCES, and one
# that wants a listener.
NESTED = ASK + r'''
import struct
def load(flags, *instructions):
    program = b"".join(struct.pack("HBBI", *i) for i in instructions)
    text = ctypes.create_string_buffer(program, len(program))
    head = struct.pack("HxxxxxxQ", len(instructions), ctypes.addressof(text))
    result = libc.syscall(317, 1, flags, head)
    return "loaded" if result >= 0 else errno.errorcode[ctypes.get_errno()]
allow = (0x06, 0, 0, 0x7fff0000)
own = [(0x20, 0, 0, 0), (0x15, 0, 3, 41), (0x20, 0, 0, 16), (0x15, 0, 1, 17), (0x06, 0, 0, 0x0005000d), allow]
before = ask("socket", 17, 3, 0)
print(json.dumps([before, load(0, *own), ask("socket", 17, 3, 0), ask("socket", 38, 5, 0), load(8, allow), ask("socket", 2, 1, 0)]))
'''

# Runs its arguments below a filter that allows everything and has a listener, as some container managers do.
LISTENED = r'''
import ctypes, os, struct, subprocess, sys
libc = ctypes.CDLL(None, use_errno=True)
allow = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0x7fff0000), 8)
listener = libc.syscall(317, 1, 8, struct.pack("HxxxxxxQ", 1, ctypes.addressof(allow)))
assert listener >= 0, os.strerror(ctypes.get_errno())
sys.exit(subprocess.call(sys.argv[1:]))
'''


def register(suite):
    @suite.check("refused sockets: EPERM for the agent, a record with family, type and protocol for the operator")
    def recorded():
        with Upstream() as upstream, Ground() as ground:
            for base in ("strict", "standard"):
                run = caged(ground.run(each(), upstream.profile(base=base)))
                words = check_each(run, verify(run.session))
            lines = akios("logs", run.session).stdout
            expect("socket.refused     1 × socket(inet, raw, icmp)\n" in lines, f"akios logs: {lines[-600:]}")
            return words

    @suite.check("refused sockets of an ordinary user's run are on record too")
    def rootless():
        if os.geteuid() != 0:
            raise Skip("the other checks run rootless here")
        with Upstream() as upstream, Ground() as ground:
            run, _, verified = run_rootless(ground, each(), upstream.profile())
            return check_each(run, verified)

    @suite.check("a flood of refused sockets: a request is admitted meanwhile, few records, every single one counted")
    def flood():
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(FLOOD, upstream.profile()))
            expect_equal(run.status, 0, run.tail())
            expect("answered 200" in run.out, run.tail())
            told = [r for r in refused(run) if r["family"] in ("packet", "other")]
            # 64 kinds and one for all others, each told at once, a few times meanwhile, and at the end.
            expect(len(told) <= 65 * 6, f"{len(told)} records")
            expect(any(r["family"] == "other" for r in told), "a thousand kinds were told one by one")
            asked = int(run.out.split("asked ")[1])
            expect_equal(sum(r["count"] for r in told), asked, "refused sockets counted")
            expect_equal(verify(run.session)[0], 0, "audit verify")
            return f"{asked} in {len(told)} records"

    @suite.check("no process of the cage holds the listener, the supervisor holds one")
    def nobody_listens():
        if os.geteuid() != 0:
            raise Skip("needs root to look into processes that hide from dumps")
        def listeners(pid):
            names = [os.readlink(f) for f in pathlib.Path("/proc", str(pid), "fd").iterdir()]
            return sum("seccomp notify" in name for name in names)

        with Upstream() as upstream, Ground() as ground:
            with ground.start('print("ready", flush=True); input()', upstream.profile()) as live:
                live.wait_for("ready")
                held = {role: listeners(pid) for role, pid in family.of(live)._asdict().items()}
                live.finish(b"\n")
            expect_equal(held, {"supervisor": 1, "egress": 0, "init": 0, "agent": 0}, "who holds the listener")

    @suite.check("an agent that fences itself in further: its own filter holds, a listener of its own it cannot have")
    def nested():
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(NESTED, upstream.profile()))
            expect_equal(json.loads(run.out), ["EPERM", "loaded", "EACCES", "EPERM", "EBUSY", "open"], run.tail())
            told = [(r["family"], r["count"]) for r in refused(run) if r["family"] in ("packet", "alg")]
            expect_equal(told, [("packet", 1), ("alg", 1)], "what is on record: not what the agent refuses itself")

    @suite.check("below a filter that has a listener already: refused all the same, and session.start says what is missing")
    def listened():
        if os.geteuid() != 0:
            raise Skip("needs root to load a filter without giving up sudo's way")
        with Upstream() as upstream, Ground() as ground:
            run = caged(ground.run(each(), upstream.profile(), wrap=[sys.executable, "-c", LISTENED]))
            expect_equal(json.loads(run.out), ["EPERM"] * len(WANTED), run.tail())
            expect_equal(refused(run), [], "records without a listener")
            absent = [c["evidence"] for c in run.records[0]["data"]["controls"] if c["id"] == "step"]
            expect(any("refused sockets" in words and "busy" in words for words in absent), f"steps not done: {absent}")
