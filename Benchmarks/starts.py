"""How long until a program runs: bare, under bwrap, in the cage; interleaved, so that the machine's mood is the same for all."""

import os
import shutil
import statistics
import subprocess
import time

from checks import Failure, Skip
from product import accept_tier, binary, compile_static


def once(command, cwd):
    """(nanoseconds to the program's first instruction, nanoseconds to the end of everything)"""
    read, write = os.pipe()
    null = os.open("/dev/null", os.O_RDWR)
    here = os.getcwd()
    os.chdir(cwd)
    try:
        start = time.monotonic_ns()
        pid = os.posix_spawn(
            command[0], command, os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, write, 1), (os.POSIX_SPAWN_DUP2, null, 0), (os.POSIX_SPAWN_DUP2, null, 2)])
        status = os.waitpid(pid, 0)[1]
        end = time.monotonic_ns()
    finally:
        os.chdir(here)
        os.close(write)
        os.close(null)
    said = os.read(read, 100)
    os.close(read)
    if status or not said:
        raise Failure(f"{command[0]}: status {os.waitstatus_to_exitcode(status)}")
    return int(said) - start, end - start


def bwrap_words(workspace):
    bwrap = shutil.which("bwrap")
    if not bwrap:
        raise Skip("bwrap is not installed")
    return [
        bwrap, "--unshare-all", "--die-with-parent", "--ro-bind", "/usr", "/usr", "--symlink", "usr/lib", "/lib", "--symlink", "usr/lib64",
        "/lib64", "--symlink", "usr/bin", "/bin", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--bind", str(workspace), str(workspace),
        "--chdir", str(workspace), "--"]


def measure(ground, profiles, source, count):
    """{name: {"start": p50 ms to main, "whole": p50 ms to exit, "p90": ...}} for bare, bwrap and each profile."""
    workspace = ground.workspace()
    clock = str(compile_static(source, workspace / "clock"))
    commands = {"bare": lambda: [clock], "bwrap": lambda: [*bwrap_words(workspace), clock]}
    for name, profile in profiles.items():
        commands[name] = lambda profile=profile: [
            binary("akios-exec"), *accepted, "--quiet", "--profile", str(profile), "--session-dir", str(ground.new_session()), "--", clock]
    accepted = accept_tier()
    taken = {name: [] for name in commands}
    for turn in range(count + 5):
        for name, command in commands.items():
            pair = once(command(), workspace)
            if turn >= 5:  # the first ones warm the page cache
                taken[name].append(pair)
    result = {}
    for name, pairs in taken.items():
        start, whole = [a / 1e6 for a, _ in pairs], [b / 1e6 for _, b in pairs]
        result[name] = {
            "start": statistics.median(start), "start_p90": statistics.quantiles(start, n=10)[8], "whole": statistics.median(whole)}
    return result


def filter_cost(ground, profile, source, file=None, calls=2_000_000, rounds=3):
    """(bare, caged) nanoseconds of one system call, the better of some rounds each: getppid, or reading 4 KiB of `file`."""
    workspace = ground.workspace()
    clock = compile_static(source, workspace / "clock")
    words = [str(clock), str(calls), *([file] if file else [])]
    bare, caged = [], []
    for _ in range(rounds):
        bare.append(float(subprocess.run(words, capture_output=True, text=True, check=True).stdout))
        run = ground.run(words, profile, workspace=workspace)
        if run.status:
            raise Failure(run.tail())
        caged.append(float(run.out))
    return min(bare), min(caged)
