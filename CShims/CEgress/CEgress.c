// CEgress: descriptors over a socket, datagrams with their destination, and seccomp for all threads.
#define _GNU_SOURCE
#include "CEgress.h"

#include <errno.h>
#include <malloc.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { most_descriptors = 16 };

int akios_egress_receive_fds(int socket, uint8_t marker, int *fds, size_t count) {
    if (count == 0 || count > most_descriptors)
        return EINVAL;
    uint8_t byte = 0;
    union {
        char bytes[CMSG_SPACE(sizeof(int) * most_descriptors)];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno;
    size_t found = 0;
    int received[most_descriptors];
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t held = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < held && found < most_descriptors; i++)
            memcpy(&received[found++], CMSG_DATA(c) + i * sizeof(int), sizeof(int));
    }
    if (got != 1 || byte != marker || found != count || (message.msg_flags & MSG_CTRUNC)) {
        for (size_t i = 0; i < found; i++)
            close(received[i]);
        return EPROTO;
    }
    memcpy(fds, received, count * sizeof(int));
    return 0;
}

int akios_egress_send_fds(int socket, uint8_t marker, const int *fds, size_t count) {
    if (count == 0 || count > most_descriptors)
        return EINVAL;
    union {
        char bytes[CMSG_SPACE(sizeof(int) * most_descriptors)];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = &marker, .iov_len = 1};
    struct msghdr message = {
        .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = CMSG_SPACE(sizeof(int) * count)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&message);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof(int) * count);
    memcpy(CMSG_DATA(c), fds, sizeof(int) * count);
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent == 1 ? 0 : sent < 0 ? errno : EPROTO;
}

int akios_egress_want_destination(int socket, int family) {
    int on = 1;
    int failed = family == AF_INET6 ? setsockopt(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
                                    : setsockopt(socket, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    return failed ? errno : 0;
}

long akios_egress_receive_datagram(int socket, void *buffer, size_t capacity, struct akios_datagram *about) {
    struct sockaddr_storage peer = {0};
    union {
        char bytes[256];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = buffer, .iov_len = capacity};
    struct msghdr message = {.msg_name = &peer,
                             .msg_namelen = sizeof peer,
                             .msg_iov = &part,
                             .msg_iovlen = 1,
                             .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    ssize_t got;
    do
        got = recvmsg(socket, &message, MSG_DONTWAIT);
    while (got < 0 && errno == EINTR);
    if (got < 0)
        return -errno;
    if (message.msg_flags & MSG_TRUNC)
        return -EMSGSIZE;
    memset(about, 0, sizeof *about);
    about->family = peer.ss_family;
    if (peer.ss_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)&peer;
        memcpy(about->peer, &in->sin_addr, 4);
        about->port = ntohs(in->sin_port);
    } else if (peer.ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&peer;
        memcpy(about->peer, &in6->sin6_addr, 16);
        about->port = ntohs(in6->sin6_port);
        about->scope = in6->sin6_scope_id;
    } else {
        return -EAFNOSUPPORT;
    }
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(about->local, &info.ipi_addr, 4);
            about->interface = (uint32_t)info.ipi_ifindex;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(about->local, &info.ipi6_addr, 16);
            about->interface = info.ipi6_ifindex;
        }
    }
    return got;
}

int akios_egress_send_datagram(int socket, const void *buffer, size_t length, const struct akios_datagram *about) {
    struct sockaddr_storage peer = {0};
    union {
        char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)buffer, .iov_len = length};
    struct msghdr message = {.msg_name = &peer, .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes};
    if (about->family == AF_INET) {
        struct sockaddr_in *in = (struct sockaddr_in *)&peer;
        in->sin_family = AF_INET;
        in->sin_port = htons(about->port);
        memcpy(&in->sin_addr, about->peer, 4);
        message.msg_namelen = sizeof *in;
        message.msg_controllen = CMSG_SPACE(sizeof(struct in_pktinfo));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(struct in_pktinfo));
        // No interface: the answer to another network's address leaves by lo all the same, by the local route.
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, about->local, 4);
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else if (about->family == AF_INET6) {
        struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&peer;
        in6->sin6_family = AF_INET6;
        in6->sin6_port = htons(about->port);
        in6->sin6_scope_id = about->scope;
        memcpy(&in6->sin6_addr, about->peer, 16);
        message.msg_namelen = sizeof *in6;
        message.msg_controllen = CMSG_SPACE(sizeof(struct in6_pktinfo));
        struct cmsghdr *c = CMSG_FIRSTHDR(&message);
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof(struct in6_pktinfo));
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, about->local, 16);
        info.ipi6_ifindex = about->interface;
        memcpy(CMSG_DATA(c), &info, sizeof info);
    } else {
        return EAFNOSUPPORT;
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? errno : 0;
}

int akios_egress_seccomp(const void *program, size_t length) {
    if (length == 0 || length % sizeof(struct sock_filter) != 0 || length / sizeof(struct sock_filter) > BPF_MAXINSNS)
        return EINVAL;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return errno;
    struct sock_fprog filter = {.len = (unsigned short)(length / sizeof(struct sock_filter)), .filter = (struct sock_filter *)program};
    long result = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &filter);
    // A positive answer is the id of a thread that could not take the filter: the whole load failed.
    return result < 0 ? errno : result > 0 ? ESRCH : 0;
}

void akios_egress_name(void) {
    prctl(PR_SET_NAME, "akios-egress", 0, 0, 0);
}

void akios_egress_return_memory(void) {
    // Setting it at all also ends its rising with each large block that is freed.
    mallopt(M_MMAP_THRESHOLD, 256 << 10);
    mallopt(M_TRIM_THRESHOLD, 1 << 20);
    mallopt(M_ARENA_MAX, 2);
}

int akios_egress_hide(void) {
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}
