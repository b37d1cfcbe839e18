// What this host lets a cage do, found by doing it in a child that has namespaces of its own and ends at once.
#pragma once
#include <stddef.h>

// Each 0, or the errno with which it failed. What could not be tried because an earlier one failed has that one's.
struct akios_probe {
    int namespaces;  // user, mount, pid, network, ipc, uts, cgroup by one clone3
    int ids;         // id maps
    int mounts;      // a tmpfs
    int procfs;
    int overlay;
    int ruleset;     // the given netlink batch
    int noexec;      // vm.memfd_noexec=2, per pid namespace since 6.3
};

// 0, or -1 with errno if not even a pipe could be had. Some milliseconds.
int akios_probe_run(const void *_Nonnull batch, size_t count, struct akios_probe *_Nonnull result);

// Whether the kernel's filters know SECCOMP_RET_KILL_PROCESS and SECCOMP_RET_USER_NOTIF: 0, or -1 with errno.
int akios_probe_seccomp(void);

// Landlock's ABI version, or -1 with errno.
int akios_probe_landlock(void);
