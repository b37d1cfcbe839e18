// Real system calls under a filter. `syscalls FILTER` tries each forbidden thing in two children, one without the filter
// and one with it, and prints `name before after` with 0 for success or the errno. `syscalls FILTER COMMAND…` loads the
// filter and becomes the command.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/akios-calls-XXXXXX";

static void load(const char *path) {
    static struct sock_filter program[4096];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t length = read(fd, program, sizeof program);
    struct sock_fprog filter = {.len = (unsigned short)(length / (long)sizeof *program), .filter = program};
    close(fd);
    if (length <= 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter)) _exit(99);
}

static const char *in(const char *name) {
    static char path[128];
    snprintf(path, sizeof path, "%s/%s.%d", folder, name, getpid());
    return path;
}

static long made(int fd) { return fd < 0 ? -1 : 0; }
static long wait_for(long pid) {
    if (pid == 0) _exit(0);
    return pid < 0 ? -1 : waitpid((pid_t)pid, NULL, __WALL) < 0 ? -1 : 0;
}

static long p_setuid_chmod(void) { return close(creat(in("f"), 0644)) || chmod(in("f"), 04755); }
static long p_setgid_fchmod(void) { return fchmod(creat(in("f"), 0644), 02755); }
static long p_setuid_fchmodat(void) { return close(creat(in("f"), 0644)) || fchmodat(AT_FDCWD, in("f"), 04755, 0); }
static long p_setuid_fchmodat2(void) { return close(creat(in("f"), 0644)) || syscall(452, AT_FDCWD, in("f"), 04755, 0); }
static long p_setuid_creat(void) { return made(syscall(SYS_creat, in("f"), 04755)); }
static long p_setuid_open(void) { return made(syscall(SYS_open, in("f"), O_CREAT | O_WRONLY, 04755)); }
static long p_setuid_openat(void) { return made(openat(AT_FDCWD, in("f"), O_CREAT | O_WRONLY, 04755)); }
static long p_setuid_tmpfile(void) { return made(openat(AT_FDCWD, folder, O_TMPFILE | O_WRONLY, 04755)); }
static long p_setuid_mknod(void) { return mknod(in("f"), S_IFREG | 04755, 0); }
static long p_setgid_mkdir(void) { return syscall(SYS_mkdir, in("d"), 02755); }
static long p_openat2(void) {
    struct { unsigned long long flags, mode, resolve; } how = {O_CREAT | O_WRONLY, 04755, 0};
    return made(syscall(437, AT_FDCWD, in("f"), &how, sizeof how));
}
static long p_userns_unshare(void) { return unshare(CLONE_NEWUSER); }
static long p_userns_clone(void) { return wait_for(syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0)); }
static long p_clone3(void) {
    struct clone_args arguments = {.exit_signal = SIGCHLD};
    return wait_for(syscall(SYS_clone3, &arguments, sizeof arguments));
}
static long p_chroot(void) { return chroot("/"); }
static long p_mount(void) { return unshare(CLONE_NEWNS) && errno != EPERM ? -1 : mount("none", folder, "tmpfs", 0, "size=4k"); }
static long p_fsopen(void) { return made(syscall(SYS_fsopen, "tmpfs", 0)); }
static long p_packet(void) { return made(socket(AF_PACKET, SOCK_RAW, 0)); }
static long p_vsock(void) { return made(socket(40, SOCK_STREAM, 0)); }
static long p_raw(void) { return made(socket(AF_INET, SOCK_RAW, 1)); }
static long p_audit_netlink(void) { return made(socket(AF_NETLINK, SOCK_RAW, 15)); }
static long p_mptcp(void) { return made(socket(AF_INET, SOCK_STREAM, 262)); }
static long p_unix(void) { return made(socket(AF_UNIX, SOCK_STREAM, 0)); }
static long p_ptrace(void) { return ptrace(PTRACE_TRACEME, 0, 0, 0); }
static long p_peek(void) {
    char a = 1, b = 0;
    struct iovec from = {&a, 1}, to = {&b, 1};
    return process_vm_readv(getpid(), &to, 1, &from, 1, 0) == 1 ? 0 : -1;
}
static long p_keyctl(void) { return syscall(SYS_keyctl, 0, -3, 1) < 0 ? -1 : 0; }
static long p_uring(void) {
    char parameters[120] = {0};
    return made(syscall(425, 1, parameters));
}
static long p_personality(void) { return personality(0x0400000) < 0 ? -1 : 0; }
static long p_perf(void) {
    char attributes[128] = {1, 0, 0, 0, 112};
    return made(syscall(SYS_perf_event_open, attributes, 0, -1, -1, 0));
}
static long p_unknown(void) { return syscall(1000); }

#define ENTRY(name) {#name, p_##name}
static const struct { const char *name; long (*attempt)(void); } probes[] = {
    ENTRY(setuid_chmod), ENTRY(setgid_fchmod), ENTRY(setuid_fchmodat), ENTRY(setuid_fchmodat2), ENTRY(setuid_creat), ENTRY(setuid_open),
    ENTRY(setuid_openat), ENTRY(setuid_tmpfile), ENTRY(setuid_mknod), ENTRY(setgid_mkdir), ENTRY(openat2), ENTRY(userns_unshare),
    ENTRY(userns_clone), ENTRY(clone3), ENTRY(chroot), ENTRY(mount), ENTRY(fsopen), ENTRY(packet), ENTRY(vsock), ENTRY(raw),
    ENTRY(audit_netlink), ENTRY(mptcp), ENTRY(unix), ENTRY(ptrace), ENTRY(peek), ENTRY(keyctl), ENTRY(uring), ENTRY(personality),
    ENTRY(perf), ENTRY(unknown),
};

static int attempt(int index, const char *filter) {
    pid_t pid = fork();
    if (pid == 0) {
        if (filter) load(filter);
        errno = 0;
        long result = probes[index].attempt();
        _exit(result == 0 ? 0 : errno & 0x7f ? errno & 0x7f : 127);
    }
    int status;
    waitpid(pid, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1000 + WTERMSIG(status);
}

int main(int count, char **arguments) {
    if (count > 2) {
        load(arguments[1]);
        execvp(arguments[2], arguments + 2);
        return 127;
    }
    if (count != 2 || !mkdtemp(folder)) return 2;
    for (size_t i = 0; i < sizeof probes / sizeof *probes; i++) {
        int before = attempt((int)i, NULL);
        printf("%s %d %d\n", probes[i].name, before, attempt((int)i, arguments[1]));
        fflush(stdout);
    }
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command);
}
