// NftBatch: one transaction to nf_tables as bytes, written by libnftnl. Nothing is sent here: init, which has the
// capability over the cage's network namespace and no library, sends them as they are.

import CNft
import Glibc

/// What a rule is made of, in the order the kernel evaluates it. Values are in network byte order.
enum NftExpression {
    enum Comparison { case equal, atLeast, atMost }
    /// `meta l4proto`, `meta nfproto` into register 1.
    case layer4Protocol, family
    /// `length` bytes of a header into register 1.
    case networkHeader(offset: UInt32, length: UInt32)
    case transportHeader(offset: UInt32, length: UInt32)
    case compare(Comparison, [UInt8])
    case memberOf(set: String, id: UInt32)
    /// Gives the packet to the transparent socket on this address and port.
    case transparentProxy(family: UInt32, address: [UInt8], port: UInt16)
    case accept
    case counter(String)
    case log(group: UInt16, bytes: UInt32)
    case limitPerSecond(UInt64, burst: UInt32)
    case rejectWithReset
    /// ICMP "administratively prohibited", of either family.
    case rejectProhibited
}

/// Collects messages. Each `add` either appends a whole message or throws ENOMEM and leaves the bytes as they were.
struct NftBatch {
    private(set) var bytes: [UInt8] = []
    private let table: String
    private var sequence: UInt32 = 0
    /// No message of ours is a tenth of this.
    private static let room = 8192
    private static let familyInet: UInt16 = 1

    init(table: String) {
        self.table = table
        append { buffer, sequence in nftnl_batch_begin(buffer, sequence) }
    }

    /// The batch with its end; the last message before it asks for the one acknowledgement.
    consuming func finished() -> [UInt8] {
        append { buffer, sequence in nftnl_batch_end(buffer, sequence) }
        return bytes
    }

    mutating func addTable() throws(SysError) {
        let object = try allocated(nftnl_table_alloc())
        defer { nftnl_table_free(object) }
        nftnl_table_set_str(object, UInt16(NFTNL_TABLE_NAME.rawValue), table)
        message(NFT_MSG_NEWTABLE) { nftnl_table_nlmsg_build_payload($0, object) }
    }

    mutating func addCounter(_ name: String) throws(SysError) {
        let object = try allocated(nftnl_obj_alloc())
        defer { nftnl_obj_free(object) }
        nftnl_obj_set_str(object, UInt16(NFTNL_OBJ_TABLE), table)
        nftnl_obj_set_str(object, UInt16(NFTNL_OBJ_NAME), name)
        nftnl_obj_set_u32(object, UInt16(NFTNL_OBJ_TYPE), UInt32(NFT_OBJECT_COUNTER))
        nftnl_obj_set_u64(object, UInt16(NFTNL_OBJ_CTR_PKTS), 0)
        nftnl_obj_set_u64(object, UInt16(NFTNL_OBJ_CTR_BYTES), 0)
        message(NFT_MSG_NEWOBJ) { nftnl_obj_nlmsg_build_payload($0, object) }
    }

    /// A base chain of type filter.
    mutating func addChain(_ name: String, hook: UInt32, priority: Int32, policy: UInt32) throws(SysError) {
        let object = try allocated(nftnl_chain_alloc())
        defer { nftnl_chain_free(object) }
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TABLE.rawValue), table)
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_NAME.rawValue), name)
        nftnl_chain_set_str(object, UInt16(NFTNL_CHAIN_TYPE.rawValue), "filter")
        nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_HOOKNUM.rawValue), hook)
        nftnl_chain_set_s32(object, UInt16(NFTNL_CHAIN_PRIO.rawValue), priority)
        nftnl_chain_set_u32(object, UInt16(NFTNL_CHAIN_POLICY.rawValue), policy)
        message(NFT_MSG_NEWCHAIN) { nftnl_chain_nlmsg_build_payload($0, object) }
    }

    /// An anonymous, constant set of one-byte protocol numbers. Rules of this batch name it by `id`.
    mutating func addProtocolSet(_ name: String, id: UInt32, _ protocols: [UInt8]) throws(SysError) {
        let object = try allocated(nftnl_set_alloc())
        defer { nftnl_set_free(object) }
        let typeProtocol: UInt32 = 12  // nft's own number for "inet_proto": how it prints the elements
        nftnl_set_set_str(object, UInt16(NFTNL_SET_TABLE.rawValue), table)
        nftnl_set_set_str(object, UInt16(NFTNL_SET_NAME.rawValue), name)
        nftnl_set_set_u32(object, UInt16(NFTNL_SET_FAMILY.rawValue), UInt32(NftBatch.familyInet))
        nftnl_set_set_u32(object, UInt16(NFTNL_SET_ID.rawValue), id)
        nftnl_set_set_u32(object, UInt16(NFTNL_SET_FLAGS.rawValue), NFT_SET_ANONYMOUS.rawValue | NFT_SET_CONSTANT.rawValue)
        nftnl_set_set_u32(object, UInt16(NFTNL_SET_KEY_TYPE.rawValue), typeProtocol)
        nftnl_set_set_u32(object, UInt16(NFTNL_SET_KEY_LEN.rawValue), 1)
        nftnl_set_set_u32(object, UInt16(NFTNL_SET_DESC_SIZE.rawValue), UInt32(protocols.count))
        message(NFT_MSG_NEWSET) { nftnl_set_nlmsg_build_payload($0, object) }
        for number in protocols {
            let element = try allocated(nftnl_set_elem_alloc())
            nftnl_set_elem_set(element, UInt16(NFTNL_SET_ELEM_KEY), [number], 1)
            nftnl_set_elem_add(object, element)  // the set frees it
        }
        message(NFT_MSG_NEWSETELEM) { nftnl_set_elems_nlmsg_build_payload($0, object) }
    }

    /// Appends a rule to a chain of this batch.
    mutating func addRule(_ chain: String, _ expressions: [NftExpression], acknowledged: Bool = false) throws(SysError) {
        let object = try allocated(nftnl_rule_alloc())
        defer { nftnl_rule_free(object) }
        nftnl_rule_set_str(object, UInt16(NFTNL_RULE_TABLE.rawValue), table)
        nftnl_rule_set_str(object, UInt16(NFTNL_RULE_CHAIN.rawValue), chain)
        nftnl_rule_set_u32(object, UInt16(NFTNL_RULE_FAMILY.rawValue), UInt32(NftBatch.familyInet))
        for expression in expressions {
            // The rule owns each expression from here and frees it.
            for part in try expression.parts() { nftnl_rule_add_expr(object, part) }
        }
        message(NFT_MSG_NEWRULE, flags: NLM_F_APPEND | (acknowledged ? NLM_F_ACK : 0)) {
            nftnl_rule_nlmsg_build_payload($0, object)
        }
    }

    private mutating func message(
        _ type: nf_tables_msg_types, flags: Int32 = 0, _ payload: (UnsafeMutablePointer<nlmsghdr>) -> Void
    ) {
        append { buffer, sequence in
            let header = nftnl_nlmsg_build_hdr(
                buffer, UInt16(type.rawValue), NftBatch.familyInet, UInt16(NLM_F_CREATE | flags), sequence)
            if let header { payload(header) }
            return header
        }
    }

    private mutating func append(_ build: (UnsafeMutablePointer<CChar>?, _ sequence: UInt32) -> UnsafeMutablePointer<nlmsghdr>?) {
        // Aligned as netlink reads it; an array of bytes would not promise that.
        withUnsafeTemporaryAllocation(byteCount: NftBatch.room, alignment: 8) { room in
            room.initializeMemory(as: UInt8.self, repeating: 0)
            guard let header = build(room.baseAddress?.assumingMemoryBound(to: CChar.self), sequence) else { return }
            bytes.append(contentsOf: room.prefix((Int(header.pointee.nlmsg_len) + 3) & ~3))
        }
        sequence += 1
    }
}

extension NftExpression {
    /// Registers: 0 is the verdict, 1 and 2 hold values.
    private static let first: UInt32 = 1
    private static let second: UInt32 = 2

    fileprivate func parts() throws(SysError) -> [OpaquePointer] {
        switch self {
        case .layer4Protocol: return [try NftExpression.meta(NFT_META_L4PROTO.rawValue)]
        case .family: return [try NftExpression.meta(NFT_META_NFPROTO.rawValue)]
        case .networkHeader(let offset, let length):
            return [try NftExpression.payload(NFT_PAYLOAD_NETWORK_HEADER.rawValue, offset, length)]
        case .transportHeader(let offset, let length):
            return [try NftExpression.payload(NFT_PAYLOAD_TRANSPORT_HEADER.rawValue, offset, length)]
        case .compare(let comparison, let value):
            let operation =
                switch comparison {
                case .equal: NFT_CMP_EQ
                case .atLeast: NFT_CMP_GTE
                case .atMost: NFT_CMP_LTE
                }
            let part = try NftExpression.make(
                "cmp", [(NFTNL_EXPR_CMP_SREG, NftExpression.first), (NFTNL_EXPR_CMP_OP, operation.rawValue)])
            nftnl_expr_set(part, UInt16(NFTNL_EXPR_CMP_DATA), value, UInt32(value.count))
            return [part]
        case .memberOf(let set, let id):
            let part = try NftExpression.make(
                "lookup", [(NFTNL_EXPR_LOOKUP_SREG, NftExpression.first), (NFTNL_EXPR_LOOKUP_SET_ID, id)])
            nftnl_expr_set_str(part, UInt16(NFTNL_EXPR_LOOKUP_SET), set)
            return [part]
        case .transparentProxy(let family, let address, let port):
            return [
                try NftExpression.immediate(NftExpression.first, address),
                try NftExpression.immediate(NftExpression.second, [UInt8(port >> 8), UInt8(truncatingIfNeeded: port)]),
                try NftExpression.make(
                    "tproxy",
                    [
                        (NFTNL_EXPR_TPROXY_FAMILY, family), (NFTNL_EXPR_TPROXY_REG_ADDR, NftExpression.first),
                        (NFTNL_EXPR_TPROXY_REG_PORT, NftExpression.second),
                    ]),
            ]
        case .accept:
            return [
                try NftExpression.make(
                    "immediate",
                    [(NFTNL_EXPR_IMM_DREG, UInt32(NFT_REG_VERDICT.rawValue)), (NFTNL_EXPR_IMM_VERDICT, 1 /* NF_ACCEPT */)])
            ]
        case .counter(let name):
            let part = try NftExpression.make("objref", [(NFTNL_EXPR_OBJREF_IMM_TYPE, UInt32(NFT_OBJECT_COUNTER))])
            nftnl_expr_set_str(part, UInt16(NFTNL_EXPR_OBJREF_IMM_NAME), name)
            return [part]
        case .log(let group, let bytes):
            let part = try NftExpression.make("log", [(NFTNL_EXPR_LOG_SNAPLEN, bytes)])
            nftnl_expr_set_u16(part, UInt16(NFTNL_EXPR_LOG_GROUP), group)
            return [part]
        case .limitPerSecond(let rate, let burst):
            let part = try NftExpression.make(
                "limit",
                [(NFTNL_EXPR_LIMIT_BURST, burst), (NFTNL_EXPR_LIMIT_TYPE, NFT_LIMIT_PKTS.rawValue), (NFTNL_EXPR_LIMIT_FLAGS, 0)])
            nftnl_expr_set_u64(part, UInt16(NFTNL_EXPR_LIMIT_RATE), rate)
            nftnl_expr_set_u64(part, UInt16(NFTNL_EXPR_LIMIT_UNIT), 1)
            return [part]
        case .rejectWithReset: return [try NftExpression.reject(NFT_REJECT_TCP_RST.rawValue, 0)]
        case .rejectProhibited:
            return [try NftExpression.reject(NFT_REJECT_ICMPX_UNREACH.rawValue, UInt8(NFT_REJECT_ICMPX_ADMIN_PROHIBITED.rawValue))]
        }
    }

    private static func meta(_ key: UInt32) throws(SysError) -> OpaquePointer {
        try make("meta", [(NFTNL_EXPR_META_KEY, key), (NFTNL_EXPR_META_DREG, first)])
    }

    private static func payload(_ base: UInt32, _ offset: UInt32, _ length: UInt32) throws(SysError) -> OpaquePointer {
        try make(
            "payload",
            [
                (NFTNL_EXPR_PAYLOAD_BASE, base), (NFTNL_EXPR_PAYLOAD_DREG, first), (NFTNL_EXPR_PAYLOAD_OFFSET, offset),
                (NFTNL_EXPR_PAYLOAD_LEN, length),
            ])
    }

    private static func immediate(_ register: UInt32, _ value: [UInt8]) throws(SysError) -> OpaquePointer {
        let part = try make("immediate", [(NFTNL_EXPR_IMM_DREG, register)])
        nftnl_expr_set(part, UInt16(NFTNL_EXPR_IMM_DATA), value, UInt32(value.count))
        return part
    }

    private static func reject(_ type: UInt32, _ code: UInt8) throws(SysError) -> OpaquePointer {
        let part = try make("reject", [(NFTNL_EXPR_REJECT_TYPE, type)])
        nftnl_expr_set_u8(part, UInt16(NFTNL_EXPR_REJECT_CODE), code)
        return part
    }

    private static func make(_ name: String, _ attributes: [(Int, UInt32)]) throws(SysError) -> OpaquePointer {
        let part = try allocated(nftnl_expr_alloc(name))
        for (attribute, value) in attributes { nftnl_expr_set_u32(part, UInt16(attribute), value) }
        return part
    }
}

private func allocated(_ pointer: OpaquePointer?) throws(SysError) -> OpaquePointer {
    guard let pointer else { throw SysError("nftnl_alloc", ENOMEM) }
    return pointer
}
