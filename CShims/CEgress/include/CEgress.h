// CEgress: the four system calls of egress that Swift cannot make. Control messages (CMSG_*) are macros, and
// seccomp(2) and eventfd's kin have no wrapper with fixed arguments. Nothing here allocates or keeps state.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifndef __clang__
#define _Nonnull
#endif

/// Where a datagram came from and which address it was sent to, so that the answer can leave from that address.
/// Addresses are in network byte order: 4 or 16 bytes by `family` (AF_INET or AF_INET6); `port` is in host order.
struct akios_datagram {
    int family;
    uint8_t peer[16];
    uint16_t port;
    uint32_t scope;
    uint8_t local[16];
    uint32_t interface;
};

/// Receives one message of exactly one byte `marker` with exactly `count` descriptors (SCM_RIGHTS), close-on-exec,
/// into `fds`. Returns 0 or an errno value; EPROTO where the message is not that. On failure no descriptor is kept.
int akios_egress_receive_fds(int socket, uint8_t marker, int *_Nonnull fds, size_t count);

/// Sends the same message; for tests, which play the supervisor. Returns 0 or an errno value.
int akios_egress_send_fds(int socket, uint8_t marker, const int *_Nonnull fds, size_t count);

/// Asks the kernel to say, with each datagram, which address it was sent to. Returns 0 or an errno value.
int akios_egress_want_destination(int socket, int family);

/// Receives one datagram without waiting. Returns its length, or a negative errno value (-EAGAIN: none there).
/// A datagram longer than `capacity` gives -EMSGSIZE and is dropped.
long akios_egress_receive_datagram(int socket, void *_Nonnull buffer, size_t capacity, struct akios_datagram *_Nonnull about);

/// Answers the sender named by `about` from the address it had asked. Returns 0 or an errno value.
int akios_egress_send_datagram(int socket, const void *_Nonnull buffer, size_t length, const struct akios_datagram *_Nonnull about);

/// Loads a classic BPF program (an array of struct sock_filter, `length` bytes) for every thread of this process
/// (SECCOMP_FILTER_FLAG_TSYNC). Sets no_new_privs. Returns 0, an errno value, or ESRCH where a thread could not be synchronised.
int akios_egress_seccomp(const void *_Nonnull program, size_t length);

/// Gives this process its name for `ps -o comm`: started by descriptor, before Linux 6.14 it would be called by the number.
void akios_egress_name(void);

/// Has the allocator give large buffers back to the system when they are freed, however many there were before (mallopt(3)): else
/// what one flood took is kept for the rest of the session. Before any thread exists.
void akios_egress_return_memory(void);

/// Makes this process non-dumpable: its memory holds keys, and a core file or another process of its id shall not have it.
/// Returns 0 or an errno value.
int akios_egress_hide(void);
