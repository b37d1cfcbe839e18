/* A static client that asks no library, no proxy variable and no certificate store: it looks the name up by a datagram of
 * its own, dials port 443 and sends a TLS 1.3 ClientHello with whatever server name it likes.
 * blind NAME|ADDRESS SERVER_NAME prints: `handshake` (a ServerHello came), `alert`, `closed`, or what failed. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static void limit(int fd) {
    struct timeval t = {.tv_sec = 10};
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof t);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof t);
}

/* First A record of `name`, asked of 127.0.0.1 (where every resolver of a cage is reached). 0 on success. */
static int lookup(const char *name, struct in_addr *out) {
    unsigned char packet[512] = {0, 9, 1, 0, 0, 1};
    size_t at = 12;
    for (const char *p = name; *p;) {
        size_t length = strcspn(p, ".");
        if (length == 0 || length > 63 || at + length + 6 > sizeof packet) return -1;
        packet[at++] = (unsigned char)length;
        memcpy(packet + at, p, length);
        at += length;
        p += length + (p[length] == '.');
    }
    packet[at + 2] = 1;
    packet[at + 4] = 1;
    at += 5;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(53)};
    inet_pton(AF_INET, "127.0.0.1", &server.sin_addr);
    if (fd < 0 || connect(fd, (struct sockaddr *)&server, sizeof server) != 0) return -1;
    limit(fd);
    if (send(fd, packet, at, 0) < 0) return -1;
    ssize_t got = recv(fd, packet, sizeof packet, 0);
    close(fd);
    /* The answer repeats the question; its last four bytes before any additional record are the address. */
    for (ssize_t i = (ssize_t)at; i + 12 + 4 <= got; i++)
        if (packet[i] == 0xc0 && packet[i + 3] == 1 && packet[i + 11] == 4) {
            memcpy(out, packet + i + 12, 4);
            return 0;
        }
    return -1;
}

static size_t hello(unsigned char *out, const char *name) {
    unsigned char ext[512];
    size_t n = strlen(name), e = 0;
    const unsigned char sni[] = {0, 0, 0, n + 5, 0, n + 3, 0, 0, n};
    memcpy(ext, sni, sizeof sni);
    memcpy(ext + sizeof sni, name, n);
    e = sizeof sni + n;
    /* supported_versions 1.3; groups x25519; signatures ecdsa-p256, rsa-pss; key share x25519 (any 32 bytes do). */
    static const unsigned char fixed[] = {0, 43, 0, 3, 2, 3, 4, 0, 10, 0, 4, 0, 2, 0, 29, 0, 13, 0, 8, 0, 6, 4, 3, 8, 4, 4, 1,
                                          0, 51, 0, 38, 0, 36, 0, 29, 0, 32};
    memcpy(ext + e, fixed, sizeof fixed);
    e += sizeof fixed;
    memset(ext + e, 9, 32);
    e += 32;
    size_t body = 2 + 32 + 1 + 2 + 2 + 2 + 2 + e, at = 0;
    const unsigned char head[] = {22, 3, 1, (body + 4) >> 8, (body + 4) & 255, 1, 0, body >> 8, body & 255, 3, 3};
    memcpy(out, head, sizeof head);
    at = sizeof head;
    memset(out + at, 7, 32);
    at += 32;
    const unsigned char tail[] = {0, 0, 2, 0x13, 1, 1, 0, e >> 8, e & 255};
    memcpy(out + at, tail, sizeof tail);
    at += sizeof tail;
    memcpy(out + at, ext, e);
    return at + e;
}

int main(int argc, char **argv) {
    if (argc != 3 || strlen(argv[2]) > 100) return 2;
    struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(443)};
    if (inet_pton(AF_INET, argv[1], &peer.sin_addr) != 1 && lookup(argv[1], &peer.sin_addr) != 0) {
        puts("no address");
        return 1;
    }
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    limit(fd);
    if (fd < 0 || connect(fd, (struct sockaddr *)&peer, sizeof peer) != 0) {
        printf("connect: %s\n", strerror(errno));
        return 1;
    }
    unsigned char packet[1024];
    size_t length = hello(packet, argv[2]);
    if (send(fd, packet, length, 0) != (ssize_t)length) return 1;
    ssize_t got = recv(fd, packet, sizeof packet, 0);
    if (got <= 0) puts("closed");
    else if (packet[0] == 22) puts("handshake");
    else if (packet[0] == 21) puts("alert");
    else puts("something else");
    return 0;
}
