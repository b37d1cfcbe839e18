// Sockets in the file system (unix(7)), by an open folder and a name: no path is walked twice, and none is too long.
#pragma once
#include <stddef.h>
#include <sys/types.h>

// A listening stream socket of mode 0600, close-on-exec, that never blocks. `owner` -1: stays the maker's. -1 with errno.
int akios_local_listen(int folder, const char *_Nonnull name, uid_t owner);
// The next waiting client, close-on-exec and never blocking, and the user it was when it connected. -1 with errno; EAGAIN
// where none waits.
int akios_local_accept(int listener, uid_t *_Nonnull user);
// Connected, close-on-exec. -1 with errno.
int akios_local_connect(int folder, const char *_Nonnull name);
// One datagram to the socket at `path`, or none: never waits. 0, or -1 with errno.
int akios_local_send(const char *_Nonnull path, const void *_Nonnull bytes, size_t count);
