// See CSpawn.h. The child calls nothing but the kernel: no malloc, stdio, locale or name service.
#define _GNU_SOURCE
#include "CSpawn.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

const uint64_t akios_cage_namespaces =
    CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;

enum { first_attached = 5, most_attached = 64 };

static void close_pair(int pair[2]) {
    close(pair[0]);
    close(pair[1]);
}

static _Noreturn void leave(int failed) {
    int code = errno;
    while (write(failed, &code, sizeof code) < 0 && errno == EINTR) {}
    _exit(125);
}

// Capabilities survive an exec by a user who is not root only as ambient ones, and ambient asks for inheritable.
static int keep_capabilities(void) {
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2];
    if (syscall(SYS_capget, &head, data) != 0) return -1;
    data[0].inheritable = data[0].permitted;
    data[1].inheritable = data[1].permitted;
    if (syscall(SYS_capset, &head, data) != 0) return -1;
    for (int cap = 0; cap < 64; cap++)
        if (data[cap / 32].permitted >> (cap % 32) & 1 && prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, cap, 0, 0) != 0) return -1;
    return 0;
}

static _Noreturn void become_init(const struct akios_spawn *request, int go, int failed) {
    char byte;
    ssize_t got;
    do got = read(go, &byte, 1);
    while (got < 0 && errno == EINTR);
    if (got != 1) _exit(125); // the parent gave up

    if (keep_capabilities() != 0) leave(failed);

    // First all out of the way, so that no wanted number is somebody else's source.
    int sources[most_attached + 2], count = 0;
    sources[count++] = request->control;
    sources[count++] = request->plan;
    for (size_t i = 0; i < request->attached_count; i++) sources[count++] = request->attached[i];
    int program = fcntl(request->program, F_DUPFD_CLOEXEC, count + 8);
    int report = fcntl(failed, F_DUPFD_CLOEXEC, count + 8);
    if (program < 0 || report < 0) leave(failed);
    failed = report;
    for (int i = 0; i < count; i++) {
        sources[i] = fcntl(sources[i], F_DUPFD_CLOEXEC, count + 8);
        if (sources[i] < 0) leave(failed);
    }
    for (int i = 0; i < count; i++)
        if (dup2(sources[i], first_attached - 2 + i) < 0) leave(failed);
    // Close-on-exec for the rest, so that `failed` still can speak. Standard streams stay as they are.
    if (syscall(SYS_close_range, first_attached - 2 + count, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) != 0) leave(failed);

    char *const arguments[] = {(char *)"akios-init", NULL};
    char *const none[] = {NULL};
    syscall(SYS_execveat, program, "", arguments, none, AT_EMPTY_PATH);
    leave(failed);
}

static long clone_(uint64_t flags, int cgroup, int *pidfd) {
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND | (cgroup >= 0 ? CLONE_INTO_CGROUP : 0),
        .pidfd = (uint64_t)(uintptr_t)pidfd,
        .exit_signal = SIGCHLD,
        .cgroup = cgroup >= 0 ? (uint64_t)cgroup : 0,
    };
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

int akios_spawn_init(const struct akios_spawn *request, struct akios_spawned *spawned) {
    int go[2], failed[2];
    if (request->attached_count > most_attached) {
        errno = E2BIG;
        return -1;
    }
    if (pipe2(go, O_CLOEXEC) != 0) return -1;
    if (pipe2(failed, O_CLOEXEC) != 0) {
        int code = errno;
        close_pair(go);
        errno = code;
        return -1;
    }
    long pid = clone_(request->namespaces, request->cgroup, &spawned->pidfd);
    if (pid == 0) {
        close(go[1]); // or the child would keep its own pipe open, and never see the parent's end
        become_init(request, go[0], failed[1]);
    }
    int code = errno;
    close(go[0]);
    close(failed[1]);
    if (pid < 0) {
        close(go[1]);
        close(failed[0]);
        errno = code;
        return -1;
    }
    spawned->pid = (pid_t)pid;
    spawned->go = go[1];
    spawned->failed = failed[0];
    return 0;
}

struct hold {
    int keep, drop;
};

// Shares our memory, errno included: the caller collects it before it does much else.
static int hold(void *argument) {
    const struct hold *pipe = argument;
    char byte;
    close(pipe->drop);
    (void)!read(pipe->keep, &byte, 1);
    _exit(0);
}

int akios_spawn_holder(struct akios_spawned *spawned) {
    // One at a time in a thread: the caller collects the holder before it makes the next.
    static _Thread_local _Alignas(16) char stack[16384];
    static _Thread_local struct hold request;
    int go[2];
    if (pipe2(go, O_CLOEXEC) != 0) return -1;
    request = (struct hold){.keep = go[0], .drop = go[1]};
    // It only waits, so our memory need not be copied for it.
    int pid = clone(hold, stack + sizeof stack, CLONE_NEWUSER | CLONE_VM | CLONE_PIDFD | SIGCHLD, &request, &spawned->pidfd);
    int code = errno;
    close(go[0]);
    if (pid < 0) {
        close(go[1]);
        errno = code;
        return -1;
    }
    spawned->pid = (pid_t)pid;
    spawned->go = go[1];
    spawned->failed = -1;
    return 0;
}
