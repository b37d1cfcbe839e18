// See the header.
#define _GNU_SOURCE
#include "CSecrets.h"
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static int memory_file(void) {
    // MFD_NOEXEC_SEAL (6.3) where it exists: hosts that set vm.memfd_noexec refuse memfds without it.
    int fd = memfd_create("akios-secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING | 0x0008U);
    return fd < 0 && errno == EINVAL ? memfd_create("akios-secrets", MFD_CLOEXEC | MFD_ALLOW_SEALING) : fd;
}

int akios_secret_memory(size_t size) {
    int fd = memory_file();
    if (fd < 0) return -1;
    // A file that shrinks under a mapping kills its reader.
    if (ftruncate(fd, (off_t)size) == 0 && fcntl(fd, F_ADD_SEALS, F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) == 0) return fd;
    int code = errno;
    close(fd);
    errno = code;
    return -1;
}

static void *locked(void *pages, size_t size, int in_children) {
    if (pages == MAP_FAILED) return NULL;
    if (mlock(pages, size) == 0 && madvise(pages, size, MADV_DONTDUMP) == 0 && madvise(pages, size, in_children) == 0) return pages;
    int code = errno;
    munmap(pages, size);
    errno = code;
    return NULL;
}

void *akios_secret_map(int fd, size_t size) {
    return locked(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0), size, MADV_DONTFORK);
}

void *akios_secret_pages(size_t size) {
    return locked(mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), size, MADV_WIPEONFORK);
}

int akios_has(const void *bytes, size_t size, const void *part, size_t part_size) { return memmem(bytes, size, part, part_size) != NULL; }

void akios_wipe(void *bytes, size_t size) { explicit_bzero(bytes, size); }
