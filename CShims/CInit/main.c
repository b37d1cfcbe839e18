// akios-init: pid 1 of the cage. A static program of its own, so that it holds no memory of the supervisor. It checks
// the whole plan before the first step, performs the steps in order, runs the agent and reaps. It prints nothing.
#define _GNU_SOURCE
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

uint32_t current_step;

static const struct step *init_filter, *agent_filter;
static const char *directory_of_work;

const char *text(const struct step *step, int index) {
    const char *at = (const char *)(step + 1);
    for (int i = 0; i < index; i++) at += step->text_length[i] + 1;
    if (step->text_length[index] == 0 || memchr(at, 0, step->text_length[index])) {
        errno = EINVAL;
        return NULL;
    }
    return at;
}

void report(enum report_kind kind, int number) {
    struct report packet = {.kind = kind, .number = number, .step = current_step};
    // A supervisor that is gone needs no report: its end shows as EOF on the next read.
    while (send(control_fd, &packet, sizeof packet, MSG_NOSIGNAL) < 0 && errno == EINTR) {}
}

int report_with(enum report_kind kind, int number, const int *fds, size_t count) {
    union {
        char room[CMSG_SPACE(sizeof(int) * most_reported)];
        struct cmsghdr align;
    } control = {0};
    struct report packet = {.kind = kind, .number = number, .step = current_step};
    struct iovec part = {.iov_base = &packet, .iov_len = sizeof packet};
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
    return sendmsg(control_fd, &message, MSG_NOSIGNAL) == sizeof packet ? 0 : -1;
}

int take_order(struct order *order, int *fd) {
    union {
        char room[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec part = {.iov_base = order, .iov_len = sizeof *order};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.room, .msg_controllen = sizeof control.room};
    ssize_t got;
    do got = recvmsg(control_fd, &message, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0) return (int)got;
    if (fd) *fd = -1;
    struct cmsghdr *head = CMSG_FIRSTHDR(&message);
    if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && head->cmsg_len == CMSG_LEN(sizeof(int))) {
        int received;
        memcpy(&received, CMSG_DATA(head), sizeof received);
        if (fd) *fd = received;
        else close(received);
    }
    if (got != sizeof *order || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
        errno = EPROTO;
        return -1;
    }
    return 1;
}

// The plan as a sealed, private, read-only mapping, every record checked; NULL with errno.
static const struct plan_head *open_plan(void) {
    struct stat facts;
    int seals = fcntl(plan_fd, F_GET_SEALS);
    if (seals < 0 || fstat(plan_fd, &facts) != 0) return NULL;
    // Without these seals a writer could change a checked byte or shorten the file under the mapping.
    const int needed = F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW;
    errno = EINVAL;
    if ((seals & needed) != needed || facts.st_size < (off_t)sizeof(struct plan_head) || facts.st_size > plan_limit) return NULL;
    size_t size = (size_t)facts.st_size;
    const struct plan_head *head = mmap(NULL, size, PROT_READ, MAP_PRIVATE, plan_fd, 0);
    if (head == MAP_FAILED) return NULL;
    errno = EINVAL;
    if (memcmp(head->magic, "AKIOSPLN", 8) != 0 || head->version != plan_version || head->size != size) return NULL;
    size_t offset = sizeof *head;
    for (uint32_t i = 0; i < head->count; i++) {
        if (size - offset < sizeof(struct step)) return NULL;
        const struct step *step = (const struct step *)((const char *)head + offset);
        if (step->size < sizeof *step || step->size % 8 != 0 || step->size > size - offset) return NULL;
        uint64_t used = sizeof *step;
        for (int t = 0; t < texts; t++) {
            used += step->text_length[t];
            if (used >= step->size || ((const char *)step)[used] != 0) return NULL;
            used++;
        }
        if (step->size - used >= 8) return NULL;
        offset += step->size;
    }
    return offset == size ? head : NULL;
}

static int await_go(void) {
    report(report_ready, 0);
    struct order order;
    int answer = take_order(&order, NULL);
    if (answer == 0) _exit(125); // the supervisor is gone; PDEATHSIG is on its way too
    if (answer > 0 && order.kind == order_go) return 0;
    if (answer > 0) errno = EPROTO;
    return -1;
}

static int perform(const struct step *step) {
    switch ((enum opcode)step->op) {
    case op_hostname: {
        const char *name = text(step, 0);
        return name ? sethostname(name, step->text_length[0]) : -1;
    }
    case op_root: return do_root(step);
    case op_mount: return do_mount(step);
    case op_bind: return do_bind(step);
    case op_attach: return do_attach(step);
    case op_directory: return do_directory(step);
    case op_file: return do_file(step);
    case op_link: return do_link(step);
    case op_mask: return do_mask(step);
    case op_readonly: return do_readonly(step);
    case op_sysctl: return do_sysctl(step);
    case op_pivot: return do_pivot(step);
    case op_loopback: return do_loopback(step);
    case op_ruleset: return do_ruleset(step);
    case op_listeners: return do_listeners(step);
    case op_receive: return do_receive(step);
    case op_seal: return do_seal(step);
    case op_landlock: return do_landlock(step);
    case op_allow: return do_allow(step);
    case op_allowstdio: return do_allowstdio(step);
    case op_limit: return do_limit(step);
    case op_identity: return do_identity(step);
    case op_lockdown: return do_lockdown(step);
    case op_await: return await_go();
    case op_enforce: return do_enforce(step);
    case op_initfilter: init_filter = step; return 0;
    case op_agentfilter: agent_filter = step; return 0;
    case op_directoryofwork: return (directory_of_work = text(step, 0)) ? 0 : -1;
    case op_run: return do_run(step, init_filter, agent_filter, directory_of_work);
    case op_socketfilter: return do_socketfilter(step);
    }
    errno = ENOSYS;
    return -1;
}

int main(void) {
    prctl(PR_SET_NAME, "akios-init", 0, 0, 0); // started by descriptor, it would be called by its number in `ps`
    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); // set again by op_lockdown: changing ids clears it
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, NULL); // nothing interrupts the set-up; the agent gets an empty mask
    umask(0);
    const struct plan_head *plan = open_plan();
    if (!plan) {
        int code = errno;
        current_step = UINT32_MAX; // no step of it
        report(report_failed, code);
        return 125;
    }
    close(plan_fd);
    const struct step *step = (const struct step *)(plan + 1);
    for (; current_step < plan->count; current_step++) {
        if (perform(step) != 0) {
            int code = errno;
            if (!(step->flags & step_optional)) {
                report(report_failed, code);
                return 125;
            }
            report(report_absent, code);
        }
        step = (const struct step *)((const char *)step + step->size);
    }
    return 125; // a plan that runs nothing
}
