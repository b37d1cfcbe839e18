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


def dns_query(name, kind=1):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split("."))
    return struct.pack(">HHHHHH", 7, 0x100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", kind, 1)


def tls(name, sni=True, protocol="http/1.1", peer=None, address=None):
    """A TLS connection to `name`, or over `peer`, that believes whoever answers: an attacker does not care."""
    import ssl
    context = ssl._create_unverified_context()
    context.set_alpn_protocols([protocol])
    peer = peer or socket.create_connection(address[:2] if address else (name, 443), 10)
    return context.wrap_socket(peer, server_hostname=name if sni is True else sni)


def request(method, path, host, body=b""):
    head = f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n"
    if body:
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (head + "\r\n").encode() + body


def exchange(peer, data):
    """Sends `data`; everything that comes until the peer ends or is silent after its first word."""
    peer.settimeout(5)
    peer.sendall(data)
    answer = b""
    while True:
        try:
            piece = peer.recv(65536)
        except (TimeoutError, ConnectionResetError):
            return answer
        if not piece:
            return answer
        answer += piece
        peer.settimeout(0.2)


def status(answer):
    """Status of the last answer, as text."""
    words = answer.rpartition(b"HTTP/1.")[2].split(b" ", 2)
    return words[1][:3].decode() if len(words) > 1 else "closed"


def accepted(answer):
    if status(answer)[0] != "2":
        raise Refused(status(answer))
    return status(answer)


def reached(answer, loot=b"REACHED hidden"):
    """Loot, where the gullible host did what no rule allows."""
    if loot not in answer:
        raise Refused("only what is open" if status(answer) == "200" else status(answer))
    return answer[answer.find(loot):][:60].decode()


def h2(name, fields, body, loot):
    """One request over HTTP/2, its fields as they are: literals without Huffman's code, so that nothing straightens them."""
    def text(value):
        value = value.encode() if isinstance(value, str) else value
        size, head = len(value), b""
        if size < 127:
            return bytes([size]) + value
        size -= 127
        while size >= 128:
            head += bytes([size % 128 + 128])
            size //= 128
        return b"\x7f" + head + bytes([size]) + value

    def frame(kind, flags, stream, content):
        return struct.pack(">I", len(content))[1:] + struct.pack(">BBI", kind, flags, stream) + content

    peer = tls(name, protocol="h2")
    peer.settimeout(5)
    block = b"".join(b"\0" + text(key) + text(value) for key, value in fields)
    peer.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0, b"") + frame(1, 4 if body else 5, 1, block))
    if body:
        peer.sendall(frame(0, 1, 1, body))
    stream = peer.makefile("rb")
    data = b""
    while len(head := stream.read(9)) == 9:
        content = stream.read(int.from_bytes(head[:3], "big"))
        kind, flags, of = head[3], head[4], int.from_bytes(head[5:], "big")
        if kind == 0:
            data += content
        if kind == 3:
            raise Refused("reset %d" % int.from_bytes(content, "big"))
        if kind == 7:
            raise Refused("closed %d" % int.from_bytes(content[4:8], "big"))
        if of == 1 and kind < 2 and flags & 1:
            break
    if loot in data:
        return data[data.find(loot):][:60].decode()
    raise Refused("answered by the cage" if b"akios-exec" in data else "only what is open" if data else "closed")


def run(attack):
    try:
        loot = attack()
    except OSError as error:
        print("NO", errno.errorcode.get(error.errno, type(error).__name__), flush=True)
    except Exception as error:
        print("NO", f"{type(error).__name__}: {error}", flush=True)
    else:
        print("GOT", str(loot)[:100], flush=True)
