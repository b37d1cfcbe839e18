// CSecrets: pages for keys. Shared by descriptor, so that a key lies in one place for all who hold it. C because of madvise's
// constants, and because only a compiler's own builtin of wiping is left alone.
#pragma once
#include <stddef.h>

// A memfd of `size` bytes that keeps its size, close-on-exec. -1 with errno.
int akios_secret_memory(size_t size);

// The whole of it, locked in memory, left out of core dumps and of children. NULL with errno.
void *_Nullable akios_secret_map(int fd, size_t size);

// Pages of this process alone, locked and left out likewise; a child would see zeros. NULL with errno.
void *_Nullable akios_secret_pages(size_t size);

// Whether `part` is in `bytes`.
int akios_has(const void *_Nonnull bytes, size_t size, const void *_Nonnull part, size_t part_size);

// Overwrites; no compiler takes that away.
void akios_wipe(void *_Nonnull bytes, size_t size);
