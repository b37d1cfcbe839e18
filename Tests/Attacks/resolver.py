"""The arena's name server: real answers for the names of the probes, loot for all others, and a note of who asked for what."""

import socket
import struct

HARMLESS = "8.8.8.8"
# Where the granted names lead that nobody should follow. A list is answered whole; a list of lists one after the other.
ZONE = {
    "loop": ["127.0.0.2"], "zero": ["0.0.0.0"], "mapped": ["::ffff:127.0.0.2"], "six": ["::1"], "private": ["10.0.0.8"],
    "shared": ["100.64.0.9"], "unique": ["fd00::8"], "linklocal": ["169.254.169.254"], "mixed": [HARMLESS, "127.0.0.2"],
    "alias": ["127.0.0.2"], "rebind": [[HARMLESS], ["127.0.0.2"]],
}


class Zone:
    def __init__(self, note):
        self.note, self.asked = note, {}

    def addresses(self, name, family):
        """Addresses of a name of the zone, or None for a name that nobody granted."""
        label, _, rest = name.partition(".")
        if rest != "example" or label not in ZONE:
            return None
        found = ZONE[label]
        if isinstance(found[0], list):
            turn = self.asked[name, family] = self.asked.get((name, family), -1) + 1
            found = found[turn % len(found)]
        return [a for a in found if (":" in a) == (family == socket.AF_INET6)]

    def answer(self, packet):
        name, end = [], 12
        while end < len(packet) and packet[end]:
            name.append(packet[end + 1:end + 1 + packet[end]].decode(errors="replace"))
            end += packet[end] + 1
        kind, = struct.unpack(">H", packet[end + 1:end + 3])
        family = {1: socket.AF_INET, 28: socket.AF_INET6}.get(kind)
        name = ".".join(name)
        found = self.addresses(name, family)
        if found is None:
            # Loot: an address of the arena, and its word in a text record for those who look.
            self.note(f"dns {name}")
            found = [HARMLESS] if kind == 1 else []
            extra = b"\xc0\x0c" + struct.pack(">HHIH", 16, 1, 0, 6) + b"\x05ARENA"
        else:
            extra = b""
        records, start = [], b"\xc0\x0c"
        if name == "alias.example":
            records.append(b"\xc0\x0c" + struct.pack(">HHIH", 5, 1, 0, 14) + b"\x04loop\x07example\0")
            start = b"\x04loop\x07example\0"
        for text in found if family else []:
            raw = socket.inet_pton(family, text)
            records.append(start + struct.pack(">HHIH", kind, 1, 0, len(raw)) + raw)
        counts = struct.pack(">HHHH", 1, len(records), 0, 1 if extra else 0)
        return packet[:2] + b"\x81\x80" + counts + packet[12:end + 5] + b"".join(records) + extra
