// Memory as a file.
#pragma once

// An empty memfd, close-on-exec, not executable where the kernel can say so. -1 with errno.
int akios_memfd(const char *_Nonnull name);
