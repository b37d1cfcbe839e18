"""A terminal for programs that want one: a pty whose other end a test types into and reads."""

import contextlib
import fcntl
import os
import re
import select
import signal
import struct
import subprocess
import termios
import time

from checks import Failure


class Terminal:
    """Runs `command` as leader of a session with this terminal. Use as a context."""

    def __init__(self, command, cwd=None, env=None, size=(24, 80)):
        self.master, self.slave = os.openpty()
        self.resize(*size)
        # os.setsid and TIOCSCTTY in the child: without a controlling terminal there is no Ctrl-C.
        self.process = subprocess.Popen(
            command, cwd=cwd, env={**os.environ, "TERM": "xterm", "PS1": "prompt> ", **(env or {})}, stdin=self.slave, stdout=self.slave,
            stderr=self.slave, preexec_fn=self._own_terminal, close_fds=True)
        self.heard = ""

    def _own_terminal(self):
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(ProcessLookupError):
            if self.process.poll() is None:
                # Hang up the session that this object made; the group is the leader's own.
                os.killpg(self.process.pid, signal.SIGHUP)
                try:
                    self.process.wait(15)
                except subprocess.TimeoutExpired:
                    self.process.kill()
                    self.process.wait()
        os.close(self.master)
        os.close(self.slave)

    def resize(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def type(self, text):
        os.write(self.master, text.encode())

    def modes(self):
        return termios.tcgetattr(self.slave)[:4]

    def foreground(self):
        return os.tcgetpgrp(self.slave)

    def wait_for(self, pattern, timeout=60):
        """Reads until the regular expression occurs; what was read up to its end is consumed. Returns the match."""
        end = time.monotonic() + timeout
        while True:
            found = re.search(pattern, self.heard)
            if found:
                self.heard = self.heard[found.end():]
                return found
            ready, _, _ = select.select([self.master], [], [], max(0.0, min(0.2, end - time.monotonic())))
            if ready:
                self.heard += os.read(self.master, 65536).decode(errors="replace")
            elif time.monotonic() > end or (self.process.poll() is not None and not ready):
                ended = f", ended with {self.process.returncode}" if self.process.poll() is not None else ""
                raise Failure(f"{pattern!r} never came{ended}; the terminal shows {self.heard[-400:]!r}")

    def wait(self, timeout=60):
        """Waits for the end while reading, as a terminal must, and gives the status (negative: signal)."""
        end = time.monotonic() + timeout
        while self.process.poll() is None:
            if time.monotonic() > end:
                raise Failure(f"still running; the terminal shows {self.heard[-400:]!r}")
            ready, _, _ = select.select([self.master], [], [], 0.05)
            if ready:
                self.heard += os.read(self.master, 65536).decode(errors="replace")
        return self.process.returncode
