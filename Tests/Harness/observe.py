"""What the kernel says about processes, read from /proc: who descends from whom, with which ids and filters."""

import os
import pathlib
import time


def name(pid):
    """Last part of argv[0]. Not `comm`: before Linux 6.14 a program started by descriptor is called by its number there."""
    try:
        first = pathlib.Path("/proc", str(pid), "cmdline").read_bytes().split(b"\0")[0]
    except OSError:
        return ""
    return os.path.basename(first.decode(errors="replace"))


def processes():
    """{pid: ppid} of every process that can be seen from here."""
    found = {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                text = pathlib.Path("/proc", entry, "stat").read_text()
            except OSError:
                continue  # ended between listing and reading
            found[int(entry)] = int(text.rpartition(")")[2].split()[1])
    return found


def descendants(pid):
    """[(pid, name)] of all below `pid`, itself left out."""
    table = processes()
    found, front = [], [pid]
    while front:
        parent = front.pop()
        for child, above in table.items():
            if above == parent:
                found.append((child, name(child)))
                front.append(child)
    return found


def child_named(pid, wanted):
    """The descendant of `pid` called `wanted`, or None."""
    return next((child for child, called in descendants(pid) if called == wanted), None)


def status(pid, thread=None):
    """Fields of /proc/PID/status, or of one thread's."""
    path = pathlib.Path("/proc", str(pid), "status") if thread is None else pathlib.Path("/proc", str(pid), "task", str(thread), "status")
    return {key: value.strip() for key, _, value in (line.partition(":") for line in path.read_text().splitlines())}


def threads(pid):
    return sorted(int(t) for t in os.listdir(f"/proc/{pid}/task"))


def with_argument(marker):
    """Pids whose command line holds `marker`, this process and its parents left out."""
    own, found = {os.getpid(), os.getppid()}, []
    for pid in processes():
        try:
            words = pathlib.Path("/proc", str(pid), "cmdline").read_bytes()
        except OSError:
            continue
        if marker.encode() in words and pid not in own:
            found.append(pid)
    return found


def cgroup(pid):
    """Folder of the process's cgroup in the unified hierarchy."""
    for line in pathlib.Path("/proc", str(pid), "cgroup").read_text().splitlines():
        if line.startswith("0::"):
            return pathlib.Path("/sys/fs/cgroup" + line[3:])
    return None


def alive(pid):
    """Whether the process runs; a zombie does not."""
    try:
        return status(pid)["State"][0] not in "ZX"
    except (OSError, KeyError):
        return False


def until(condition, seconds=20.0):
    """Polls until `condition` gives something true and returns it; None when time is up. The bound is a guard, not a measure."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    return None
