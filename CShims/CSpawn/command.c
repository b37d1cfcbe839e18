// See CCommand.h. The child calls nothing but the kernel: no malloc, stdio, locale or name service.
#define _GNU_SOURCE
#include "CCommand.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static _Noreturn void leave(int failed) {
    int code = errno;
    while (write(failed, &code, sizeof code) < 0 && errno == EINTR) {}
    _exit(125);
}

static int become(const struct akios_command *command) {
    if (setgroups(0, NULL) != 0 || setresgid(command->gid, command->gid, command->gid) != 0 ||
        setresuid(command->uid, command->uid, command->uid) != 0)
        return -1;
    if (command->uid != 0 && (setuid(0) == 0 || geteuid() != command->uid)) {
        errno = EPERM;
        return -1;
    }
    return 0;
}

static _Noreturn void run(const struct akios_command *command, pid_t parent, int output, int complaints, int failed) {
    // Up first, so that no target is another's source.
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC), high = 10;
    int in = fcntl(null, F_DUPFD_CLOEXEC, high), out = fcntl(output, F_DUPFD_CLOEXEC, high),
        err = fcntl(complaints, F_DUPFD_CLOEXEC, high);
    int report = fcntl(failed, F_DUPFD_CLOEXEC, high);
    if (null < 0 || in < 0 || out < 0 || err < 0 || report < 0) leave(failed);
    if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) leave(report);
    if (syscall(SYS_close_range, 3, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */) != 0) leave(report);
    if (command->becomes && become(command) != 0) leave(report);
    // After the ids, which clear it.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) leave(report);
    if (getppid() != parent) _exit(125);
    // What lies where the agent works has no part in this.
    if (chdir("/") != 0) leave(report);
    umask(077);
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL); // the supervisor blocks what it reads by descriptor
    int code = ENOENT;
    for (char *const *program = command->programs; *program; program++) {
        execve(*program, command->arguments, command->environment);
        if (errno != ENOENT && errno != ENOTDIR) code = errno;
    }
    errno = code;
    leave(report);
}

enum { for_output, for_complaints, for_failure, pipes };

int akios_command_spawn(const struct akios_command *command, struct akios_commanded *commanded) {
    int ends[pipes][2], made = 0, code;
    while (made < pipes && pipe2(ends[made], O_CLOEXEC) == 0) made++;
    if (made < pipes) goto failed;
    struct clone_args arguments = {
        .flags = CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)&commanded->pidfd, .exit_signal = SIGCHLD};
    pid_t parent = getpid();
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) run(command, parent, ends[for_output][1], ends[for_complaints][1], ends[for_failure][1]);
    if (pid < 0) goto failed;
    for (int i = 0; i < pipes; i++) close(ends[i][1]);
    commanded->pid = (pid_t)pid;
    commanded->output = ends[for_output][0];
    commanded->complaints = ends[for_complaints][0];
    commanded->failed = ends[for_failure][0];
    return 0;
failed:
    code = errno;
    for (int i = 0; i < made; i++) {
        close(ends[i][0]);
        close(ends[i][1]);
    }
    errno = code;
    return -1;
}
