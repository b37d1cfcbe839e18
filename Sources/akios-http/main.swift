// akios-http: one HTTP request from the command line. Everything is in WebRequest.

import Glibc
import WebRequest

exit(WebRequest.main())
