#include <idn2.h>
#include <unictype.h>
