// See memfile.h.
#define _GNU_SOURCE
#include "memfile.h"
#include <errno.h>
#include <sys/mman.h>

int akios_memfd(const char *name) {
    int fd = memfd_create(name, MFD_CLOEXEC | 0x0008U /* MFD_NOEXEC_SEAL, 6.3 */);
    return fd < 0 && errno == EINVAL ? memfd_create(name, MFD_CLOEXEC) : fd;
}
