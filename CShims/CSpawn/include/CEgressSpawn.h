// Starting egress: born with no privilege and in a root that holds libraries only, until even those are taken away.
// Fed by one flat value that is complete before the clone, as in CSpawn.h.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// One entry of the root that egress starts in. Targets are absolute; folders above them are made.
struct akios_egress_entry {
    const char *_Nonnull target;
    const char *_Nonnull source; // a path to bind read-only, or a symbolic link's text
    int is_link;
};

struct akios_egress_spawn {
    int program;               // executable, opened for reading, close-on-exec
    const int *_Nullable fds;  // become 3, 4, 5, …
    size_t fd_count;
    int error_output;          // becomes 2; -1: /dev/null, as 0 and 1 always are
    int privileged;            // 1: become uid and gid. 0: stay who we are, in a user namespace of its own
    uid_t uid;
    gid_t gid;
    int isolated;              // 0: where namespaces are refused; then ids, capabilities and descriptors only
    const struct akios_egress_entry *_Nullable entries;
    size_t entry_count;
};

// Where a child stopped. Told by `failed` with an errno.
enum akios_egress_stage {
    akios_egress_idmap = 1,
    akios_egress_mounts = 2,
    akios_egress_bind = 3,
    akios_egress_pivot = 4,
    akios_egress_ids = 5,
    akios_egress_descriptors = 6,
    akios_egress_exec = 7,
};

struct akios_egress_failure {
    int stage, number;
};

struct akios_egress_spawned {
    pid_t pid;
    int pidfd;
    int alive;  // hold it: a child that finds it closed before its exec ends, because its parent is gone
    int failed; // yields one akios_egress_failure, or end of file once egress has been executed
};

// 0, or -1 with errno.
int akios_egress_spawn(const struct akios_egress_spawn *_Nonnull request, struct akios_egress_spawned *_Nonnull spawned);

// Takes the bound folders out of the running egress' mount namespace: no path opens there any more. Waits for the
// helper that does it. 0, or -1 with errno.
int akios_egress_detach(int pidfd, int privileged, const struct akios_egress_entry *_Nonnull entries, size_t count);
