// akios-egress: the proxy. Started by akios-exec with one descriptor and nothing else; see docs/process-model.md.

import Egress
import Glibc

exit(EgressProcess.run())
