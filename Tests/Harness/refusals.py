"""An agent that asks for sockets it may not have, and what must be left of each."""

import json

from checks import expect_equal
from product import PYTHON

# Each of these, and what its record must say. Numbers that the module lacks are the kernel's: vsock is 40, alg 38, tipc 30.
WANTED = [
    ("socket", (2, 3, 1), ("inet", "raw", "icmp")),
    ("socket", (2, 2, 1), ("inet", "dgram", "icmp")),
    ("socket", (10, 3, 58), ("inet6", "raw", "icmpv6")),
    ("socket", (2, 3 | 0o2004000, 255), ("inet", "raw", "raw")),
    ("socket", (2, 1, 262), ("inet", "stream", "mptcp")),
    ("socket", (2, 5, 132), ("inet", "seqpacket", "sctp")),
    ("socket", (17, 3, 768), ("packet", "raw", "768")),
    ("socket", (16, 3, 15), ("netlink", "raw", "kobject_uevent")),
    ("socket", (40, 1, 0), ("vsock", "stream", "0")),
    ("socket", (38, 5, 0), ("alg", "seqpacket", "0")),
    ("socketpair", (30, 5, 0), ("tipc", "seqpacket", "0")),
]
ASK = """
import ctypes, errno, json, sys
libc = ctypes.CDLL(None, use_errno=True)
pair = (ctypes.c_int * 2)()
def ask(call, family, kind, number):
    result = libc.socket(family, kind, number) if call == "socket" else libc.socketpair(family, kind, number, pair)
    return "open" if result >= 0 else errno.errorcode[ctypes.get_errno()]
"""
EACH = ASK + 'print(json.dumps([ask(call, *numbers) for call, numbers in json.loads(sys.argv[1])]))'


def refused(run):
    return [r["data"] for r in run.records if r["kind"] == "socket.refused"]


def check_each(run, verified):
    """Every wanted socket was refused by EPERM and is in the log once; the log verifies, as `verify` says."""
    expect_equal(json.loads(run.out), ["EPERM"] * len(WANTED), f"what the agent saw of {WANTED}")
    told = refused(run)
    for call, numbers, words in WANTED:
        want = {"call": call, "count": 1, **dict(zip(("family", "type", "protocol"), words))}
        expect_equal([r for r in told if r == want], [want], f"records of {call}{numbers}")
    expect_equal(verified[0], 0, f"audit verify: {verified[1]}")
    return f"{len(told)} records"


def each():
    return [PYTHON, "-c", EACH, json.dumps([(call, numbers) for call, numbers, _ in WANTED])]
