// ConnectAnswer: what a proxy says to CONNECT, read strictly and within a bound. A value: it is fed bytes and says when
// enough is known. Nothing of the proxy's text is kept but the status.

struct ConnectAnswer {
    enum Verdict: Hashable {
        /// The head is not whole yet.
        case more
        /// The tunnel stands; the next byte is the host's.
        case open
        case refused(status: Int)
        /// Not an answer to CONNECT. Our words, never the proxy's.
        case malformed(String)
    }

    private static let mostBytes = 16_384
    private var held: [UInt8] = []

    mutating func feed(_ bytes: some Collection<UInt8>) -> Verdict {
        // The end may lie across two reads, so the search begins a little before what is new.
        let from = max(0, held.count - 3)
        held += bytes
        guard let end = Self.end(of: held, from: from) else {
            return held.count > Self.mostBytes ? .malformed("its answer's head is too long") : .more
        }
        guard end <= Self.mostBytes else { return .malformed("its answer's head is too long") }
        let verdict = Self.read(held[..<end])
        // TLS begins with us: whoever speaks first here is not the host, and its bytes would be taken for the host's.
        if verdict == .open, end != held.count { return .malformed("bytes follow its answer") }
        return verdict
    }

    private static func end(of bytes: [UInt8], from start: Int) -> Int? {
        guard bytes.count >= 4 else { return nil }
        for at in start...(bytes.count - 4)
        where bytes[at] == 13 && bytes[at + 1] == 10 && bytes[at + 2] == 13 && bytes[at + 3] == 10 { return at + 4 }
        return nil
    }

    /// The status line and fields of RFC 9112 §4 and §5, as far as a tunnel needs them: a successful answer has no body
    /// whatever its fields say (RFC 9110 §9.3.6).
    private static func read(_ head: ArraySlice<UInt8>) -> Verdict {
        var lines: [ArraySlice<UInt8>] = []
        var (start, at) = (head.startIndex, head.startIndex)
        while at < head.endIndex {
            switch head[at] {
            case 13 where head[at + 1] == 10:
                lines.append(head[start..<at])
                at += 2
                start = at
            case 0, 10, 13: return .malformed("its answer's head has a stray control character")
            default: at += 1
            }
        }
        guard let first = lines.first, let status = status(first) else { return .malformed("its answer is not HTTP") }
        // The last line is the empty one.
        for line in lines.dropFirst().dropLast() {
            guard let colon = line.firstIndex(of: UInt8(ascii: ":")), colon > line.startIndex, line[..<colon].allSatisfy(isToken)
            else {
                return .malformed("its answer's head is malformed")
            }
        }
        return (200..<300).contains(status) ? .open : .refused(status: status)
    }

    private static func status(_ line: ArraySlice<UInt8>) -> Int? {
        let start = Array("HTTP/1.".utf8)
        guard line.starts(with: start), line.count >= 12 else { return nil }
        let bytes = Array(line)
        guard bytes[7] == 0x30 || bytes[7] == 0x31, bytes[8] == 0x20, bytes.count == 12 || bytes[12] == 0x20 else { return nil }
        let digits = bytes[9..<12]
        guard digits.allSatisfy({ $0 >= 0x30 && $0 <= 0x39 }) else { return nil }
        let status = digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
        return (100..<600).contains(status) ? status : nil
    }

    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
