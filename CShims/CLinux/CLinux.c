// See the headers. Nothing here allocates or decides.
#define _GNU_SOURCE
#include "CLinux.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <signal.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

const unsigned akios_open_tree_clone = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
const unsigned akios_at_recursive = 0x8000; // AT_RECURSIVE
const unsigned akios_at_empty_path = AT_EMPTY_PATH;
const uint64_t akios_attr_idmap = MOUNT_ATTR_IDMAP;
const uint64_t akios_o_path = O_PATH;
const uint64_t akios_resolve_no_magiclinks = RESOLVE_NO_MAGICLINKS;

const char *akios_errno_words(int number) { return strerrordesc_np(number); }

int akios_open_tree(int directory, const char *path, unsigned flags) {
    return (int)syscall(SYS_open_tree, directory, path, flags);
}

int akios_mount_setattr(int tree, const char *path, unsigned flags, uint64_t set, uint64_t clear, uint64_t propagation, int userns) {
    struct mount_attr attributes = {
        .attr_set = set, .attr_clr = clear, .propagation = propagation, .userns_fd = userns < 0 ? 0 : (uint64_t)userns,
    };
    return (int)syscall(SYS_mount_setattr, tree, path, flags, &attributes, sizeof attributes);
}

int akios_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
    struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
    return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int akios_setfsuid(uid_t id) { return setfsuid(id); }
int akios_setfsgid(gid_t id) { return setfsgid(id); }

int akios_is_cgroup2(int fd) {
    struct statfs system;
    return fstatfs(fd, &system) == 0 && system.f_type == CGROUP2_SUPER_MAGIC;
}

int akios_pidfd_send_signal(int pidfd, int signal) { return (int)syscall(SYS_pidfd_send_signal, pidfd, signal, NULL, 0); }

int akios_pidfd_wait(int pidfd, int options, int *code, int *status) {
    siginfo_t info;
    memset(&info, 0, sizeof info);
    int result = waitid((idtype_t)3 /* P_PIDFD */, (id_t)pidfd, &info, options);
    if (result != 0) return result;
    *code = info.si_pid == 0 ? 0 : info.si_code; // 0: WNOHANG and nothing to report
    *status = info.si_status;
    return 0;
}

int akios_gained_power(void) { return getauxval(AT_SECURE) != 0; }

int akios_set_dumpable(int on) { return prctl(PR_SET_DUMPABLE, on, 0, 0, 0); }

int akios_memfd_sealed(const char *name, const void *bytes, size_t count) {
    // MFD_NOEXEC_SEAL (6.3) where it exists: hosts that set vm.memfd_noexec refuse memfds without it.
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x0008U);
    if (fd < 0 && errno == EINVAL) fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) return -1;
    size_t done = 0;
    while (done < count) {
        ssize_t written = write(fd, (const char *)bytes + done, count - done);
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) goto failed;
        done += (size_t)written;
    }
    if (fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) != 0) goto failed;
    return fd;
failed:;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

enum { most_fds = 32 };

ssize_t akios_send_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count) {
    if (count > most_fds) {
        errno = EINVAL;
        return -1;
    }
    union {
        char room[CMSG_SPACE(sizeof(int) * most_fds)];
        struct cmsghdr align;
    } control;
    memset(&control, 0, sizeof control);
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > 0) {
        message.msg_control = control.room;
        message.msg_controllen = CMSG_SPACE(sizeof(int) * count);
        struct cmsghdr *head = CMSG_FIRSTHDR(&message);
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN(sizeof(int) * count);
        memcpy(CMSG_DATA(head), fds, sizeof(int) * count);
    }
    return sendmsg(socket, &message, MSG_NOSIGNAL);
}

ssize_t akios_receive_fds(int socket, void *bytes, size_t length, int *fds, size_t *count, pid_t *sender, int flags) {
    union {
        char room[CMSG_SPACE(sizeof(int) * most_fds) + CMSG_SPACE(sizeof(struct ucred))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    size_t room = *count;
    *count = 0;
    *sender = 0;
    ssize_t got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
    if (got < 0) return got;
    for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
        if (head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_CREDENTIALS && head->cmsg_len == CMSG_LEN(sizeof(struct ucred))) {
            struct ucred credentials;
            memcpy(&credentials, CMSG_DATA(head), sizeof credentials);
            *sender = credentials.pid;
        }
        if (head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS) continue;
        size_t here = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < here; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(head) + i * sizeof(int), sizeof fd);
            if (*count < room) fds[(*count)++] = fd;
            else close(fd);
        }
    }
    if (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        for (size_t i = 0; i < *count; i++) close(fds[i]);
        *count = 0;
        errno = EMSGSIZE;
        return -1;
    }
    return got;
}

int akios_socketpair_seqpacket(int pair[2]) { return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair); }

int akios_tcsetpgrp_quietly(int terminal, pid_t group) {
    // A background process that sets the foreground group gets TTOU and stops, unless it blocks it.
    sigset_t block, before;
    sigemptyset(&block);
    sigaddset(&block, SIGTTOU);
    sigprocmask(SIG_BLOCK, &block, &before);
    int result = tcsetpgrp(terminal, group);
    int code = errno;
    sigprocmask(SIG_SETMASK, &before, NULL);
    errno = code;
    return result;
}
