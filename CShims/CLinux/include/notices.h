// The supervisor's end of the cage's socket filter (seccomp_unotify(2)).
#pragma once
#include <stdint.h>

// A call that was refused, as the agent wrote it.
struct akios_refused {
    int pair; // socketpair(2), else socket(2)
    uint32_t family, type, protocol;
};

// Refuses the next waiting call with EPERM: 1 and `call`, or 0 where none waits. Never blocks. -1 with errno; EPIPE once
// nobody is left who could call.
int akios_refuse_next(int listener, struct akios_refused *_Nonnull call);
