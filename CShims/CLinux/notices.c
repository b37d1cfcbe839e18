// See notices.h.
#include "notices.h"
#include <errno.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>

int akios_refuse_next(int listener, struct akios_refused *call) {
    // Without a caller in sight the ioctl below would wait for one, however the descriptor is set.
    struct pollfd state = {.fd = listener, .events = POLLIN};
    int ready = poll(&state, 1, 0);
    if (ready <= 0) return ready;
    if (!(state.revents & POLLIN)) {
        errno = EPIPE;
        return -1;
    }
    struct seccomp_notif asked;
    memset(&asked, 0, sizeof asked); // the kernel insists
    // ENOENT, here and below: the caller was killed meanwhile, or left for a signal and will ask again.
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &asked) != 0) return errno == ENOENT ? 0 : -1;
    // Arguments by value only: nothing of the caller's memory is looked at, so nothing can change under the look.
    *call = (struct akios_refused){
        .pair = asked.data.nr == SYS_socketpair, .family = (uint32_t)asked.data.args[0], .type = (uint32_t)asked.data.args[1],
        .protocol = (uint32_t)asked.data.args[2]};
    // Never SECCOMP_USER_NOTIF_FLAG_CONTINUE: what the filter refuses stays refused.
    struct seccomp_notif_resp answer = {.id = asked.id, .error = -EPERM};
    if (ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) != 0 && errno != ENOENT) return -1;
    return 1;
}
