// Disk space set aside for a file: fallocate(2) is behind _GNU_SOURCE, which Swift's glibc module does not define.
#pragma once
#include <stdint.h>

// FALLOC_FL_KEEP_SIZE: the file's size stays as it is. 0, or -1 with errno.
int akios_fallocate_keep_size(int fd, int64_t offset, int64_t length);
