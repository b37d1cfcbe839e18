// See probe.h. The child calls nothing but the kernel.
#define _GNU_SOURCE
#include "probe.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static int put(const char *path, const char *text, size_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return errno;
    int code = write(fd, text, length) == (ssize_t)length ? 0 : errno;
    close(fd);
    return code;
}

// "0 ID 1"
static int map_root(const char *path, unsigned id) {
    char digits[10], line[16] = "0 ";
    size_t count = 0, length = 2;
    do digits[count++] = (char)('0' + id % 10);
    while (id /= 10);
    while (count > 0) line[length++] = digits[--count];
    line[length++] = ' ';
    line[length++] = '1';
    return put(path, line, length);
}

static int load(const void *batch, size_t count) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
    if (fd < 0) return errno;
    if (send(fd, batch, count, 0) != (ssize_t)count) {
        int code = errno;
        close(fd);
        return code;
    }
    union {
        char room[4096];
        struct nlmsghdr head;
    } answer;
    // The kernel has worked on it inside send: the first answer is the first error, or the one acknowledgement.
    ssize_t got = recv(fd, answer.room, sizeof answer.room, MSG_DONTWAIT);
    int code = got < 0 ? errno : 0;
    close(fd);
    if (code) return code;
    if (got < (ssize_t)NLMSG_LENGTH(sizeof(struct nlmsgerr)) || answer.head.nlmsg_type != NLMSG_ERROR) return EPROTO;
    return -((const struct nlmsgerr *)NLMSG_DATA(&answer.head))->error;
}

static int try_overlay(void) {
    if (mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") != 0) return errno;
    const char *const folders[] = {"/tmp/l", "/tmp/u", "/tmp/w", "/tmp/m"};
    for (int i = 0; i < 4; i++)
        if (mkdir(folders[i], 0700) != 0) return errno;
    return mount("none", "/tmp/m", "overlay", 0, "lowerdir=/tmp/l,upperdir=/tmp/u,workdir=/tmp/w") == 0 ? 0 : errno;
}

static void try_all(const void *batch, size_t count, uid_t uid, gid_t gid, struct akios_probe *result) {
    put("/proc/self/setgroups", "deny", 4); // a kernel without this file needs it not
    int code = map_root("/proc/self/uid_map", uid);
    result->ids = code ? code : map_root("/proc/self/gid_map", gid);
    result->ruleset = load(batch, count);
    result->mounts = result->procfs = result->overlay = result->noexec = result->ids;
    if (result->ids) return;
    code = mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 ? 0 : errno;
    // Two filters of security modules show here only: a namespace without power over its mounts.
    if (code == 0 && mount("none", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, "size=64k") != 0) code = errno;
    result->mounts = result->procfs = result->overlay = result->noexec = code;
    if (code) return;
    result->overlay = try_overlay();
    result->procfs = mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) == 0 ? 0 : errno;
    result->noexec = result->procfs ? result->procfs : put("/proc/sys/vm/memfd_noexec", "2", 1);
}

int akios_probe_run(const void *batch, size_t count, struct akios_probe *result) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return -1;
    uid_t uid = geteuid();
    gid_t gid = getegid();
    struct clone_args arguments = {
        .flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP |
                 CLONE_CLEAR_SIGHAND,
        .exit_signal = SIGCHLD};
    long pid = syscall(SYS_clone3, &arguments, sizeof arguments);
    if (pid == 0) {
        struct akios_probe found = {0};
        try_all(batch, count, uid, gid, &found);
        ssize_t written = write(report[1], &found, sizeof found);
        _exit(written == sizeof found ? 0 : 1);
    }
    int code = errno;
    close(report[1]);
    if (pid < 0) {
        close(report[0]);
        *result = (struct akios_probe){code, code, code, code, code, code, code};
        return 0;
    }
    ssize_t got;
    do got = read(report[0], result, sizeof *result);
    while (got < 0 && errno == EINTR);
    close(report[0]);
    while (waitpid((pid_t)pid, NULL, 0) < 0 && errno == EINTR) {}
    if (got == sizeof *result) return 0;
    errno = EIO;
    return -1;
}

int akios_probe_seccomp(void) {
    const uint32_t actions[] = {SECCOMP_RET_KILL_PROCESS, SECCOMP_RET_ERRNO, SECCOMP_RET_USER_NOTIF};
    for (int i = 0; i < 3; i++)
        if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &actions[i]) != 0) return -1;
    return 0;
}

int akios_probe_landlock(void) {
    return (int)syscall(444 /* landlock_create_ruleset */, NULL, 0, 1U /* LANDLOCK_CREATE_RULESET_VERSION */);
}
