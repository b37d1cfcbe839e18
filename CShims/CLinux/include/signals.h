// Signals as a descriptor (signalfd(2)), and the dispositions a supervisor needs. Not in glibc's Swift module.
#pragma once

// Blocks the listed signals in the calling thread and returns a close-on-exec, non-blocking signalfd for them.
// -1 with errno on failure.
int akios_signalfd(const int *signals, int count);
// The next pending signal's number, 0 when none is pending, -1 with errno.
int akios_signalfd_next(int fd);
// SIG_IGN for one signal; 0 or -1 with errno.
int akios_ignore_signal(int number);
// Stops the calling process by SIGSTOP, or by SIGTSTP even where that is blocked; returns after SIGCONT, or at once where
// the kernel ignores SIGTSTP (nobody is there to continue the group).
int akios_stop_self(int number);
