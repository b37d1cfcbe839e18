"""What a probe is: a row that the suite runs twice, without a cage and in one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    name: str
    tries: str
    # Python source that defines `attack()`, for prelude.py to stand before.
    code: str
    # What counts as refused: an errno, or the words of another exception.
    refused: tuple = ("EPERM",)
    # errno outside that means: this kernel has no such thing, so there is nothing to refuse.
    absent: tuple = ()
    # The record kind that the log must hold afterwards.
    record: str = ""
    # A line of `network_access` that stands for everything that the other probes are granted.
    grants: str = ""
    # A trace that the profile allows.
    allowed: str = ""
