// See CHelper.h. The child calls nothing but the kernel, as in CSpawn.c.
#define _GNU_SOURCE
#include "CHelper.h"
#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

// Root's own helper too is left without capabilities: the bounding set is what an exec would give them back from.
static int give_up(const struct akios_helper *request) {
    if (!request->privileged) return 0;
    for (int cap = 0; cap < 64; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) break; // the first number that is none
        return -1;
    }
    // By number: the C library's ones reach for all threads.
    if (syscall(SYS_setgroups, 0, NULL) != 0 || syscall(SYS_setresgid, request->gid, request->gid, request->gid) != 0 ||
        syscall(SYS_setresuid, request->uid, request->uid, request->uid) != 0)
        return -1;
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) != 0) return -1;
    return request->uid != 0 && setuid(0) == 0 ? -1 : 0;
}

static _Noreturn void become_helper(const struct akios_helper *request) {
    setsid(); // it and what it starts are ended together
    if (chdir("/") != 0 || give_up(request) != 0) _exit(125);
    if (dup2(request->input, 0) < 0 || dup2(request->null, 1) < 0 || dup2(request->null, 2) < 0) _exit(125);
    if (syscall(SYS_close_range, 3, ~0U, 0) != 0) _exit(125);
    signal(SIGPIPE, SIG_DFL); // the supervisor ignores these
    signal(SIGXFSZ, SIG_DFL);
    signal(SIGTTOU, SIG_DFL);
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL); // and blocks what it reads by descriptor
    execve(request->program, request->arguments, request->environment);
    _exit(errno == ENOENT ? 127 : 126);
}

int akios_helper_start(const struct akios_helper *request, int *pidfd, pid_t *pid) {
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    long child = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (child == 0) become_helper(request);
    if (child < 0) return -1;
    *pid = (pid_t)child;
    return 0;
}
