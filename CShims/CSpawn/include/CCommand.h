// Starting a program of the operator's that prints a key: from clone3 to exec, fed by one flat value, as in CSpawn.h.
#pragma once
#include <stddef.h>
#include <sys/types.h>

struct akios_command {
    char *const _Nullable *_Nullable programs;    // paths to try in order, NULL at the end
    char *const _Nullable *_Nullable arguments;   // the first is the program's name; NULL at the end
    char *const _Nullable *_Nullable environment; // NULL at the end
    int becomes;                                  // 1: take these ids, without further groups
    uid_t uid;
    gid_t gid;
};

struct akios_commanded {
    pid_t pid;
    int pidfd;
    int output, complaints; // what it writes to 1 and 2; its 0 is /dev/null, and nothing else is inherited
    int failed;             // yields an errno where no program could be executed, end of file where one was
};

// 0, or -1 with errno.
int akios_command_spawn(const struct akios_command *_Nonnull command, struct akios_commanded *_Nonnull commanded);
