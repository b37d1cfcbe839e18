"""A person at a terminal: interrupt, stop and continue, a pager, a window that changes its size."""

import os
import shlex
import signal

from checks import expect, expect_equal
from product import PYTHON, Ground, Upstream
from terminal import Terminal

WAITER = r'''
import sys, time
print("ready", flush=True)
for line in sys.stdin: print("heard", line.strip(), flush=True)
'''

# os.write in handlers: Python's print may not be entered twice.
RESIZED = r'''
import os, signal
def show(*_): os.write(1, b"size %d %d\n" % os.get_terminal_size()[::-1])
signal.signal(signal.SIGWINCH, show)
os.write(1, b"ready\n")
while True: signal.pause()
'''


def script(folder, command):
    """A script that becomes `command`, so that a test types three words and not forty."""
    path = folder / "go"
    path.write_text("exec " + shlex.join(map(str, command)) + "\n")
    return path


def register(suite):
    @suite.check("Ctrl-C: the agent is interrupted, 130, and the terminal is as before")
    def interrupt():
        with Upstream() as upstream, Ground() as ground:
            session = ground.new_session()
            command = ground.command(["/bin/sh", "-c", "echo ready; exec sleep 100"], upstream.profile(), session=session)
            with Terminal(command, cwd=ground.workspace()) as terminal:
                before = terminal.modes()
                terminal.wait_for("ready")
                terminal.type("\x03")
                expect_equal(terminal.wait(), 130, "status")
                expect_equal(terminal.modes(), before, "terminal modes")

    @suite.check("Ctrl-C belongs to the agent: one that catches it goes on")
    def caught():
        code = r'''
import os, signal
def stop(*_): os.write(1, b"caught\n"); os._exit(7)
signal.signal(signal.SIGINT, stop)
os.write(1, b"ready\n")
while True: signal.pause()
'''
        with Upstream() as upstream, Ground() as ground:
            command = ground.command([PYTHON, "-c", code], upstream.profile(), session=ground.new_session())
            with Terminal(command, cwd=ground.workspace()) as terminal:
                terminal.wait_for("ready")
                terminal.type("\x03")
                terminal.wait_for("caught")
                expect_equal(terminal.wait(), 7, "status")

    @suite.check("Ctrl-Z and fg under an interactive bash")
    def stop_and_continue():
        with Upstream() as upstream, Ground() as ground:
            command = ground.command([PYTHON, "-c", WAITER], upstream.profile(), session=ground.new_session())
            go = script(ground.folder, command)
            with Terminal(["bash", "--norc", "--noprofile", "-i"], cwd=ground.workspace()) as terminal:
                terminal.wait_for("prompt> ")
                terminal.type(f"sh {go}\n")
                terminal.wait_for(r"[\r\n]ready")
                terminal.type("one\n")
                terminal.wait_for("heard one")
                terminal.type("\x1a")
                terminal.wait_for("Stopped")
                terminal.wait_for("prompt> ")
                terminal.type("echo shell-$((40+2))\n")
                terminal.wait_for("shell-42")
                terminal.type("fg\n")
                terminal.type("two\n")
                terminal.wait_for("heard two")
                terminal.type("\x04")
                terminal.wait_for("prompt> ")
                terminal.type("echo status-$?\n")
                expect_equal(terminal.wait_for(r"status-(\d+)").group(1), "0", "status after fg")
                terminal.type("exit\n")
                terminal.wait()

    @suite.check("Ctrl-Z where no shell could continue the job stops nothing")
    def nobody_to_continue():
        with Upstream() as upstream, Ground() as ground:
            command = ground.command([PYTHON, "-c", WAITER], upstream.profile(), session=ground.new_session())
            # The leader of the terminal's session itself, as ssh -t and a terminal's own -e start a program.
            with Terminal(command, cwd=ground.workspace()) as terminal:
                terminal.wait_for("ready")
                terminal.type("\x1a")
                terminal.type("one\n")
                terminal.wait_for("heard one")
                terminal.type("\x04")
                expect_equal(terminal.wait(), 0, "status")

    @suite.check("Ctrl-Z and fg of a pipeline: the keyboard stays the pager's")
    def pipeline():
        with Upstream() as upstream, Ground() as ground:
            work = ground.workspace()
            # More than a pipe holds, so that the agent is still there when the keys are typed.
            (work / "long").write_text("".join(f"line number {n}\n" for n in range(1, 50001)))
            go = script(ground.folder, ground.command(["cat", "long"], upstream.profile(), session=ground.new_session()))
            with Terminal(["bash", "--norc", "--noprofile", "-i"], cwd=work) as terminal:
                terminal.wait_for("prompt> ")
                terminal.type(f"sh {go} | less\n")
                # Its prompt. A stop that comes before less reads waits there for the next key; to the shell that one is nothing.
                terminal.wait_for(r"line number 20[^:]*:\x1b\[K")
                terminal.type("\x1a\x0c")
                terminal.wait_for("Stopped")
                terminal.wait_for("prompt> ")
                terminal.type("fg\n")
                terminal.wait_for(r"line number 20[^:]*:\x1b\[K")
                terminal.type("/number 99\n")
                terminal.wait_for("line number 110")
                terminal.type("q")
                terminal.wait_for("prompt> ")
                terminal.type("exit\n")
                terminal.wait()

    @suite.check("standard input from somebody else's terminal: the agent runs, and takes neither")
    def foreign_terminal():
        with Upstream() as upstream, Ground() as ground:
            go = script(ground.folder, ground.command(["/bin/sh", "-c", "echo ran"], upstream.profile(), session=ground.new_session()))
            other, its = os.openpty()
            try:
                with Terminal(["/bin/sh", "-c", f"exec <{os.ttyname(its)}; . {go}"], cwd=ground.workspace()) as terminal:
                    terminal.wait_for("[\\r\\n]*ran")
                    expect_equal(terminal.wait(), 0, "status")
            finally:
                os.close(other)
                os.close(its)

    @suite.check("less: draws, scrolls, quits")
    def pager():
        with Upstream() as upstream, Ground() as ground:
            work = ground.workspace()
            (work / "long").write_text("".join(f"line number {n}\n" for n in range(1, 501)))
            command = ground.command(["less", "long"], upstream.profile(), session=ground.new_session())
            with Terminal(command, cwd=work) as terminal:
                before = terminal.modes()
                terminal.wait_for("line number 20")
                terminal.type("G")
                terminal.wait_for("line number 500")
                terminal.type("q")
                expect_equal(terminal.wait(), 0, "status")
                expect_equal(terminal.modes(), before, "terminal modes")

    @suite.check("resize: the agent hears of the new size")
    def resize():
        with Upstream() as upstream, Ground() as ground:
            command = ground.command([PYTHON, "-c", RESIZED], upstream.profile(), session=ground.new_session())
            with Terminal(command, cwd=ground.workspace()) as terminal:
                terminal.wait_for("ready")
                terminal.resize(50, 132)
                expect_equal(terminal.wait_for(r"size (\d+ \d+)").group(1), "50 132", "size")
                terminal.type("\x03")
                expect_equal(terminal.wait(), 130, "status")

    @suite.check("TERM is forwarded, HUP of the terminal ends the run")
    def forwarded():
        code = r'''
import os, signal
def stop(*_): os.write(1, b"got TERM\n"); os._exit(9)
signal.signal(signal.SIGTERM, stop)
os.write(1, b"ready\n")
while True: signal.pause()
'''
        with Upstream() as upstream, Ground() as ground:
            with ground.start(code, upstream.profile()) as live:
                live.wait_for("ready")
                live.process.send_signal(signal.SIGTERM)
                run = live.finish()
                expect("got TERM" in run.out and run.status == 9, run.tail())
            command = ground.command(["sleep", "100"], upstream.profile(), session=ground.new_session())
            with Terminal(["/bin/sh", "-c", f"echo up; . {script(ground.folder, command)}"], cwd=ground.workspace()) as terminal:
                terminal.wait_for("up")
                os.kill(terminal.process.pid, signal.SIGHUP)
                expect(terminal.wait() in (129, -1), f"status {terminal.process.returncode}")
