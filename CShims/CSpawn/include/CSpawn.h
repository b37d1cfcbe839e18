// CSpawn: from clone3 to exec in C, because nothing of Swift (allocation, reference counting, closures) may run in a
// child that shares the parent's locks. Fed by one flat value that is complete before the clone.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "CEgressSpawn.h"
#include "CCommand.h"
#include "CHelper.h"

struct akios_spawn {
    int program;               // executable, opened close-on-exec
    int control, plan;         // become descriptors 3 and 4
    const int *attached;       // become 5, 6, …
    size_t attached_count;
    int cgroup;                // born in this cgroup's folder; -1: the parent's
    uint64_t namespaces;       // CLONE_NEW*
};

struct akios_spawned {
    pid_t pid;
    int pidfd;
    int go;     // write one byte when the child's id maps are written; close it instead and the child exits
    int failed; // yields one int, an errno, if the child could not exec; end of file if it could
};

// 0, or -1 with errno. Every descriptor of the child beyond the named ones is closed.
int akios_spawn_init(const struct akios_spawn *request, struct akios_spawned *spawned);

// A child that does nothing in a user namespace of its own, for whoever needs such a namespace's descriptor. It exits
// when `go` is closed; then wait for it by its pidfd.
int akios_spawn_holder(struct akios_spawned *spawned);

extern const uint64_t akios_cage_namespaces; // user, mount, pid, network, ipc, uts, cgroup
