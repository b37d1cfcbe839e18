// Starting a helper: a program of the operator's, with one descriptor and no power of ours. Fed by one flat value that is complete
// before the clone, as in CSpawn.h.
#pragma once
#include <sys/types.h>

struct akios_helper {
    const char *_Nonnull program;
    char *_Nullable const *_Nonnull arguments;   // NULL at the end
    char *_Nullable const *_Nonnull environment; // NULL at the end
    int input, null;                             // become 0, and 1 and 2
    int privileged;                              // 1: become uid and gid
    uid_t uid;
    gid_t gid;
};

// A session of its own, the folder /, no other descriptor, no capability. What cannot be executed ends with 126 or 127, what
// cannot give its power up with 125. 0 with the pidfd and the pid, or -1 with errno.
int akios_helper_start(const struct akios_helper *_Nonnull request, int *_Nonnull pidfd, pid_t *_Nonnull pid);
