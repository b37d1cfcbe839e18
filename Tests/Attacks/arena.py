"""The arena: a throw-away set of namespaces with an internet of its own, in which every attack can be seen to work.

`unshare` gives new mount, network, process, IPC and host-name namespaces. On the arena's loopback live 8.8.8.8 and a
documentation IPv6 address, the metadata service and others that no agent should reach, with listeners that answer ARENA and
remember who called, a name server (resolver.py) and a gullible host (gullible.py). Probes run here with root's powers and
must succeed; then the same probe runs in a cage *inside* the arena, where whatever escaped would reach the same listeners.
Nothing outside the arena is touched, mounted or killed."""

import ctypes
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

from gullible import Gullible
from resolver import Zone

V4, V6 = "8.8.8.8", "2001:db8::8"
METADATA = "169.254.169.254"
# Where the gullible host listens.
GULLIBLE = ("127.0.0.2", "::1", "10.0.0.8", "100.64.0.9", "fd00::8", METADATA)
NAMES = ("api.openai.com", "api.anthropic.com", "evil.example")


def enter():
    """Runs this program again inside the arena's namespaces, unless it is there already."""
    if os.environ.get("AKIOS_ARENA") == "1":
        return
    words = ["unshare", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--mount-proc"]
    if os.geteuid() != 0:
        words += ["--map-root-user"]
    os.environ["AKIOS_ARENA"] = "1"
    os.execvp(words[0], [*words, sys.executable, *sys.argv])


def shared_memory(content):
    """A segment of System V's shared memory with `content`."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.shmat.restype = ctypes.c_void_p
    segment = libc.shmget(0x616B, 64, 0o1600)
    if segment < 0:
        raise OSError(ctypes.get_errno(), "shmget")
    ctypes.memmove(libc.shmat(segment, None, 0), content, len(content))
    return segment


def quiet(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Arena:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.hits = []
        self.open = []
        self.gullible = Gullible(self.folder)

    def __enter__(self):
        ip = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        quiet(ip, "link", "set", "lo", "up")
        quiet(ip, "link", "set", "lo", "multicast", "on")
        for address in (V4, METADATA, "10.0.0.8", "100.64.0.9"):
            quiet(ip, "address", "add", f"{address}/32", "dev", "lo")
        for address in (V6, "fd00::8"):
            quiet(ip, "-6", "address", "add", f"{address}/128", "dev", "lo", "nodad")
        quiet(ip, "route", "add", "224.0.0.0/4", "dev", "lo")
        pathlib.Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        # The arena's own resolver and hosts file, so that a name that is looked up on the host is seen here.
        self._cover("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        self._cover("/etc/hosts", "127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in NAMES) + "127.0.0.2 gullible.example\n")
        # A place outside the workspace that an unconfined process may write to.
        for place in ("/media", "/dev/shm"):
            quiet("mount", "-t", "tmpfs", "-o", "mode=1777", "arena", place)
        pathlib.Path("/dev/shm/akios-arena").write_text("canary")
        self.segment = shared_memory(b"canary")

        tcp = [(V4, 53), (V4, 443), (V4, 8443), (V4, 1), (METADATA, 80), ("127.0.0.1", 1), ("127.0.0.1", 80), ("127.0.0.1", 7777)]
        for address in tcp:
            self._serve(self._listen(socket.AF_INET, address), f"tcp {address}")
        self._serve(self._listen(socket.AF_INET6, (V6, 443)), f"tcp {(V6, 443)}")
        self._serve(self._listen(socket.AF_UNIX, "\0akios-arena"), "unix")
        # One that reads the name in a hello as a C string, as a peer's allow-list did.
        self._serve(self._listen(socket.AF_INET, ("127.0.0.1", 8444)), "tcp as a C string", b"api.openai.com\0")
        for address in GULLIBLE:
            self.gullible.listen(self._listen(socket.AF_INET6 if ":" in address else socket.AF_INET, (address, 443)))
        for address in ((V4, 443), (V4, 123)):
            self._serve_udp(address, lambda packet: b"ARENA")
        zone = Zone(self.hits.append)
        for address in ((V4, 53), ("127.0.0.1", 53)):
            self._serve_udp(address, zone.answer)
        return self

    def __exit__(self, *_):
        for listener in self.open:
            listener.close()

    def traces(self, since=(0, 0)):
        """What arrived since `since` that no profile of the arena allows, and where to begin the next time."""
        led = [f"gullible {r}" for r in self.gullible.reached[since[1]:] if r[0] != "gullible.example" or not r[2].startswith("/open")]
        return self.hits[since[0]:] + led, (len(self.hits), len(self.gullible.reached))

    def listen_in(self, workspace):
        """A Unix listener in the workspace: path sockets do not care about network namespaces."""
        path = str(workspace / "host.sock")
        listener = self._listen(socket.AF_UNIX, path)
        os.chmod(path, 0o777)
        self._serve(listener, f"unix {path}")

    def victim(self):
        return subprocess.Popen(["sleep", "600"])

    def _cover(self, path, text):
        copy = self.folder / pathlib.Path(path).name
        copy.write_text(text)
        quiet("mount", "--bind", str(copy), os.path.realpath(path))

    def _listen(self, family, address):
        listener = socket.socket(family, socket.SOCK_STREAM)
        if family != socket.AF_UNIX:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
        listener.listen(16)
        self.open.append(listener)
        return listener

    def _serve(self, listener, name, password=b""):
        """Answers ARENA to every caller; with a password, to those who say it."""
        def loop():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                self.hits.append(name)
                try:
                    if not password or password in peer.recv(4096):
                        peer.sendall(b"ARENA")
                    peer.close()
                except OSError:
                    continue  # the caller left; it is counted

        threading.Thread(target=loop, daemon=True).start()

    def _serve_udp(self, address, answer):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(address)
        self.open.append(server)

        def loop():
            while True:
                try:
                    packet, peer = server.recvfrom(2048)
                except OSError:
                    return
                if address[0] == V4:
                    self.hits.append(f"udp {address}")
                server.sendto(answer(packet), peer)

        threading.Thread(target=loop, daemon=True).start()


