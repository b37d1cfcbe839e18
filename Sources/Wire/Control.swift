// Control: what an operator's program and a running session say to each other over control.sock, as values. Frames are those of
// Messages.swift; either end may be a stranger's, so both bound and check what they read. Version 1 answers questions to the
// operator; later versions add kinds, and a session that does not know one says so and goes on.

import Vocabulary

public enum ControlLimits {
    public static let version: UInt8 = 1
}

/// A question as it waits.
public struct OpenQuestion: Sendable, Hashable {
    /// Of its session, and never used twice there.
    public var id: UInt64
    public var question: ApprovalQuestion
    /// Until the answer is no by itself.
    public var millisecondsLeft: UInt64

    public init(id: UInt64, question: ApprovalQuestion, millisecondsLeft: UInt64) {
        self.id = id
        self.question = question
        self.millisecondsLeft = millisecondsLeft
    }
}

/// What an operator says to one question.
public struct OperatorWord: Sendable, Hashable {
    public var allows: Bool
    /// Also for what else is asked of the same method, host, port and path in this session.
    public var forSession: Bool
    /// The session ends with it. Only with a no.
    public var stops: Bool

    public init(allows: Bool, forSession: Bool = false, stops: Bool = false) {
        self.allows = allows
        self.forSession = forSession
        self.stops = stops
    }
}

public enum ControlRequest: Sendable, Hashable {
    /// First, and once.
    case hello(version: UInt8)
    /// Answered by `waiting` for each open question, then `done`.
    case list
    /// As `list`, and from then on by `waiting` and `over` as they come.
    case watch
    /// Answered by `done` or `failed`. `digest` is that of the question that was shown.
    case decide(id: UInt64, digest: [UInt8], OperatorWord)
}

public enum ControlReply: Sendable, Hashable {
    public enum Failure: UInt8, Sendable, Hashable, CaseIterable {
        /// Whoever connected may not.
        case notPermitted = 1
        /// Another version, or a kind that this one does not know.
        case unknown
        /// It never was, or has its answer.
        case notPending
        /// Another request has this number: what was shown is not what waits.
        case otherRequest
        /// No more words for the session are kept.
        case tooMany
        /// The word could not be recorded, so it is none.
        case notRecorded
    }

    case hello(version: UInt8, session: String)
    case waiting(OpenQuestion)
    /// It has its answer, or needs none any more.
    case over(id: UInt64)
    case done
    case failed(Failure)
}

extension ControlRequest {
    enum Kind: UInt8 { case hello = 1, list, watch, decide }

    public func frame() throws(WireError) -> [UInt8] {
        switch self {
        case .hello(let version):
            var out = FrameWriter(kind: Kind.hello.rawValue)
            out.put(version)
            return try out.finish()
        case .list: return try FrameWriter(kind: Kind.list.rawValue).finish()
        case .watch: return try FrameWriter(kind: Kind.watch.rawValue).finish()
        case .decide(let id, let digest, let word):
            var out = FrameWriter(kind: Kind.decide.rawValue)
            out.put(id)
            out.put(digest)
            out.put(word.allows)
            out.put(word.forSession)
            out.put(word.stops)
            return try out.finish()
        }
    }

    public init(payload: ArraySlice<UInt8>) throws(WireError) {
        var input = FrameReader(payload)
        let code = try input.u8()
        switch Kind(rawValue: code) {
        case .hello: self = .hello(version: try input.u8())
        case .list: self = .list
        case .watch: self = .watch
        case .decide:
            let (id, digest) = (try input.u64(), try input.byteString())
            let word = OperatorWord(allows: try input.bool(), forSession: try input.bool(), stops: try input.bool())
            guard digest.count == ApprovalQuestion.digestSize, !(word.allows && word.stops) else { throw .unknownCode }
            self = .decide(id: id, digest: digest, word)
        case nil: throw .unknownKind(code)
        }
        try input.end()
    }
}

extension ControlReply {
    enum Kind: UInt8 { case hello = 129, waiting, over, done, failed }

    public func frame() throws(WireError) -> [UInt8] {
        switch self {
        case .hello(let version, let session):
            var out = FrameWriter(kind: Kind.hello.rawValue)
            out.put(version)
            out.put(session)
            return try out.finish()
        case .waiting(let open):
            var out = FrameWriter(kind: Kind.waiting.rawValue, reserve: 1024)
            out.put(open.id)
            out.put(open.millisecondsLeft)
            out.put(open.question)
            return try out.finish()
        case .over(let id):
            var out = FrameWriter(kind: Kind.over.rawValue)
            out.put(id)
            return try out.finish()
        case .done: return try FrameWriter(kind: Kind.done.rawValue).finish()
        case .failed(let why):
            var out = FrameWriter(kind: Kind.failed.rawValue)
            out.put(why.rawValue)
            return try out.finish()
        }
    }

    public init(payload: ArraySlice<UInt8>) throws(WireError) {
        var input = FrameReader(payload)
        let code = try input.u8()
        switch Kind(rawValue: code) {
        case .hello: self = .hello(version: try input.u8(), session: try input.plainText(64))
        case .waiting:
            let (id, left) = (try input.u64(), try input.u64())
            self = .waiting(OpenQuestion(id: id, question: try input.question(), millisecondsLeft: left))
        case .over: self = .over(id: try input.u64())
        case .done: self = .done
        case .failed:
            guard let why = Failure(rawValue: try input.u8()) else { throw .unknownCode }
            self = .failed(why)
        case nil: throw .unknownKind(code)
        }
        try input.end()
    }
}
