#!/usr/bin/env python3
"""A second verifier for session folders: verify.py FOLDER VKEY. Exit 0 yes, 1 no. Written from the formats' own
specifications (RFC 8785, RFC 9162, C2SP signed-note and tlog-checkpoint), sharing no code with the first."""
import base64, hashlib, json, pathlib, sys
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def root(leaves):
    """RFC 9162 section 2.1.1, as it is written there."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    k = 1
    while k * 2 < len(leaves):
        k *= 2
    return hashlib.sha256(b"\x01" + root(leaves[:k]) + root(leaves[k:])).digest()


def open_note(raw, name, key_id, key):
    text, _, signatures = raw.rpartition(b"\n\n")
    text += b"\n"
    for line in signatures.decode().splitlines():
        dash, signer, blob = line.split(" ")
        assert dash == "\u2014"
        blob = base64.b64decode(blob, validate=True)
        if signer == name and blob[:4] == key_id:
            key.verify(blob[4:], text)  # raises
            return text.decode()
    raise ValueError("no signature by " + name)


def main(folder, vkey):
    name, hexid, blob = pathlib.Path(vkey).read_text().strip().split("+", 2)
    blob = base64.b64decode(blob, validate=True)
    assert blob[0] == 1
    key_id = hashlib.sha256(name.encode() + b"\n" + blob).digest()[:4]
    assert key_id.hex() == hexid
    key = Ed25519PublicKey.from_public_bytes(blob[1:])

    log = (folder / "audit.jsonl").read_bytes()
    assert log.endswith(b"\n")
    leaves = log[:-1].split(b"\n")
    for seq, leaf in enumerate(leaves):
        record = json.loads(leaf)
        # Enough of RFC 8785 for records: no floats, and no key beyond the first plane.
        assert json.dumps(record, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode() == leaf
        assert sorted(record) == ["data", "kind", "seq", "session", "ts", "v"] and record["v"] == 1
        assert record["seq"] == str(seq) and record["session"] == json.loads(leaves[0])["session"]
        assert (record["kind"] == "session.start") == (seq == 0)
    assert json.loads(leaves[-1])["kind"] in ("session.end", "session.crashed")

    sizes = []
    for note in sorted((folder / "checkpoints").iterdir()):
        if note.name.startswith("."):
            continue
        origin, size, hashed = open_note(note.read_bytes(), name, key_id, key).split("\n")[:3]
        assert origin == name + "/" + json.loads(leaves[0])["session"]
        assert int(size) <= len(leaves) and base64.b64decode(hashed) == root(leaves[: int(size)])
        sizes.append(int(size))
    assert max(sizes) == len(leaves)


if __name__ == "__main__":
    try:
        main(pathlib.Path(sys.argv[1]), sys.argv[2])
    except Exception as why:
        print("no:", type(why).__name__, why, file=sys.stderr)
        sys.exit(1)
