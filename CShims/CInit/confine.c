// Giving powers up: limits, ids, capabilities, Landlock, seccomp. Each is read back, and then tried to regain: a drop
// that the kernel only half did must not pass.
#define _GNU_SOURCE
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/magic.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <signal.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

// A hard limit that we were started under is kept where it is lower: only CAP_SYS_RESOURCE in the first namespace could
// raise it, and stricter than asked for is no weakness.
int do_limit(const struct step *step) {
    struct rlimit limit = {.rlim_cur = step->number[1], .rlim_max = step->number[2]}, given, back;
    if (getrlimit((int)step->number[0], &given) != 0) return -1;
    if (limit.rlim_max > given.rlim_max) limit.rlim_max = given.rlim_max;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    if (setrlimit((int)step->number[0], &limit) != 0 || getrlimit((int)step->number[0], &back) != 0) return -1;
    if (back.rlim_cur == limit.rlim_cur && back.rlim_max == limit.rlim_max) return 0;
    errno = EBADE;
    return -1;
}

static bool holds_nothing(void) {
    cap_t now = cap_get_proc(), none = cap_init();
    bool empty = now && none && cap_compare(now, none) == 0;
    cap_free(now);
    cap_free(none);
    for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++)
        if (cap_get_bound(cap) != 0 || cap_get_ambient(cap) != 0) return false;
    return empty;
}

static int drop_all(void) {
    cap_t none = cap_init();
    if (!none) return -1;
    int result = cap_set_proc(none), code = errno;
    cap_free(none);
    errno = code;
    return result;
}

// True if even one capability can be had back: then none of this was worth anything.
static bool can_regain(void) {
    const cap_value_t wanted = CAP_SETUID;
    cap_t one = cap_init();
    bool regained = one && cap_set_flag(one, CAP_PERMITTED, 1, &wanted, CAP_SET) == 0 &&
                    cap_set_flag(one, CAP_EFFECTIVE, 1, &wanted, CAP_SET) == 0 && cap_set_proc(one) == 0;
    cap_free(one);
    return regained;
}

// A pipe of the caller's belongs to the caller, and `>/dev/stderr` opens it anew: as an id that nobody has, the agent could
// not. Anonymous pipes only: a fifo with a name is a file of the host.
static void hand_over_pipes(uid_t uid, gid_t gid) {
    for (int fd = 0; fd < 3; fd++) {
        struct statfs system;
        if (fstatfs(fd, &system) == 0 && system.f_type == PIPEFS_MAGIC && fchown(fd, uid, gid) != 0) continue; // reopening fails, as outside
    }
}

// number: uid, gid. step_groups: supplementary groups can be and are dropped (rootless the kernel forbids it).
int do_identity(const struct step *step) {
    uid_t uid = (uid_t)step->number[0];
    gid_t gid = (gid_t)step->number[1];
    bool drops = step->flags & step_groups;
    errno = EINVAL;
    if (uid == 0 || gid == 0) return -1;
    hand_over_pipes(uid, gid);
    if (drops && setgroups(0, NULL) != 0) return -1;
    // Needs CAP_SETPCAP, hence before the ids. The locks also make exec of a root-owned set-id file worth nothing.
    for (cap_value_t cap = 0; CAP_IS_SUPPORTED(cap); cap++)
        if (cap_drop_bound(cap) != 0) return -1;
    if (cap_reset_ambient() != 0) return -1;
    if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED,
              0, 0, 0) != 0)
        return -1;
    if (setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0) return -1;
    if (drop_all() != 0) return -1;

    uid_t r, e, s;
    gid_t gr, ge, gs;
    if (getresuid(&r, &e, &s) != 0 || getresgid(&gr, &ge, &gs) != 0) return -1;
    bool kept = r == uid && e == uid && s == uid && gr == gid && ge == gid && gs == gid && holds_nothing();
    if (drops && getgroups(0, NULL) != 0) kept = false;
    bool regained = setresuid(0, 0, 0) == 0 || setresgid(0, 0, 0) == 0 || can_regain() || (drops && setgroups(0, NULL) == 0);
    errno = ENOTRECOVERABLE;
    return kept && !regained ? 0 : -1;
}

// After the ids, because changing them clears both.
int do_lockdown(const struct step *step) {
    (void)step;
    int signal = 0;
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 || prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0 ||
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_GET_PDEATHSIG, &signal, 0, 0, 0) != 0)
        return -1;
    errno = ENOTRECOVERABLE;
    return prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && signal == SIGKILL && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1 ? 0 : -1;
}

// Landlock: the headers of the oldest supported distribution know less than the kernels it runs on, so the numbers
// stand here. The kernel's ABI decides what is asked for.
struct ruleset_attr {
    uint64_t fs, net, scoped;
};
struct path_beneath {
    uint64_t access;
    int32_t parent;
} __attribute__((packed));

static int ruleset = -1;
static uint64_t handled;

// number: wanted file rights, wanted scopes, least ABI that will do.
int do_landlock(const struct step *step) {
    static const uint64_t rights[] = {0, (1 << 13) - 1, (1 << 14) - 1, (1 << 15) - 1, (1 << 15) - 1, (1 << 16) - 1};
    long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, 1 /* VERSION */);
    if (abi < 0) return -1;
    if (abi < (long)step->number[2] || abi < 1) {
        errno = EOPNOTSUPP;
        return -1;
    }
    handled = step->number[0] & rights[abi > 5 ? 5 : abi];
    struct ruleset_attr attr = {.fs = handled, .scoped = abi >= 6 ? step->number[1] : 0};
    size_t size = abi >= 6 ? sizeof attr : abi >= 4 ? 2 * sizeof(uint64_t) : sizeof(uint64_t);
    ruleset = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
    return ruleset < 0 ? -1 : 0;
}

static int allow(int fd, uint64_t access) {
    struct path_beneath rule = {.access = access & handled, .parent = fd};
    if (rule.access == 0) return 0;
    return (int)syscall(SYS_landlock_add_rule, ruleset, 1 /* PATH_BENEATH */, &rule, 0);
}

// Rights that make sense on something other than a directory; the kernel refuses the others there.
enum { on_files = 1 << 0 | 1 << 1 | 1 << 2 | 1 << 14 | 1 << 15, write_rights = 1 << 1 | 1 << 14, read_rights = 1 << 2 };

// Text 0: a path in the new root. number: rights.
int do_allow(const struct step *step) {
    const char *path = text(step, 0);
    if (ruleset < 0) return 0; // an optional op_landlock reported why
    int fd = path ? open_inside(path) : -1;
    if (fd < 0) return -1;
    int result = allow(fd, step->number[0]);
    if (result != 0 && errno == EINVAL) result = allow(fd, step->number[0] & on_files);
    int code = errno;
    close(fd);
    errno = code;
    return result;
}

// So that /dev/stdout can be opened again, for no more than it is open for: `<file` lets nobody write the file. Pipes and
// sockets need no rule and take none (EBADFD).
int do_allowstdio(const struct step *step) {
    if (ruleset < 0) return 0;
    for (int fd = 0; fd < 3; fd++) {
        uint64_t rights = step->number[0] & on_files;
        int mode = fcntl(fd, F_GETFL);
        if (mode < 0) continue;
        if ((mode & O_ACCMODE) == O_RDONLY) rights &= ~(uint64_t)write_rights;
        if ((mode & O_ACCMODE) == O_WRONLY) rights &= ~(uint64_t)read_rights;
        if (allow(fd, rights) != 0 && errno != EBADFD && errno != EBADF) return -1;
    }
    return 0;
}

int do_enforce(const struct step *step) {
    (void)step;
    if (ruleset < 0) return 0;
    if (syscall(SYS_landlock_restrict_self, ruleset, 0) != 0) return -1;
    close(ruleset);
    return 0;
}

// Text 0: BPF instructions.
static int install(const struct step *step, unsigned flags, struct sock_filter *instructions) {
    size_t length = step->text_length[0];
    errno = EINVAL;
    if (length == 0 || length % sizeof(struct sock_filter) != 0 || length / sizeof(struct sock_filter) > BPF_MAXINSNS) return -1;
    struct sock_fprog program = {.len = (unsigned short)(length / sizeof(struct sock_filter)), .filter = instructions};
    return (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &program);
}

int load_filter(const struct step *step) { return install(step, 0, (struct sock_filter *)(step + 1)); }

// Where nobody can be asked, the filter refuses by itself. Its length was checked by the first attempt.
static int install_silent(const struct step *step) {
    static struct sock_filter silent[BPF_MAXINSNS];
    memcpy(silent, step + 1, step->text_length[0]);
    for (int i = 0; i < BPF_MAXINSNS; i++)
        if (silent[i].code == (BPF_RET | BPF_K) && silent[i].k == SECCOMP_RET_USER_NOTIF) silent[i].k = SECCOMP_RET_ERRNO | EPERM;
    return install(step, 0, silent);
}

// Before the agent is forked, so that no process of the cage but init ever has the listener; init gives it away and closes it.
int do_socketfilter(const struct step *step) {
    struct sock_filter *asking = (struct sock_filter *)(step + 1);
    // With the second flag (5.19) a signal does not make a caller ask again that is being answered.
    int listener = install(step, SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, asking);
    if (listener < 0 && errno == EINVAL) listener = install(step, SECCOMP_FILTER_FLAG_NEW_LISTENER, asking);
    if (listener < 0 && errno == EBUSY) {
        // A container manager's filter above us has a listener already, and the kernel gives a process only one.
        report(report_absent, EBUSY);
        return install_silent(step);
    }
    if (listener < 0) return -1;
    int result = report_with(report_watch, 0, &listener, 1), code = errno;
    close(listener);
    errno = code;
    return result;
}
