/* Without an argument: prints the monotonic clock at its first instruction, in nanoseconds.
 * With a count: prints the nanoseconds that the cheapest system call takes, over so many; with a count and a file: those
 * that a read of 4 KiB takes. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long long now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000000000LL + t.tv_nsec;
}

int main(int argc, char **argv) {
    long long start = now();
    if (argc < 2) {
        printf("%lld\n", start);
        return 0;
    }
    long count = atol(argv[1]);
    if (argc == 2) {
        for (long i = 0; i < count; i++) syscall(SYS_getppid);
    } else {
        char page[4096];
        int fd = open(argv[2], O_RDONLY);
        if (fd < 0) return 1;
        for (long i = 0; i < count; i++)
            if (pread(fd, page, sizeof page, 0) != sizeof page) return 1;
    }
    printf("%.2f\n", (double)(now() - start) / (double)count);
    return 0;
}
