// PathGlob: a path pattern, compiled. `*` stands for anything within a segment, `**` for anything at all.

/// Matches whole paths. Time is linear in path length times pattern length, whatever the agent sends.
struct PathGlob: Sendable, Hashable {
    private enum Token: Sendable, Hashable {
        case byte(UInt8), segment, anything
    }

    private let tokens: [Token]
    /// What must stand literally at the start.
    private let literal: [UInt8]
    /// Only `**` follows.
    private let isPrefix: Bool

    init(_ pattern: String) {
        var tokens: [Token] = []
        for byte in pattern.utf8 {
            guard byte == UInt8(ascii: "*") else {
                tokens.append(.byte(byte))
                continue
            }
            switch tokens.last {
            case .segment: tokens[tokens.count - 1] = .anything
            case .anything: break
            default: tokens.append(.segment)
            }
        }
        var literal: [UInt8] = []
        for case .byte(let byte) in tokens.prefix(while: { if case .byte = $0 { true } else { false } }) { literal.append(byte) }
        self.literal = literal
        self.tokens = Array(tokens.dropFirst(literal.count))
        isPrefix = self.tokens == [.anything]
    }

    func matches(_ path: String) -> Bool { matches(Array(path.utf8)) }

    func matches(_ path: [UInt8]) -> Bool {
        guard path.count >= literal.count else { return false }
        // From the end: rules of one host usually share their beginning.
        var index = literal.count
        while index > 0 {
            index -= 1
            if path[index] != literal[index] { return false }
        }
        return path.withUnsafeBufferPointer { bytes in
            if tokens.isEmpty { return bytes.count == literal.count }
            if isPrefix { return true }
            return simulate(bytes[literal.count...])
        }
    }

    /// All positions in the pattern that the bytes so far can have led to.
    private func simulate(_ bytes: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
        var states = [Bool](repeating: false, count: tokens.count + 1)
        states[0] = true
        skipStars(&states)
        for byte in bytes {
            var next = [Bool](repeating: false, count: tokens.count + 1)
            for (index, token) in tokens.enumerated() where states[index] {
                switch token {
                case .byte(let wanted): if byte == wanted { next[index + 1] = true }
                case .segment: if byte != UInt8(ascii: "/") { next[index] = true }
                case .anything: next[index] = true
                }
            }
            skipStars(&next)
            states = next
        }
        return states[tokens.count]
    }

    /// A star may also stand for nothing.
    private func skipStars(_ states: inout [Bool]) {
        for (index, token) in tokens.enumerated() where states[index] {
            if case .byte = token { continue }
            states[index + 1] = true
        }
    }
}
