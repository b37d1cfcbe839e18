"""A corporate proxy on loopback: takes CONNECT with a login, leads every host to one port, and remembers what it was asked."""

import base64
import contextlib
import socket
import threading


class ConnectProxy:
    """Use as a context. `login` is USER:PASSWORD; `refuses` is a status line in place of a yes."""

    def __init__(self, target, login=None, refuses=None):
        self.target, self.login, self.refuses = target, login, refuses
        self.asked = []

    def __enter__(self):
        self.server = socket.create_server(("127.0.0.1", 0))
        self.port = self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *_):
        self.server.close()

    def _accept(self):
        while True:
            try:
                peer, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(peer,), daemon=True).start()

    def _serve(self, peer):
        with peer, contextlib.suppress(OSError):
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                part = peer.recv(1)
                if not part:
                    return
                head += part
            lines = head.decode().split("\r\n")
            self.asked.append(lines[0])
            wanted = self.login and "Basic " + base64.b64encode(self.login.encode()).decode()
            if wanted and f"Proxy-Authorization: {wanted}" not in lines:
                return peer.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            if self.refuses:
                return peer.sendall(f"HTTP/1.1 {self.refuses}\r\nContent-Length: 0\r\n\r\n".encode())
            with socket.create_connection(("127.0.0.1", self.target)) as host:
                peer.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                back = threading.Thread(target=self._pump, args=(host, peer), daemon=True)
                back.start()
                self._pump(peer, host)
                back.join()

    @staticmethod
    def _pump(source, sink):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
