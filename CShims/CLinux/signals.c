// Signals as a descriptor; see signals.h.
#define _GNU_SOURCE
#include "signals.h"
#include <errno.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int akios_signalfd(const int *signals, int count) {
    sigset_t set;
    sigemptyset(&set);
    for (int i = 0; i < count; i++)
        if (sigaddset(&set, signals[i]) != 0) return -1;
    if (sigprocmask(SIG_BLOCK, &set, NULL) != 0) return -1;
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

int akios_signalfd_next(int fd) {
    struct signalfd_siginfo info;
    ssize_t n = read(fd, &info, sizeof info);
    if (n == (ssize_t)sizeof info) return (int)info.ssi_signo;
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return 0;
    if (n >= 0) errno = EIO;
    return -1;
}

int akios_ignore_signal(int number) {
    struct sigaction action = {.sa_handler = SIG_IGN};
    return sigaction(number, &action, NULL);
}

int akios_stop_self(int number) {
    sigset_t one, before;
    sigemptyset(&one);
    sigaddset(&one, number);
    if (kill(getpid(), number) != 0 || sigprocmask(SIG_UNBLOCK, &one, &before) != 0) return -1;
    return sigprocmask(SIG_SETMASK, &before, NULL);
}
