"""The three programs of a run as the kernel sees them, and what must hold for the one that reads network bytes."""

import os
import pathlib
from collections import namedtuple

import observe
from checks import expect, expect_equal

Family = namedtuple("Family", "supervisor egress init agent")


def of(live):
    """Waits until the agent runs, then gives the four process ids."""
    init = observe.until(lambda: observe.child_named(live.pid, "akios-init"))
    expect(init, f"no akios-init below {live.pid}: {observe.descendants(live.pid)}")
    below = observe.until(lambda: observe.descendants(init))
    expect(below, "no agent below akios-init")
    egress = observe.child_named(live.pid, "akios-egress")
    expect(egress, f"no akios-egress below {live.pid}: {observe.descendants(live.pid)}")
    # `live` may be a wrapper such as sudo: the supervisor is egress' parent.
    return Family(observe.processes()[egress], egress, init, below[0][0])


def check_root(pid):
    """What is left of a root folder when its mounts are taken away: one read-only file system, empty places, no content."""
    mounts = [line.split() for line in pathlib.Path("/proc", str(pid), "mountinfo").read_text().splitlines()]
    expect_equal([(m[4], m[m.index("-") + 1]) for m in mounts], [("/", "tmpfs")], "mounts of egress")
    expect("ro" in mounts[0][5].split(","), f"root of egress is writable: {mounts[0][5]}")
    for folder, _, files in os.walk(f"/proc/{pid}/root/"):
        full = [name for name in files if os.lstat(os.path.join(folder, name)).st_size and not os.path.islink(os.path.join(folder, name))]
        expect(not full, f"egress can reach {full} in {folder}")


def check_egress(family):
    """Own id, no capability, no_new_privs and its own filter on every thread, a root without content. Returns a line about it."""
    ids = set()
    threads = observe.threads(family.egress)
    for thread in threads:
        status = observe.status(family.egress, thread)
        ids.add(status["Uid"])
        left = {name: status[name] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb") if status[name].strip("0")}
        expect(not left, f"capabilities of egress thread {thread}: {left}")
        expect_equal((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"), f"no_new_privs and seccomp of egress thread {thread}")
    expect_equal(len(ids), 1, "different ids among the threads of egress")
    own = set(ids.pop().split())
    expect(len(own) == 1, f"real, effective, saved and file system id of egress differ: {own}")
    if os.geteuid() == 0:
        expect(own != {"0"}, "egress has id 0")
        for pid, name in ((family.init, "akios-init"), (family.agent, "the agent")):
            expect(own.isdisjoint(observe.status(pid)["Uid"].split()), f"egress and {name} share the id {own}")
    check_root(family.egress)
    return f"{len(threads)} threads of egress as id {own.pop()}"
