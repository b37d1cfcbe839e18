// See local.h.
#define _GNU_SOURCE
#include "local.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

static int local_address(struct sockaddr_un *address, int folder, const char *name) {
    *address = (struct sockaddr_un){.sun_family = AF_UNIX};
    int length = snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s", folder, name);
    if (length > 0 && (size_t)length < sizeof address->sun_path) return 0;
    errno = ENAMETOOLONG;
    return -1;
}

static int closed(int fd) {
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

int akios_local_listen(int folder, const char *name, uid_t owner) {
    struct sockaddr_un address;
    if (local_address(&address, folder, name) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    // Nobody else may connect before it has its owner.
    mode_t mask = umask(0177);
    int bound = bind(fd, (const struct sockaddr *)&address, sizeof address);
    umask(mask);
    if (bound < 0) return closed(fd);
    if (owner != (uid_t)-1 && fchownat(folder, name, owner, (gid_t)-1, AT_SYMLINK_NOFOLLOW) < 0) return closed(fd);
    return listen(fd, 16) < 0 ? closed(fd) : fd;
}

int akios_local_accept(int listener, uid_t *user) {
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (fd < 0) return -1;
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return closed(fd);
    *user = peer.uid;
    return fd;
}

int akios_local_connect(int folder, const char *name) {
    struct sockaddr_un address;
    if (local_address(&address, folder, name) < 0) return -1;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -1;
    return connect(fd, (const struct sockaddr *)&address, sizeof address) < 0 ? closed(fd) : fd;
}

int akios_local_send(const char *path, const void *bytes, size_t count) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t length = strlen(path);
    if (length >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, length);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    ssize_t sent = sendto(fd, bytes, count, MSG_NOSIGNAL, (const struct sockaddr *)&address, sizeof address);
    if (sent < 0) return closed(fd);
    close(fd);
    return 0;
}
