// akios-exec: the launcher. Everything is in the Launcher target; this is where the process begins.

import Glibc
import Launcher

exit(Launcher.main())
