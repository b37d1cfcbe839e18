// Calls that glibc has no prototype for, or whose prototype Swift cannot import: mount trees, openat2, pidfds,
// memfds, descriptor passing. Each returns what the kernel returns, -1 with errno on failure.
#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// English text of an errno value, never translated; NULL for an unknown one.
const char *akios_errno_words(int number);

// Mount trees (open_tree(2), mount_setattr(2)).
int akios_open_tree(int directory, const char *path, unsigned flags);
int akios_mount_setattr(int tree, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation, int userns);
extern const unsigned akios_open_tree_clone, akios_at_recursive, akios_at_empty_path;
extern const uint64_t akios_attr_idmap;

// openat2(2) with RESOLVE_* flags.
int akios_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
extern const uint64_t akios_o_path, akios_resolve_no_magiclinks;

// Ids used for file access only; both return the previous id.
int akios_setfsuid(uid_t id);
int akios_setfsgid(gid_t id);

// 1 for a folder of the unified cgroup hierarchy.
int akios_is_cgroup2(int fd);

// Processes.
int akios_pidfd_send_signal(int pidfd, int signal);
int akios_pidfd_wait(int pidfd, int options, int *code, int *status);
int akios_set_dumpable(int on);
// 1 where exec gave this process more power than whoever started it has (AT_SECURE): set-id bits, file capabilities.
int akios_gained_power(void);

// A sealed memfd that holds `bytes`; nobody can change it afterwards, its maker included.
int akios_memfd_sealed(const char *name, const void *bytes, size_t count);

// One message with descriptors. Receiving closes what does not fit, and returns the number through `count`.
ssize_t akios_send_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count);
// `sender` gets a process id where SO_PASSCRED is set, else 0.
ssize_t akios_receive_fds(int socket, void *bytes, size_t length, int *fds, size_t *count, pid_t *sender, int flags);
int akios_socketpair_seqpacket(int pair[2]);

// Terminal.
int akios_tcsetpgrp_quietly(int terminal, pid_t group);
