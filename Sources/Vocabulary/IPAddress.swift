// IPAddress: an address in network byte order, its text, and what kind of place it leads to.

public enum IPAddress: Sendable, Hashable, CustomStringConvertible {
    case v4(UInt32)
    case v6(high: UInt64, low: UInt64)

    /// Strict text: four decimal octets without leading zeros, or RFC 4291 §2.2 hexadecimal groups.
    public init?(_ text: some StringProtocol) {
        if text.contains(":") {
            guard let groups = Self.parseV6(String(text)) else { return nil }
            let high = groups[0..<4].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
            let low = groups[4..<8].reduce(UInt64(0)) { $0 << 16 | UInt64($1) }
            self = .v6(high: high, low: low)
        } else {
            guard let value = Self.parseV4(text) else { return nil }
            self = .v4(value)
        }
    }

    private static func parseV4(_ text: some StringProtocol) -> UInt32? {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 4 else { return nil }
        var value: UInt32 = 0
        for part in parts {
            guard part.count <= 3, part == "0" || !part.hasPrefix("0"), let octet = decimalDigits(part), octet <= 255 else {
                return nil
            }
            value = value << 8 | UInt32(octet)
        }
        return value
    }

    private static func parseV6(_ text: String) -> [UInt16]? {
        func groups(_ part: Substring, mayEndInV4: Bool) -> [UInt16]? {
            if part.isEmpty { return [] }
            var found: [UInt16] = []
            let pieces = part.split(separator: ":", omittingEmptySubsequences: false)
            for (index, piece) in pieces.enumerated() {
                if mayEndInV4, piece.contains("."), index == pieces.count - 1 {
                    guard let v4 = parseV4(piece) else { return nil }
                    found += [UInt16(v4 >> 16), UInt16(v4 & 0xffff)]
                } else {
                    guard (1...4).contains(piece.utf8.count), piece.utf8.allSatisfy({ $0 != 0x2b && $0 != 0x2d }),
                        let value = UInt16(piece, radix: 16)
                    else { return nil }
                    found.append(value)
                }
            }
            return found
        }
        guard let gap = text.firstRange(of: "::") else {
            guard let all = groups(text[...], mayEndInV4: true), all.count == 8 else { return nil }
            return all
        }
        guard let head = groups(text[..<gap.lowerBound], mayEndInV4: false),
            let tail = groups(text[gap.upperBound...], mayEndInV4: true), head.count + tail.count < 8
        else { return nil }
        return head + Array(repeating: 0, count: 8 - head.count - tail.count) + tail
    }

    /// A v4-mapped v6 address (`::ffff:a.b.c.d`) as the v4 address it dials.
    public var unmapped: IPAddress {
        if case .v6(0, let low) = self, low >> 32 == 0xffff { return .v4(UInt32(truncatingIfNeeded: low)) }
        return self
    }

    /// What kind of place this leads to (IANA special-purpose registries, RFC 6890).
    public enum Reach: String, Sendable { case global, loopback, `private`, linkLocal, multicast, metadata, reserved }

    public var reach: Reach {
        switch unmapped {
        case .v4(let a):
            switch a {
            // 169.254.169.254 (most clouds), 169.254.170.2 (credentials of an AWS ECS task), 169.254.170.23 (AWS EKS Pod Identity),
            // 100.100.100.200 (Alibaba), and Azure's host agent, which has a public address: 168.63.129.16.
            case 0xa9fe_a9fe, 0xa9fe_aa02, 0xa9fe_aa17, 0x6464_64c8, 0xa83f_8110: return .metadata
            case 0x7f00_0000...0x7fff_ffff: return .loopback
            case 0x0a00_0000...0x0aff_ffff, 0xac10_0000...0xac1f_ffff, 0xc0a8_0000...0xc0a8_ffff, 0x6440_0000...0x647f_ffff:
                return .private
            case 0xa9fe_0000...0xa9fe_ffff: return .linkLocal
            case 0xe000_0000...0xefff_ffff: return .multicast
            case 0...0x00ff_ffff, 0xf000_0000...0xffff_ffff, 0xc000_0000...0xc000_00ff, 0xc000_0200...0xc000_02ff,
                0xc058_6300...0xc058_63ff, 0xc612_0000...0xc613_ffff, 0xc633_6400...0xc633_64ff, 0xcb00_7100...0xcb00_71ff:
                return .reserved
            default: return .global
            }
        case .v6(let high, let low):
            // fd00:ec2::254 (AWS EC2), fd00:ec2::23 (AWS EKS Pod Identity), fd20:ce::254 (Google Compute Engine).
            switch (high, low) {
            case (0xfd00_0ec2_0000_0000, 0x254), (0xfd00_0ec2_0000_0000, 0x23), (0xfd20_00ce_0000_0000, 0x254): return .metadata
            default: break
            }
            if high == 0, low == 1 { return .loopback }
            if high == 0 { return .reserved }
            switch high >> 56 {
            case 0xff: return .multicast
            case 0xfc, 0xfd: return .private
            default: break
            }
            if high >> 54 == 0x3fa { return .linkLocal }  // fe80::/10
            // Translation prefixes carry a v4 address that the far side may dial for us: judged as that address.
            if high == 0x0064_ff9b_0000_0000, low >> 32 == 0 {
                return IPAddress.v4(UInt32(truncatingIfNeeded: low)).reach == .global ? .global : .reserved
            }
            if high >> 48 == 0x2002 || high >> 32 == 0x2001_0000 { return .reserved }  // 6to4, Teredo
            if high >> 32 == 0x2001_0db8 || high >> 44 == 0x3fff0 { return .reserved }  // documentation
            return high >> 61 == 1 ? .global : .reserved  // 2000::/3
        }
    }

    public var description: String {
        switch self {
        case .v4(let a): "\(a >> 24).\(a >> 16 & 255).\(a >> 8 & 255).\(a & 255)"
        case .v6(let high, let low):
            [high, low].flatMap { half in
                stride(from: 48, through: 0, by: -16).map { String(half >> UInt64($0) & 0xffff, radix: 16) }
            }
            .joined(separator: ":")
        }
    }
}

/// An address block in CIDR form, `10.0.0.0/8`.
public struct IPNetwork: Sendable, Hashable, CustomStringConvertible {
    public let base: IPAddress
    public let prefix: Int

    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard let address = parts.first.flatMap({ IPAddress($0) }), parts.count <= 2 else { return nil }
        let width: Int
        if case .v4 = address { width = 32 } else { width = 128 }
        guard let bits = parts.count == 2 ? decimalDigits(parts[1]) : UInt64(width), bits <= UInt64(width) else { return nil }
        base = address
        prefix = Int(bits)
    }

    public func contains(_ address: IPAddress) -> Bool {
        switch (base, address.unmapped) {
        case (.v4(let a), .v4(let b)):
            return prefix == 0 || (a ^ b) >> UInt32(32 - prefix) == 0
        case (.v6(let ah, let al), .v6(let bh, let bl)):
            if prefix == 0 { return true }
            if prefix <= 64 { return (ah ^ bh) >> UInt64(64 - prefix) == 0 }
            return ah == bh && (al ^ bl) >> UInt64(128 - prefix) == 0
        default: return false
        }
    }

    public var description: String { "\(base)/\(prefix)" }
}
