// See CEgressSpawn.h. The child calls nothing but the kernel: no malloc, stdio, locale or name service.
#define _GNU_SOURCE
#include "CEgressSpawn.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/mount.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_fds = 16, longest_path = 4096, recursive = 0x8000 /* AT_RECURSIVE */ };

static _Noreturn void leave(int failed, enum akios_egress_stage stage) {
    struct akios_egress_failure failure = {.stage = stage, .number = errno};
    while (write(failed, &failure, sizeof failure) < 0 && errno == EINTR) {}
    _exit(125);
}

static int write_file(const char *path, const char *text, size_t length) {
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0) return -1;
    ssize_t written = write(fd, text, length);
    int code = errno;
    close(fd);
    errno = code;
    return written == (ssize_t)length ? 0 : -1;
}

// "ID ID 1": one id, the same on both sides.
static int map_one(const char *path, unsigned id) {
    char digits[10], line[32];
    size_t count = 0, length = 0;
    do digits[count++] = (char)('0' + id % 10);
    while (id /= 10);
    for (int twice = 0; twice < 2; twice++) {
        for (size_t i = count; i > 0; i--) line[length++] = digits[i - 1];
        line[length++] = ' ';
    }
    line[length++] = '1';
    return write_file(path, line, length);
}

// The folders above `path`, below the current folder. `path` is absolute and read as if the current folder were "/".
static int make_parents(const char *path) {
    char prefix[longest_path];
    size_t length = strlen(path);
    if (path[0] != '/' || length >= sizeof prefix) {
        errno = EINVAL;
        return -1;
    }
    for (size_t i = 1; i < length; i++) {
        prefix[i - 1] = path[i];
        if (path[i] != '/') continue;
        prefix[i - 1] = 0;
        if (mkdir(prefix, 0755) != 0 && errno != EEXIST) return -1;
        prefix[i - 1] = '/';
    }
    return 0;
}

static int place(const struct akios_egress_entry *entry) {
    const char *target = entry->target + 1;
    if (make_parents(entry->target) != 0) return -1;
    if (entry->is_link) return symlink(entry->source, target) == 0 || errno == EEXIST ? 0 : -1;
    int tree = (int)syscall(SYS_open_tree, AT_FDCWD, entry->source, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | recursive);
    if (tree < 0) return -1;
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV};
    struct stat facts;
    int result = fstat(tree, &facts);
    if (result == 0) {
        if (S_ISDIR(facts.st_mode)) {
            result = mkdir(target, 0755) == 0 || errno == EEXIST ? 0 : -1;
        } else {
            // Without any permission: what is left of it after the detach does not open.
            int file = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0);
            result = file < 0 ? -1 : close(file);
        }
    }
    if (result == 0) result = (int)syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH | recursive, &attributes, sizeof attributes);
    if (result == 0) result = (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, target, MOVE_MOUNT_F_EMPTY_PATH);
    int code = errno;
    close(tree);
    errno = code;
    return result;
}

// A tmpfs as the whole root, with the entries in it and the host's tree gone.
static void change_root(const struct akios_egress_spawn *request, int failed) {
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0) leave(failed, akios_egress_mounts);
    int context = (int)syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC);
    if (context < 0 || syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "size", "64k", 0) != 0 ||
        syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, "mode", "0555", 0) != 0 ||
        syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) != 0)
        leave(failed, akios_egress_mounts);
    int root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC, MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC);
    umask(0); // the caller's could keep egress, which is somebody else, out of the folders made here
    // On "/" itself: that needs no folder of the host. Nobody sees it there, paths still start at the tree below.
    if (root < 0 || syscall(SYS_move_mount, root, "", AT_FDCWD, "/", MOVE_MOUNT_F_EMPTY_PATH) != 0 || fchdir(root) != 0)
        leave(failed, akios_egress_mounts);
    for (size_t i = 0; i < request->entry_count; i++)
        if (place(&request->entries[i]) != 0) leave(failed, akios_egress_bind);
    if (syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0) leave(failed, akios_egress_pivot);
    struct mount_attr attributes = {.attr_set = MOUNT_ATTR_RDONLY};
    if (syscall(SYS_mount_setattr, AT_FDCWD, "/", 0, &attributes, sizeof attributes) != 0) leave(failed, akios_egress_pivot);
    close(context);
    close(root);
}

static int drop_everything(const struct akios_egress_spawn *request) {
    if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 && errno != EINVAL) return -1;
    // While CAP_SETPCAP is still there. EINVAL is the first number that is no capability of this kernel; EPERM means
    // that there is nothing to drop with, which only a program without namespaces of its own may meet.
    for (int cap = 0; cap < 64; cap++) {
        if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0) continue;
        if (errno == EINVAL) break;
        if (errno == EPERM && !request->privileged && !request->isolated) break;
        return -1;
    }
    if (request->privileged) {
        if (setgroups(0, NULL) != 0 || setresgid(request->gid, request->gid, request->gid) != 0 ||
            setresuid(request->uid, request->uid, request->uid) != 0)
            return -1;
    }
    struct __user_cap_header_struct head = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    if (syscall(SYS_capset, &head, none) != 0) return -1;
    if (request->privileged && (setuid(0) == 0 || geteuid() != request->uid || getegid() != request->gid)) {
        errno = EPERM;
        return -1;
    }
    struct rlimit no_core = {0, 0}, files;
    if (setrlimit(RLIMIT_CORE, &no_core) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0) return -1;
    files.rlim_cur = files.rlim_max; // a connection takes two
    if (setrlimit(RLIMIT_NOFILE, &files) != 0) return -1;
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

// Exactly 0–2 and the passed ones; the rest closes on exec, so that `failed` can still speak. The sources are moved up
// first: one of them could be another's target.
static int arrange(const struct akios_egress_spawn *request, int null, int *program, int *failed) {
    int high = 3 + (int)request->fd_count + 8, sources[most_fds];
    int error_output = fcntl(request->error_output >= 0 ? request->error_output : null, F_DUPFD_CLOEXEC, high);
    *program = fcntl(request->program, F_DUPFD_CLOEXEC, high);
    *failed = fcntl(*failed, F_DUPFD_CLOEXEC, high);
    null = fcntl(null, F_DUPFD_CLOEXEC, high);
    if (error_output < 0 || *program < 0 || *failed < 0 || null < 0) return -1;
    for (size_t i = 0; i < request->fd_count; i++)
        if ((sources[i] = fcntl(request->fds[i], F_DUPFD_CLOEXEC, high)) < 0) return -1;
    for (size_t i = 0; i < request->fd_count; i++)
        if (dup2(sources[i], 3 + (int)i) < 0) return -1;
    if (dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(error_output, 2) < 0) return -1;
    return (int)syscall(SYS_close_range, 3 + request->fd_count, ~0U, 1U << 2 /* CLOSE_RANGE_CLOEXEC */);
}

static _Noreturn void become_egress(const struct akios_egress_spawn *request, uid_t uid, gid_t gid, int alive, int failed) {
    // Outside the terminal's foreground group, deaf to its keys: the agent has the terminal.
    if (setpgid(0, 0) != 0) leave(failed, akios_egress_ids);
    const int ignored[] = {SIGINT, SIGQUIT, SIGTSTP, SIGPIPE, SIGTTIN, SIGTTOU};
    for (size_t i = 0; i < sizeof ignored / sizeof *ignored; i++) signal(ignored[i], SIG_IGN);
    if (request->isolated && !request->privileged) {
        // Parent's ids are the child's; without "deny" the kernel takes no group map from an ordinary user.
        if (write_file("/proc/self/setgroups", "deny", 4) != 0 || map_one("/proc/self/uid_map", uid) != 0 ||
            map_one("/proc/self/gid_map", gid) != 0)
            leave(failed, akios_egress_idmap);
    }
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0) leave(failed, akios_egress_descriptors);
    if (request->isolated) change_root(request, failed);
    if (drop_everything(request) != 0) leave(failed, akios_egress_ids);
    // After the ids, which clear it. A parent that died before this line has closed its end of `alive` by now.
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0) leave(failed, akios_egress_ids);
    struct pollfd parent = {.fd = alive, .events = POLLIN};
    if (poll(&parent, 1, 0) != 0) _exit(125);
    int program;
    if (arrange(request, null, &program, &failed) != 0) leave(failed, akios_egress_descriptors);
    umask(077);
    sigset_t nothing;
    sigemptyset(&nothing);
    sigprocmask(SIG_SETMASK, &nothing, NULL); // the supervisor blocks what it reads by descriptor
    char *const arguments[] = {(char *)"akios-egress", NULL};
    char *const environment[] = {NULL};
    syscall(SYS_execveat, program, "", arguments, environment, AT_EMPTY_PATH);
    leave(failed, akios_egress_exec);
}

static long clone_child(uint64_t flags, int *pidfd) {
    struct clone_args arguments = {
        .flags = flags | CLONE_PIDFD | CLONE_CLEAR_SIGHAND, .pidfd = (uint64_t)(uintptr_t)pidfd, .exit_signal = SIGCHLD};
    return syscall(SYS_clone3, &arguments, sizeof arguments);
}

int akios_egress_spawn(const struct akios_egress_spawn *request, struct akios_egress_spawned *spawned) {
    int alive[2], failed[2];
    if (request->fd_count > most_fds) {
        errno = E2BIG;
        return -1;
    }
    if (pipe2(alive, O_CLOEXEC) != 0) return -1;
    if (pipe2(failed, O_CLOEXEC) != 0) {
        int code = errno;
        close(alive[0]);
        close(alive[1]);
        errno = code;
        return -1;
    }
    uint64_t flags = 0;
    if (request->isolated) flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    if (request->isolated && !request->privileged) flags |= CLONE_NEWUSER;
    uid_t uid = geteuid(); // in a namespace without maps the child would read 65534
    gid_t gid = getegid();
    long pid = clone_child(flags, &spawned->pidfd);
    if (pid == 0) {
        close(alive[1]); // or it would hold up its own parent's life sign
        become_egress(request, uid, gid, alive[0], failed[1]);
    }
    int code = errno;
    close(alive[0]);
    close(failed[1]);
    if (pid < 0) {
        close(alive[1]);
        close(failed[0]);
        errno = code;
        return -1;
    }
    spawned->pid = (pid_t)pid;
    spawned->alive = alive[1];
    spawned->failed = failed[0];
    return 0;
}

struct detach {
    int pidfd, privileged;
    const struct akios_egress_entry *entries;
    size_t count;
};

static int detach(void *argument) {
    const struct detach *request = argument;
    // An ordinary user has the power over that mount namespace only inside its user namespace.
    if (setns(request->pidfd, CLONE_NEWNS | (request->privileged ? 0 : CLONE_NEWUSER)) != 0) _exit(errno & 0xff);
    for (size_t i = request->count; i > 0; i--) {
        const struct akios_egress_entry *entry = &request->entries[i - 1];
        if (!entry->is_link && umount2(entry->target, MNT_DETACH | UMOUNT_NOFOLLOW) != 0) _exit(errno & 0xff);
    }
    _exit(0);
}

int akios_egress_detach(int pidfd, int privileged, const struct akios_egress_entry *entries, size_t count) {
    struct detach request = {.pidfd = pidfd, .privileged = privileged, .entries = entries, .count = count};
    _Alignas(16) char stack[16384];
    // As vfork(2) does it: we stand still until it has ended, so our memory need not be copied for it.
    int pid = clone(detach, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, &request);
    if (pid < 0) return -1;
    int status;
    pid_t waited;
    do waited = waitpid(pid, &status, 0);
    while (waited < 0 && errno == EINTR);
    if (waited < 0) return -1;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return 0;
    errno = WIFEXITED(status) ? WEXITSTATUS(status) : EIO;
    return -1;
}
