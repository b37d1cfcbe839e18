"""The arena: a throw-away set of namespaces with an internet of its own, in which every attack can be seen to work.

`unshare` gives new mount, network, process, IPC and host-name namespaces. On the arena's loopback live 8.8.8.8 and a
documentation IPv6 address, with listeners that answer ARENA and remember who called. Probes run here with root's powers and
must succeed; then the same probe runs in a cage *inside* the arena, where whatever escaped would reach the same listeners.
Nothing outside the arena is touched, mounted or killed."""

import os
import pathlib
import shutil
import socket
import subprocess
import sys
import threading

V4, V6 = "8.8.8.8", "2001:db8::8"
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


def quiet(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL)


class Arena:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.hits = []
        self.open = []

    def __enter__(self):
        ip = shutil.which("ip", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        quiet(ip, "link", "set", "lo", "up")
        quiet(ip, "address", "add", f"{V4}/32", "dev", "lo")
        quiet(ip, "-6", "address", "add", f"{V6}/128", "dev", "lo", "nodad")
        pathlib.Path("/proc/sys/net/ipv4/ping_group_range").write_text("0 2147483647")
        # The arena's own resolver and hosts file, so that a name that is looked up on the host is seen here.
        self._cover("/etc/resolv.conf", "nameserver 127.0.0.1\n")
        self._cover("/etc/hosts", "127.0.0.1 localhost\n" + "".join(f"127.0.0.1 {name}\n" for name in NAMES))
        # A place outside the workspace that an unconfined process may write to.
        quiet("mount", "-t", "tmpfs", "-o", "mode=1777", "arena", "/media")

        tcp = [(socket.AF_INET, (V4, 53)), (socket.AF_INET, (V4, 443)), (socket.AF_INET, (V4, 8443)), (socket.AF_INET6, (V6, 443)), (socket.AF_INET, ("127.0.0.1", 1)),
               (socket.AF_INET, ("127.0.0.1", 7777)), (socket.AF_UNIX, "\0akios-arena")]
        for family, address in tcp:
            self._serve(self._listen(family, address), f"tcp {address}")
        for address in ((V4, 443), (V4, 53), ("127.0.0.1", 53), (V4, 123)):
            self._serve_udp(address)
        return self

    def __exit__(self, *_):
        for listener in self.open:
            listener.close()

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

    def _serve(self, listener, name):
        def loop():
            while True:
                try:
                    peer, _ = listener.accept()
                except OSError:
                    return
                self.hits.append(name)
                try:
                    peer.sendall(b"ARENA")
                    peer.close()
                except OSError:
                    continue  # the caller left; it is counted

        threading.Thread(target=loop, daemon=True).start()

    def _serve_udp(self, address):
        server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        server.bind(address)
        self.open.append(server)

        def loop():
            while True:
                try:
                    _, peer = server.recvfrom(2048)
                except OSError:
                    return
                self.hits.append(f"udp {address}")
                server.sendto(b"ARENA", peer)

        threading.Thread(target=loop, daemon=True).start()


