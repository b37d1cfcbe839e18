// The agent's process and the loop that stands over it: reap, report, obey.
#define _GNU_SOURCE
#include "init.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// More than the kernel takes: its limit of 6 MB counts a pointer and a NUL for each. What is not used costs no memory.
enum { most_words = 1 << 20 };
static const char *arguments[most_words + 1], *variables[most_words + 1];

// Splits `count` NUL-ended words; the last one's NUL is the text's own.
static int split(const char *at, size_t length, uint64_t count, const char **words) {
    errno = E2BIG;
    if (count > most_words) return -1;
    errno = EINVAL;
    const char *end = at + length;
    for (uint64_t i = 0; i < count; i++) {
        if (at > end) return -1;
        words[i] = at;
        at += strlen(at) + 1; // stops at the text's final NUL at the latest
    }
    words[count] = NULL;
    return count == 0 || at == end + 1 ? 0 : -1;
}

// The agent's side, from fork to exec. What goes wrong is written to `status` as {errno, 1 if exec itself failed}.
static _Noreturn void become_agent(const struct step *step, const struct step *filter, const char *directory, int status) {
    int failure[2] = {0, 0};
    if (setpgid(0, 0) != 0) goto failed;
    if (step->flags & step_terminal) {
        // Signals are still blocked, so TTOU does not stop this background group while it takes the terminal.
        pid_t group = getpid();
        if (ioctl(0, TIOCSPGRP, &group) != 0) goto failed;
    }
    report(report_agent, 0);
    if (chdir(directory) != 0) goto failed;
    for (int signal = 1; signal < NSIG; signal++) {
        bool ignored = step->number[2] >> (signal - 1) & 1;
        struct sigaction action = {.sa_handler = ignored ? SIG_IGN : SIG_DFL};
        sigaction(signal, &action, NULL); // KILL, STOP and the C library's own refuse; they are at their default
    }
    // The status pipe moves to 3 and everything above goes. It closes itself when exec succeeds.
    if (dup3(status, 3, O_CLOEXEC) != 3) goto failed;
    status = 3;
    if (syscall(SYS_close_range, 4, ~0U, 0) != 0) goto failed;
    umask((mode_t)step->number[3] & 0777);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    // Last, so that the filter has to allow nothing but exec and what reports its failure.
    if (filter && load_filter(filter) != 0) goto failed;
    execve(text(step, 0), (char **)arguments, (char **)variables);
    failure[1] = 1;
failed:
    failure[0] = errno;
    while (write(status, failure, sizeof failure) < 0 && errno == EINTR) {}
    _exit(125);
}

// Closes all but the control socket and two more.
static int keep_only(int one, int other) {
    unsigned low = (unsigned)(one < other ? one : other), high = (unsigned)(one < other ? other : one);
    const unsigned ranges[][2] = {{0, control_fd - 1}, {control_fd + 1, low - 1}, {low + 1, high - 1}, {high + 1, ~0U}};
    for (int i = 0; i < 4; i++)
        if (ranges[i][0] <= ranges[i][1] && syscall(SYS_close_range, ranges[i][0], ranges[i][1], 0) != 0) return -1;
    return 0;
}

// Ends everything in the cage and waits for it. No process can escape: this is pid 1 of their namespace.
static _Noreturn void finish(void) {
    for (;;) {
        kill(-1, SIGKILL);
        if (waitpid(-1, NULL, __WALL) < 0 && errno == ECHILD) _exit(0);
    }
}

// Reaps all that wait for it; true once the agent itself is gone.
static bool reap(pid_t agent) {
    for (;;) {
        int status;
        pid_t pid = waitpid(-1, &status, WNOHANG | WUNTRACED | WCONTINUED | __WALL);
        if (pid < 0 && errno == EINTR) continue;
        if (pid <= 0) return pid < 0;
        if (pid != agent) continue;
        if (WIFSTOPPED(status)) report(report_stopped, WSTOPSIG(status));
        else if (WIFCONTINUED(status)) report(report_continued, 0);
        else {
            if (WIFEXITED(status)) report(report_exited, WEXITSTATUS(status));
            else report(report_signalled, WTERMSIG(status));
            return true;
        }
    }
}

static void obey(const struct order *order, pid_t agent) {
    if (order->kind == order_kill) finish();
    if (order->kind != order_signal || order->number < 1 || order->number >= NSIG) return;
    if (kill(-agent, order->number) != 0) kill(agent, order->number);
}

// Texts: program, arguments, variables (NUL between words). number: how many of each, ignored signals, umask.
int do_run(const struct step *step, const struct step *init_filter, const struct step *agent_filter, const char *directory) {
    const char *program = text(step, 0);
    if (!program || !directory) {
        errno = EINVAL;
        return -1;
    }
    const char *first = program + step->text_length[0] + 1, *second = first + step->text_length[1] + 1;
    if (step->number[0] == 0 || split(first, step->text_length[1], step->number[0], arguments) != 0 ||
        split(second, step->text_length[2], step->number[1], variables) != 0)
        return -1;

    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    int children = signalfd(-1, &child, SFD_CLOEXEC | SFD_NONBLOCK);
    int status[2];
    if (children < 0 || pipe2(status, O_CLOEXEC) != 0) return -1;
    pid_t agent = fork();
    if (agent < 0) return -1;
    if (agent == 0) become_agent(step, agent_filter, directory, status[1]);
    close(status[1]);

    // From here on init needs three descriptors and a dozen calls. Blocked signals stay blocked: only SIGCHLD is read.
    // The standard streams go too: a reader of the agent's output must see its end when the agent closes it.
    if (keep_only(children, status[0]) != 0) return -1;
    if (init_filter && load_filter(init_filter) != 0) return -1;

    int failure[2];
    ssize_t got;
    do got = read(status[0], failure, sizeof failure);
    while (got < 0 && errno == EINTR);
    close(status[0]);
    if (got == sizeof failure) {
        if (!failure[1]) {
            errno = failure[0];
            return -1;
        }
        report(report_noexec, failure[0]);
        finish();
    }
    report(report_started, 0);

    for (;;) {
        struct pollfd watch[2] = {{.fd = control_fd, .events = POLLIN}, {.fd = children, .events = POLLIN}};
        if (poll(watch, 2, -1) < 0 && errno != EINTR) finish();
        if (watch[1].revents) {
            struct signalfd_siginfo info;
            while (read(children, &info, sizeof info) > 0) {}
            if (reap(agent)) finish();
        }
        if (watch[0].revents) {
            struct order order;
            if (take_order(&order, NULL) <= 0) finish(); // the supervisor is gone or out of step
            obey(&order, agent);
        }
    }
}
