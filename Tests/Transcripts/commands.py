"""What the operator's command says of files, pipes and sessions; and that it never takes a part for the whole."""

import json
import os
import subprocess

from checks import expect, expect_equal
from product import Ground, akios, binary, state_variables


def piped(words, given=b"", out=subprocess.PIPE):
    """(status, stdout, stderr) of one `akios` command that reads these bytes, or what is open already."""
    source = {"input": given} if isinstance(given, bytes) else {"stdin": given}
    done = subprocess.run([binary("akios"), *words], stdout=out, stderr=subprocess.PIPE, timeout=60, **source)
    return done.returncode, done.stdout, done.stderr.decode()


def register(suite):
    @suite.check("a result that cannot be written is an error, whatever the command")
    def full():
        for words in (["profile", "show", "strict"], ["profile", "list"], ["profile", "schema"], ["protect", "types"],
                      ["protect", "redact"]):
            expect_equal(piped(words, b"text")[0], 0, f"{words} before: status")
            with open("/dev/full", "wb") as nowhere:
                status, _, said = piped(words, b"text", nowhere)
            expect_equal(status, 1, f"{words}: status")
            expect("error: the result cannot be written" in said and "hint: " in said, said)

    @suite.check("protect: a folder is named as what it is, and redacted JSON is still JSON")
    def protect():
        with Ground() as ground:
            folder = os.open(ground.folder, os.O_RDONLY)
            try:
                for words in (["redact"], ["redact", "--json"], ["scan", "-"], ["scan", str(ground.folder)]):
                    status, _, said = piped(["protect", *words], folder)
                    expect(status == 1 and "cannot read" in said and "Is a directory" in said, f"{words}: {status} {said}")
            finally:
                os.close(folder)
        text = "é" * 100 + "a@example.com"
        status, redacted, said = piped(["protect", "redact", "--json"], json.dumps([text], ensure_ascii=False).encode())
        expect_equal(status, 0, said)
        expect(json.loads(redacted)[0].endswith("«EMAIL»"), redacted)

    @suite.check("protect types --json lists every type once")
    def types():
        kinds = json.loads(piped(["protect", "types", "--json"])[1])
        names = [kind["type"] for kind in kinds]
        expect(len(names) == len(set(names)) and {"EMAIL", "PRIVATE_KEY"} <= set(names), names)
        table = piped(["protect", "types"])[1].decode().split("\n")[1:-1]
        expect_equal([row.split() for row in table], [[kind["type"], kind["category"]] for kind in kinds], "table")

    @suite.check("sessions: one that cannot be sealed is named with the reason")
    def unsealed():
        with Ground() as ground:
            state = ground.folder / "state"
            log = state / "sessions" / "20260101-000000-aaaaaaaa" / "audit.jsonl"
            log.mkdir(parents=True)
            listed = akios("sessions", "--json", env=state_variables(state))
            expect_equal([row["session"] for row in json.loads(listed.stdout)], ["20260101-000000-aaaaaaaa"], "listed")
            expect("is not sealed" in listed.stderr and "Is a directory" in listed.stderr, listed.stderr)

    @suite.check("logs -n takes any number, and shows what is no record as such")
    def lines():
        with Ground() as ground:
            (ground.folder / "audit.jsonl").write_text("{}\n" * 3 + "{")
            for number, shown in (("0", 0), ("2", 2), ("9223372036854775807", 3)):
                said = akios("logs", ground.folder, "-n", number)
                expect_equal((said.returncode, said.stdout), (0, "(not a record)\n" * shown), f"-n {number}")
                expect("1 bytes behind the last record" in said.stderr, said.stderr)
