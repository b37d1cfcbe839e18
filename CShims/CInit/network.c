// The cage's network: lo and the two routes that make every address local, the ruleset, and the sockets that egress
// gets. Runs while init still has its capabilities over the namespace.
#define _GNU_SOURCE
#include "init.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { loopback = 1, backlog = 512 };

static int closing(int fd, int result) {
    int code = errno;
    if (fd >= 0) close(fd);
    errno = code;
    return result;
}

static int open_netlink(int family) {
    int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, family);
    struct sockaddr_nl self = {.nl_family = AF_NETLINK};
    if (fd >= 0 && bind(fd, (struct sockaddr *)&self, sizeof self) != 0) return closing(fd, -1);
    return fd;
}

// Sends whole messages and reads what the kernel answered at once: it works on a request inside send, so an empty queue
// afterwards means all of it was said. `acks` answers must be there, and none may be an error.
static int exchange(int fd, const void *bytes, size_t length, unsigned acks) {
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
    if (sendto(fd, bytes, length, 0, (struct sockaddr *)&kernel, sizeof kernel) != (ssize_t)length) return -1;
    unsigned seen = 0;
    int failure = 0;
    for (;;) {
        union {
            char room[8192];
            struct nlmsghdr align;
        } buffer;
        ssize_t got = recv(fd, buffer.room, sizeof buffer.room, MSG_DONTWAIT);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) break;
        if (got < 0) return -1;
        unsigned left = (unsigned)got;
        for (struct nlmsghdr *head = &buffer.align; NLMSG_OK(head, left); head = NLMSG_NEXT(head, left)) {
            if (head->nlmsg_type != NLMSG_ERROR || head->nlmsg_len < NLMSG_LENGTH(sizeof(struct nlmsgerr))) continue;
            const struct nlmsgerr *answer = NLMSG_DATA(head);
            if (answer->error != 0 && failure == 0) failure = -answer->error;
            seen++;
        }
    }
    errno = failure ? failure : EPROTO;
    return failure == 0 && seen == acks ? 0 : -1;
}

struct request {
    struct nlmsghdr head;
    char body[120];
};

static void append(struct request *request, unsigned short type, const void *bytes, size_t length) {
    struct rtattr *attribute = (struct rtattr *)((char *)request + NLMSG_ALIGN(request->head.nlmsg_len));
    attribute->rta_type = type;
    attribute->rta_len = (unsigned short)RTA_LENGTH(length);
    memcpy(RTA_DATA(attribute), bytes, length);
    request->head.nlmsg_len = NLMSG_ALIGN(request->head.nlmsg_len) + RTA_ALIGN(attribute->rta_len);
}

static struct request make(unsigned short type, unsigned short flags, const void *bytes, size_t length) {
    struct request request = {
        .head = {.nlmsg_len = (unsigned)NLMSG_LENGTH(length), .nlmsg_type = type, .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags}};
    memcpy(request.body, bytes, length);
    return request;
}

static int bring_up(int fd) {
    struct ifinfomsg link = {.ifi_index = loopback, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};
    struct request request = make(RTM_NEWLINK, 0, &link, sizeof link);
    return exchange(fd, &request, request.head.nlmsg_len, 1);
}

static int add_address(int fd, uint32_t address) {
    // Scope universe: glibc's AI_ADDRCONFIG counts no loopback address, and would then resolve nothing.
    struct ifaddrmsg info = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = loopback};
    struct request request = make(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, &info, sizeof info);
    append(&request, IFA_LOCAL, &address, sizeof address);
    append(&request, IFA_ADDRESS, &address, sizeof address);
    return exchange(fd, &request, request.head.nlmsg_len, 1);
}

// `ip route add local default dev lo`: every address is this machine's own.
static int add_route(int fd, unsigned char family) {
    struct rtmsg route = {.rtm_family = family, .rtm_table = RT_TABLE_LOCAL, .rtm_protocol = RTPROT_BOOT,
                          .rtm_scope = family == AF_INET ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE, .rtm_type = RTN_LOCAL};
    struct request request = make(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_EXCL, &route, sizeof route);
    int device = loopback;
    append(&request, RTA_OIF, &device, sizeof device);
    return exchange(fd, &request, request.head.nlmsg_len, 1);
}

// Text 0: lo's IPv4 address. number: 1 for IPv6 too.
int do_loopback(const struct step *step) {
    const char *address = text(step, 0);
    struct in_addr binary;
    if (!address) return -1;
    if (inet_pton(AF_INET, address, &binary) != 1) {
        errno = EINVAL;
        return -1;
    }
    int fd = open_netlink(NETLINK_ROUTE);
    if (fd < 0) return -1;
    if (bring_up(fd) != 0 || add_address(fd, binary.s_addr) != 0 || add_route(fd, AF_INET) != 0) return closing(fd, -1);
    if (step->number[0] && add_route(fd, AF_INET6) != 0) return closing(fd, -1);
    return closing(fd, 0);
}

// Text 0: a batch of netlink messages as libnftnl makes it. At least one must ask for an answer, and every one that
// asks must get it: a batch that nobody acknowledged loaded nothing.
int do_ruleset(const struct step *step) {
    const char *batch = (const char *)(step + 1);
    size_t length = step->text_length[0], offset = 0;
    unsigned acks = 0;
    while (offset < length) {
        struct nlmsghdr head;
        if (length - offset < sizeof head) break;
        memcpy(&head, batch + offset, sizeof head);
        if (head.nlmsg_len < sizeof head || head.nlmsg_len > length - offset) break;
        if (head.nlmsg_flags & NLM_F_ACK) acks++;
        offset += NLMSG_ALIGN(head.nlmsg_len);
    }
    if (offset != length || acks == 0) {
        errno = EINVAL;
        return -1;
    }
    int fd = open_netlink(NETLINK_NETFILTER);
    if (fd < 0) return -1;
    int room = 1 << 20; // both directions: the batch in one piece, and an answer to each message
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return closing(fd, exchange(fd, batch, length, acks));
}

// No SO_REUSEADDR and no SO_REUSEPORT anywhere: either would let the agent share the port.
static int open_listener(int family, int type, const char *address, unsigned short port, bool transparent) {
    int fd = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    int on = 1;
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } name = {0};
    socklen_t length;
    bool v6 = family == AF_INET6;
    if (v6) {
        name.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
        if (inet_pton(AF_INET6, address, &name.v6.sin6_addr) != 1) return closing(fd, -1);
        length = sizeof name.v6;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) return closing(fd, -1);
    } else {
        name.v4 = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port)};
        if (inet_pton(AF_INET, address, &name.v4.sin_addr) != 1) return closing(fd, -1);
        length = sizeof name.v4;
    }
    if (transparent && setsockopt(fd, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_TRANSPARENT : IP_TRANSPARENT, &on, sizeof on) != 0)
        return closing(fd, -1);
    // The answer must leave from the address that was asked.
    if (type == SOCK_DGRAM &&
        setsockopt(fd, v6 ? SOL_IPV6 : SOL_IP, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof on) != 0)
        return closing(fd, -1);
    if (bind(fd, &name.any, length) != 0) return closing(fd, -1);
    if (type == SOCK_STREAM && listen(fd, backlog) != 0) return closing(fd, -1);
    return fd;
}

// What the fence logs (group 1), the first 64 bytes of each packet. Bound here, because binding needs CAP_NET_ADMIN.
static int open_log(void) {
    int fd = open_netlink(NETLINK_NETFILTER);
    if (fd < 0) return -1;
    struct nfgenmsg generic = {.nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(1)};
    const unsigned short type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG;
    struct nfulnl_msg_config_cmd command = {.command = NFULNL_CFG_CMD_BIND};
    struct request request = make(type, 0, &generic, sizeof generic);
    append(&request, NFULA_CFG_CMD, &command, sizeof command);
    if (exchange(fd, &request, request.head.nlmsg_len, 1) != 0) return closing(fd, -1);
    struct nfulnl_msg_config_mode mode = {.copy_range = htonl(64), .copy_mode = NFULNL_COPY_PACKET};
    request = make(type, 0, &generic, sizeof generic);
    append(&request, NFULA_CFG_MODE, &mode, sizeof mode);
    // One packet a message: the kernel else gathers them for a second, and an agent that ends before takes them along.
    const unsigned int gathered = htonl(1);
    append(&request, NFULA_CFG_QTHRESH, &gathered, sizeof gathered);
    if (exchange(fd, &request, request.head.nlmsg_len, 1) != 0) return closing(fd, -1);
    int flags = fcntl(fd, F_GETFL);
    if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) != 0) return closing(fd, -1);
    return fd;
}

// number: bits of the listeners wanted, in this order; bits that may be missing. The packet's number says which came.
int do_listeners(const struct step *step) {
    enum { kinds = most_reported };
    int fds[kinds], count = 0, mask = 0, failure = 0;
    for (int i = 0; i < kinds; i++) {
        if (!(step->number[0] >> i & 1)) continue;
        int fd = -1;
        switch (i) {
        case 0: fd = open_listener(AF_INET, SOCK_STREAM, "127.0.0.1", 1, true); break;
        case 1: fd = open_listener(AF_INET6, SOCK_STREAM, "::1", 1, true); break;
        case 2: fd = open_listener(AF_INET, SOCK_DGRAM, "0.0.0.0", 53, false); break;
        case 3: fd = open_listener(AF_INET6, SOCK_DGRAM, "::", 53, false); break;
        case 4: fd = open_listener(AF_INET, SOCK_STREAM, "0.0.0.0", 53, false); break;
        case 5: fd = open_listener(AF_INET6, SOCK_STREAM, "::", 53, false); break;
        case 6: fd = open_log(); break;
        }
        if (fd >= 0) {
            fds[count++] = fd;
            mask |= 1 << i;
        } else if (!(step->number[1] >> i & 1)) {
            failure = errno;
            break;
        }
    }
    if (failure == 0 && report_with(report_listeners, mask, fds, (size_t)count) != 0) failure = errno;
    for (int i = 0; i < count; i++) close(fds[i]);
    errno = failure;
    return failure ? -1 : 0;
}
