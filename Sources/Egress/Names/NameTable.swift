// NameTable: which synthetic address stands for which name. One address per name and session, never given to another
// name, so that a connection's address is proof of the name it was asked for. Nothing here ever asks the host. Pure.

import Vocabulary

struct NameTable: Sendable {
    /// 198.18.0.0/15 (RFC 2544). The first address is lo's own and is left out.
    static let base: UInt32 = 0xc612_0000
    static let first: UInt32 = base + 2
    static let capacity = 4096

    enum Answer: Sendable, Hashable {
        case address(UInt32)
        /// The name exists as far as we say, but has no record of that type.
        case noData
        /// The session's table is full. `isFirst` on the first time only: one record, not one per query.
        case full(isFirst: Bool)
        case notImplemented
        case nameError
    }

    private var addresses: [HostName: UInt32] = [:]
    private var names: [HostName] = []
    private var saidFull = false

    mutating func answer(_ question: DNSQuestion) -> Answer {
        guard let name = question.name else {
            return question.raw.first == 0 ? .noData : .nameError
        }
        let isLocal = name.text == "localhost" || name.text.hasSuffix(".localhost")  // RFC 6761 §6.3
        switch question.kind {
        case .a where isLocal: return .address(0x7f00_0001)
        case .a: return assign(name)
        case .aaaa, .https, .svcb: return .noData
        case .other(251), .other(252), .other(255): return .notImplemented  // transfers and ANY
        case .other: return .noData
        }
    }

    private mutating func assign(_ name: HostName) -> Answer {
        if let known = addresses[name] { return .address(known) }
        guard names.count < Self.capacity else {
            defer { saidFull = true }
            return .full(isFirst: !saidFull)
        }
        let address = Self.first + UInt32(names.count)
        names.append(name)
        addresses[name] = address
        return .address(address)
    }

    /// The name behind a dialled address; nil for every address that was never handed out.
    func name(for address: IPAddress) -> HostName? {
        guard case .v4(let value) = address.unmapped, value >= Self.first else { return nil }
        let index = Int(value - Self.first)
        return names.indices.contains(index) ? names[index] : nil
    }
}
