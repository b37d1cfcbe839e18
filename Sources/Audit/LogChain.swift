// LogChain: the rules that hold between one record and the next, and the tree over all of them. Verifier, sweep and
// readers share it, so that a log which one of them takes is one that all take.

public import Events

public struct LogChain: Sendable {
    public private(set) var last: RecordHead?
    public private(set) var started: Timestamp?
    private var scanner = RecordScanner()
    private var frontier: MerkleFrontier
    private var sessionBytes: [UInt8] = []

    public init(_ sha256: @escaping SHA256Function) { frontier = MerkleFrontier(TreeHasher(sha256)) }

    /// Records taken so far.
    public var count: UInt64 { frontier.size }

    public mutating func root() -> TreeHash { frontier.root() }

    public var session: SessionID? { SessionID(String(decoding: sessionBytes, as: UTF8.self)) }

    /// True once the session's last record is in.
    public var ended: Bool { last?.kind == .sessionEnd || last?.kind == .sessionCrashed }

    /// Takes the next line, without its newline. A line that is refused changes nothing.
    public mutating func append(_ line: Span<UInt8>) throws(AuditFailure) -> RecordHead {
        let head = try check(line)
        take(head, line)
        return head
    }

    /// Whether `line` may come next. A writer asks before it writes, and calls `take` once the line is in the file.
    public mutating func check(_ line: Span<UInt8>) throws(AuditFailure) -> RecordHead {
        let seq = frontier.size
        let head: RecordHead
        do {
            head = try scanner.line(line)
        } catch {
            throw .record(seq: seq, error)
        }
        guard head.seq == seq else { throw .sequence(expected: seq, found: head.seq) }
        guard !ended else { throw .afterEnd(seq: seq) }
        if seq == 0 {
            guard head.kind == .sessionStart else { throw .notFirst(head.kind) }
        } else {
            guard head.kind != .sessionStart else { throw .secondStart(seq: seq) }
            guard sameBytes(line, head.session, sessionBytes) else { throw .otherSession(seq: seq) }
        }
        if head.kind == .checkpoint {
            let named = CheckpointRecord(size: seq, root: frontier.root().hex).data()
            guard sameBytes(line, head.data, named) else { throw .checkpointRecord(seq: seq) }
        }
        return head
    }

    /// Adds a line that `check` answered with `head`.
    public mutating func take(_ head: RecordHead, _ line: Span<UInt8>) {
        if frontier.size == 0 {
            for index in head.session { sessionBytes.append(line[index]) }
            started = head.time
        }
        frontier.append(line)
        last = head
    }

    private func sameBytes(_ line: Span<UInt8>, _ range: Range<Int>, _ wanted: [UInt8]) -> Bool {
        guard range.count == wanted.count else { return false }
        for index in 0..<wanted.count where line[range.lowerBound + index] != wanted[index] { return false }
        return true
    }
}

/// Cuts a byte stream into lines, whatever pieces it comes in.
public struct LineCutter: Sendable {
    /// What came behind the last newline.
    public private(set) var rest: [UInt8] = []
    private let limit: Int

    /// A line over `limit` bytes ends the feeding; a file without newlines must not fill memory.
    public init(limit: Int = RecordLine.maxLength) { self.limit = limit }

    /// Calls `take` for each whole line, without its newline. False when a line passed the limit.
    public mutating func feed<Failure: Error>(_ bytes: Span<UInt8>, _ take: (Span<UInt8>) throws(Failure) -> Void) throws(Failure)
        -> Bool
    {
        var start = 0
        var index = 0
        let count = bytes.count
        while index < count {
            guard bytes[index] == UInt8(ascii: "\n") else {
                index += 1
                continue
            }
            if rest.isEmpty {
                guard index - start <= limit else { return false }
                try take(bytes.extracting(start..<index))
            } else {
                bytes.extracting(start..<index).withUnsafeBufferPointer { rest.append(contentsOf: $0) }
                guard rest.count <= limit else { return false }
                let line = rest
                rest.removeAll(keepingCapacity: true)
                try take(line.span)
            }
            index += 1
            start = index
        }
        bytes.extracting(start..<count).withUnsafeBufferPointer { rest.append(contentsOf: $0) }
        return rest.count <= limit
    }
}
