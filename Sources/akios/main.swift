// akios: the operator's command. Everything is in Operator.

import Operator

AkiosCommand.start()
