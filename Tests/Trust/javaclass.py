"""A Java class without a compiler, which Debian's runtime does not bring: main(url) copies what the URL answers to standard output."""

import struct

PUBLIC_STATIC, PUBLIC_SUPER = 0x0009, 0x0021


class Pool:
    """The constant pool: each constant once, numbered from 1."""

    def __init__(self):
        self.constants = []

    def add(self, constant):
        if constant not in self.constants:
            self.constants.append(constant)
        return self.constants.index(constant) + 1

    def text(self, value):
        return self.add(b"\x01" + struct.pack(">H", len(value)) + value.encode())

    def type(self, name):
        return self.add(b"\x07" + struct.pack(">H", self.text(name)))

    def member(self, tag, owner, name, descriptor):
        pair = self.add(b"\x0c" + struct.pack(">HH", self.text(name), self.text(descriptor)))
        return struct.pack(">H", self.add(bytes([tag]) + struct.pack(">HH", self.type(owner), pair)))

    def bytes(self):
        return struct.pack(">H", len(self.constants) + 1) + b"".join(self.constants)


def fetch(name="Fetch"):
    """The bytes of `name`.class."""
    pool = Pool()
    field = lambda *words: pool.member(9, *words)
    method = lambda *words: pool.member(10, *words)
    code = b"".join([
        b"\xbb" + struct.pack(">H", pool.type("java/net/URL")), b"\x59",  # new URL; dup
        b"\x2a\x03\x32", b"\xb7" + method("java/net/URL", "<init>", "(Ljava/lang/String;)V"),  # (arguments[0])
        b"\xb6" + method("java/net/URL", "openStream", "()Ljava/io/InputStream;"),
        b"\xb2" + field("java/lang/System", "out", "Ljava/io/PrintStream;"),
        b"\xb6" + method("java/io/InputStream", "transferTo", "(Ljava/io/OutputStream;)J"), b"\x58",  # pop2
        b"\xb2" + field("java/lang/System", "out", "Ljava/io/PrintStream;"),
        b"\xb6" + method("java/io/PrintStream", "flush", "()V"), b"\xb1",  # return
    ])
    body = struct.pack(">HHI", 4, 1, len(code)) + code + struct.pack(">HH", 0, 0)
    main = struct.pack(">HHHH", PUBLIC_STATIC, pool.text("main"), pool.text("([Ljava/lang/String;)V"), 1)
    main += struct.pack(">HI", pool.text("Code"), len(body)) + body
    shape = struct.pack(">HHH", PUBLIC_SUPER, pool.type(name), pool.type("java/lang/Object"))
    # Version 53 is Java 9's; no interfaces, no fields, one method, no attributes.
    return b"\xca\xfe\xba\xbe" + struct.pack(">HH", 0, 53) + pool.bytes() + shape + struct.pack(">HHH", 0, 0, 1) + main + struct.pack(">H", 0)
