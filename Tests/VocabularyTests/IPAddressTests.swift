// Addresses: one strict reading, and where each leads.

import Testing
import Vocabulary

@Suite struct IPAddressTests {
    @Test(arguments: [
        "0.0.0.0", "255.255.255.255", "::", "::1", "1::", "fe80::1", "2001:db8:0:0:1:0:0:1", "::ffff:1.2.3.4", "64:ff9b::8.8.8.8",
        "1:2:3:4:5:6:7::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:1.2.3.4",
    ])
    func read(_ text: String) throws {
        let address = try #require(IPAddress(text))
        #expect(IPAddress(address.description) == address)
    }

    @Test(arguments: [
        "", "1", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "256.1.1.1", "1.2.3.-4", "1.2.3.+4", "1.2.3.4 ", "0x7f.0.0.1",
        "127.1", "١.2.3.4", ":", ":::",
        "1::2::3", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "12345::", "g::", "+1::", "::1%eth0", "1.2.3.4::",
        "1.2.3.4::1", "::1.2.3",
        "[::1]",
    ])
    func refused(_ text: String) { #expect(IPAddress(text) == nil) }

    @Test(arguments: [
        ("8.8.8.8", IPAddress.Reach.global), ("127.0.0.1", .loopback), ("127.255.255.254", .loopback), ("10.1.2.3", .private),
        ("172.16.0.1", .private), ("172.31.255.255", .private), ("172.32.0.1", .global), ("192.168.1.1", .private),
        ("100.64.0.1", .private),
        ("100.128.0.1", .global), ("169.254.1.1", .linkLocal), ("169.254.169.254", .metadata), ("100.100.100.200", .metadata),
        ("168.63.129.16", .metadata), ("224.0.0.1", .multicast), ("0.0.0.0", .reserved), ("0.1.2.3", .reserved),
        ("240.0.0.1", .reserved),
        ("255.255.255.255", .reserved), ("192.0.2.1", .reserved), ("198.18.0.1", .reserved), ("198.51.100.7", .reserved),
        ("203.0.113.9", .reserved), ("192.88.99.1", .reserved), ("::", .reserved), ("::1", .loopback), ("::7f00:1", .reserved),
        ("::ffff:127.0.0.1", .loopback), ("::ffff:169.254.169.254", .metadata), ("fe80::1", .linkLocal), ("fd00::1", .private),
        ("fd00:ec2::254", .metadata), ("fd00:ec2::23", .metadata), ("fd20:ce::254", .metadata), ("fd00:ec2::1", .private),
        ("169.254.170.2", .metadata), ("169.254.170.23", .metadata), ("169.254.170.3", .linkLocal), ("ff02::1", .multicast),
        ("2606:4700::1111", .global), ("2001:db8::1", .reserved),
        ("2001::1", .reserved), ("2002:7f00:1::", .reserved), ("64:ff9b::7f00:1", .reserved), ("64:ff9b::808:808", .global),
        ("64:ff9b::1:808:808", .reserved), ("64:ff9b:1::808:808", .reserved), ("3fff::1", .reserved),
    ])
    func reach(_ text: String, _ reach: IPAddress.Reach) throws {
        #expect(try #require(IPAddress(text)).reach == reach)
    }

    @Test func networks() throws {
        let ten = try #require(IPNetwork("10.0.0.0/8"))
        #expect(ten.contains(try #require(IPAddress("10.255.0.1"))))
        #expect(ten.contains(try #require(IPAddress("::ffff:10.0.0.1"))))
        #expect(!ten.contains(try #require(IPAddress("11.0.0.1"))))
        #expect(try #require(IPNetwork("0.0.0.0/0")).contains(try #require(IPAddress("8.8.8.8"))))
        #expect(try #require(IPNetwork("fd00::/8")).contains(try #require(IPAddress("fdff::1"))))
        #expect(try #require(IPNetwork("fd00::1")).prefix == 128)
        #expect(!(try #require(IPNetwork("fd00::/65")).contains(try #require(IPAddress("fd00::8000:0:0:0")))))
        #expect(try #require(IPNetwork("::/0")).contains(try #require(IPAddress("2606:4700::1"))))
        for bad in ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8/8", "/8", "fd00::/129", "10/8"] {
            #expect(IPNetwork(bad) == nil, "\(bad)")
        }
    }
}
