"""The attacks, a row each: what it tries, its source, and the answers that count as refused. `attack()` must succeed in the arena
without a cage; in the cage it must end with one of `refused` and leave no trace in the arena. docs/peers.md says which of them
answers which lesson."""

import probes_addresses
import probes_files
import probes_http
import probes_http2
import probes_kernel
import probes_limits
import probes_sockets
import probes_tls

ALL = sum((part.ALL for part in (
    probes_files, probes_kernel, probes_sockets, probes_addresses, probes_tls, probes_http, probes_http2, probes_limits)), ())
