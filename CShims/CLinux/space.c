// See space.h.
#define _GNU_SOURCE
#include "space.h"
#include <fcntl.h>

int akios_fallocate_keep_size(int fd, int64_t offset, int64_t length) { return fallocate(fd, FALLOC_FL_KEEP_SIZE, offset, length); }
