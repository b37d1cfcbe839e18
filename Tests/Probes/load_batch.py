"""Sends the netlink messages on stdin to nf_tables of this network namespace, then prints `nft list ruleset`.

Exits 1 with the kernel's errno if any message is refused, or if the expected acknowledgements (argument 1) stay away.
"""

import os
import socket
import struct
import subprocess
import sys

NETLINK_NETFILTER = 12
NLMSG_ERROR = 2

batch = sys.stdin.buffer.read()
netlink = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER)
netlink.bind((0, 0))
netlink.send(batch)
acknowledged = 0
# The kernel works on a batch inside send: what it has to say is there by now.
while acknowledged < int(sys.argv[1]):
    try:
        answer = netlink.recv(65536, socket.MSG_DONTWAIT)
    except BlockingIOError:
        sys.exit(f"{acknowledged} acknowledgements")
    at = 0
    while at < len(answer):
        length, kind, _, sequence, _ = struct.unpack_from("=IHHII", answer, at)
        if kind == NLMSG_ERROR:
            code = -struct.unpack_from("=i", answer, at + 16)[0]
            if code:
                sys.exit(f"message {sequence}: {os.strerror(code)}")
            acknowledged += 1
        at += (length + 3) & ~3
sys.exit(subprocess.run(["nft", "list", "ruleset"]).returncode)
