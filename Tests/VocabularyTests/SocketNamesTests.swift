// Names of sockets: the words people know, numbers for the rest.

import Testing
import Vocabulary

@Suite struct SocketNamesTests {
    @Test func knownNumbersAreWords() {
        #expect(SocketNames.family(2) == "inet" && SocketNames.family(17) == "packet" && SocketNames.family(40) == "vsock")
        #expect(SocketNames.type(3) == "raw" && SocketNames.type(2) == "dgram")
        #expect(SocketNames.proto(1, family: 2) == "icmp" && SocketNames.proto(58, family: 10) == "icmpv6")
        #expect(SocketNames.proto(262, family: 2) == "mptcp")
        #expect(SocketNames.proto(9, family: 16) == "audit", "a protocol is its family's")
        #expect(SocketNames.proto(0, family: 2) == "ip" && SocketNames.proto(0, family: 16) == "route")
    }

    @Test func othersAreNumbers() {
        #expect(SocketNames.family(.max) == "4294967295" && SocketNames.type(99) == "99")
        #expect(SocketNames.proto(1, family: 17) == "1", "an ethertype is no IP protocol")
        #expect(SocketNames.internetProtocol(0) == "0", "in a packet it is IPv6's hop-by-hop header")
    }
}
