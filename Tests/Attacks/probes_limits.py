"""Lists that grant nothing: an empty one is not the same as none for those who forget to ask."""

from probe import Probe

ASK = '''
def attack(): return accepted(exchange(tls("api.openai.com"), request("GET", "/v1/models", "api.openai.com")))'''

ALL = (
    Probe("empty-list", "a host under an empty list of hosts", ASK, ("Refused: 403",), record="request.refused", grants="allowlist: []"),
    Probe("no-list", "a host where no list stands at all", ASK, ("Refused: 403",), record="request.refused", grants="denylist: []"),
    Probe("other-host-only", "a host beside the only one that is granted", ASK, ("Refused: 403",), record="request.refused",
          grants="allowlist: [{host: gullible.example, paths: [/open]}]"),
)
