# What stands before every probe: constants, raw calls with errno, and ARENA, the facts of the place (argv[1]).
# A probe defines attack(); what it returns is the loot. This file is source text for `python3 -c`, inside and outside the cage.
import ctypes, errno, json, os, pty, signal, socket, struct, sys

ARENA = json.loads(sys.argv[1])
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long


class Refused(Exception):
    pass


def call(number, *arguments):
    """A raw system call; integers go as 64 bits, so that a filter sees all of them."""
    words = [ctypes.c_ulong(a & (1 << 64) - 1) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *words)
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def in_child(function):
    """Runs `function` in a child and gives its errno back as an exception here."""
    pid = os.fork()
    if pid == 0:
        try:
            function()
            os._exit(0)
        except OSError as error:
            os._exit(error.errno or 255)
        except BaseException:
            os._exit(254)
    _, status = os.waitpid(pid, 0)
    if os.WIFSIGNALED(status):
        raise Refused("killed by " + signal.Signals(os.WTERMSIG(status)).name)
    if os.WEXITSTATUS(status):
        raise OSError(os.WEXITSTATUS(status), os.strerror(os.WEXITSTATUS(status)))


def arena_answer(peer, send=b""):
    """Only the arena's own answer counts as out; the cage's resolver and proxy may answer as well."""
    peer.settimeout(5)
    if send:
        peer.sendall(send)
    data = peer.recv(200)
    if b"ARENA" not in data:
        raise Refused("answered by the cage, not by the arena")
    return "the arena answered"


def dns_query(name):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def run(attack):
    try:
        loot = attack()
    except OSError as error:
        print("NO", errno.errorcode.get(error.errno, type(error).__name__), flush=True)
    except Exception as error:
        print("NO", f"{type(error).__name__}: {error}", flush=True)
    else:
        print("GOT", str(loot)[:100], flush=True)
