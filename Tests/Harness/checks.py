"""One line per check and a closing count, the same in every suite that drives the real binaries.

A check that cannot run here says why and counts as skipped; AKIOS_TESTS_MUST_RUN=1 (set in CI) turns that into a
failure, so that a skip never hides behind a green build."""

import os
import sys
import traceback


class Skip(Exception):
    """This machine lacks what the check needs; the text says what."""


class Absent(Skip):
    """The same for what no target of the Makefile installs: it may be missing anywhere."""


class Failure(AssertionError):
    """The product did not do what the check asks; the text says what it did."""


def expect(condition, why):
    if not condition:
        raise Failure(why)


def expect_equal(got, want, what):
    if got != want:
        raise Failure(f"{what}: got {got!r}, want {want!r}")


class Suite:
    def __init__(self, name):
        self.name = name
        self.checks = []
        self.counts = {"passed": 0, "failed": 0, "skipped": 0}

    def check(self, title):
        """Registers the decorated function; its title is the line that a person reads."""

        def register(function):
            self.checks.append((title, function))
            return function

        return register

    def line(self, word, title, why=""):
        tail = f": {why}" if why else ""
        print(f"{word:<4} {title}{tail}", flush=True)

    def record(self, title, outcome, why=""):
        """Counts one result. `outcome` is passed, failed or skipped."""
        if outcome == "skipped" and os.environ.get("AKIOS_TESTS_MUST_RUN") == "1":
            outcome, why = "failed", f"skipped although AKIOS_TESTS_MUST_RUN=1: {why}"
        self.counts[outcome] += 1
        self.line({"passed": "ok", "failed": "FAIL", "skipped": "skip"}[outcome], title, why)

    def run(self, arguments=None):
        """Runs the registered checks (those whose title holds one of `arguments`) and returns the exit status."""
        wanted = [a for a in (sys.argv[1:] if arguments is None else arguments) if not a.startswith("-")]
        for title, function in self.checks:
            if wanted and not any(w in title for w in wanted):
                continue
            try:
                detail = function()
            except Absent as reason:
                self.counts["skipped"] += 1
                self.line("skip", title, str(reason))
            except Skip as reason:
                self.record(title, "skipped", str(reason))
            except Failure as why:
                self.record(title, "failed", " ".join(str(why).split())[:600])
            except Exception as error:  # a broken check is a failed check, never the end of the suite
                where = traceback.extract_tb(error.__traceback__)[-1]
                self.record(title, "failed", f"{type(error).__name__}: {error} ({os.path.basename(where.filename)}:{where.lineno})")
            else:
                self.record(title, "passed", detail if isinstance(detail, str) else "")
        return self.finish()

    def finish(self):
        c = self.counts
        print(f"{c['passed']} passed, {c['failed']} failed, {c['skipped']} skipped", flush=True)
        ran = c["passed"] + c["failed"] + c["skipped"]
        return 1 if c["failed"] or ran == 0 else 0
