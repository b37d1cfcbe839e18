// akios approvals --watch: the edge around WatchBoard. It listens to every running session that it may, looks for new ones, and
// reads what is typed, in one poll loop.

import Events
import Glibc
import JSONBytes
import LogStore
import Vocabulary
import Wire

struct ApprovalsWatch {
    private let choice: String?
    private let json: Bool
    private var board: WatchBoard
    private let asks: Bool
    private var sessions: [ControlConnection] = []
    /// What each session has waiting, by number.
    private var open: [SessionID: Set<UInt64>] = [:]
    private var line: [UInt8] = []

    /// How often new sessions are looked for, in milliseconds.
    private static let pause: Int32 = 500
    private static let longestLine = 1024

    init(choice: String?, json: Bool) {
        self.choice = choice
        self.json = json
        asks = !json && isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1
        board = WatchBoard(asks: asks)
    }

    /// Until the one session that was named has ended, or nobody reads any more.
    mutating func run() throws {
        sessions = try choice.map { try RunningSessions.connect($0) } ?? []
        for session in sessions { begin(session) }
        while choice == nil || !sessions.isEmpty {
            if choice == nil { look() }
            var polled = sessions.map { pollfd(fd: $0.number, events: Int16(POLLIN), revents: 0) }
            polled.append(pollfd(fd: asks ? STDIN_FILENO : -1, events: Int16(POLLIN), revents: 0))
            guard poll(&polled, nfds_t(polled.count), Self.pause) > 0 else { continue }
            for (session, ready) in zip(sessions, polled) where ready.revents != 0 { hear(session) }
            if polled.last?.revents != 0, !read() { return }
        }
    }

    private mutating func look() {
        for found in RunningSessions.all where !sessions.contains(where: { $0.session == found.session }) {
            guard let session = try? ControlConnection(found.session, in: found.base) else { continue }
            sessions.append(session)
            begin(session)
        }
    }

    private mutating func begin(_ session: ControlConnection) {
        open[session.session] = []
        if (try? session.send(.watch)) == nil { lost(session) }
    }

    private mutating func hear(_ session: ControlConnection) {
        do throws(ControlConnection.Failure) {
            var milliseconds: Int32 = 100
            while let reply = try session.next(within: milliseconds) {
                milliseconds = 0
                switch reply {
                case .waiting(let question):
                    open[session.session, default: []].insert(question.id)
                    came(SessionQuestion(session: session.session, open: question))
                case .over(let id): over(session.session, id)
                case .hello, .done, .failed: break
                }
            }
        } catch { lost(session) }
    }

    private mutating func came(_ question: SessionQuestion) {
        guard !json else { return Console.json(question.json) }
        follow(board.came(question))
    }

    private mutating func over(_ session: SessionID, _ number: UInt64) {
        open[session]?.remove(number)
        let id = "\(session.own)-\(number)"
        guard !json else { return Console.json(.object([.init("id", .string(id)), .init("over", .bool(true))])) }
        follow(board.gone(id))
    }

    private mutating func lost(_ session: ControlConnection) {
        sessions.removeAll { $0 === session }
        for number in (open.removeValue(forKey: session.session) ?? []).sorted() { over(session.session, number) }
    }

    /// False: nobody types any more.
    private mutating func read() -> Bool {
        // A prompt of this very turn may have thrown away what was there.
        var polled = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
        guard poll(&polled, 1, 0) > 0 else { return true }
        var buffer = [UInt8](repeating: 0, count: Self.longestLine)
        let count = Glibc.read(STDIN_FILENO, &buffer, buffer.count)
        guard count > 0 else { return false }
        for byte in buffer[..<count] {
            guard byte == 0x0a else {
                if line.count < Self.longestLine { line.append(byte) }
                continue
            }
            let text = String(decoding: line, as: UTF8.self)
            line = []
            // What else was typed was not meant for the next question.
            follow(board.typed(text))
            break
        }
        return true
    }

    private mutating func follow(_ steps: [WatchBoard.Step]) {
        for step in steps {
            switch step {
            case .print(let lines): for line in lines { Console.line(line) }
            case .prompt(let text):
                tcflush(STDIN_FILENO, TCIFLUSH)
                line = []
                Console.result(text.utf8)
            case .answer(let question, let word): answer(question, word)
            }
        }
    }

    /// Over a connection of its own: the watch's one may be in the middle of telling.
    private mutating func answer(_ question: SessionQuestion, _ word: OperatorWord) {
        open[question.session]?.remove(question.open.id)
        do {
            guard let found = RunningSessions.all.first(where: { $0.session == question.session }) else {
                throw RunningSessions.failure(.notPending, question.id)
            }
            let refused = try RunningSessions.words { () throws(ControlConnection.Failure) in
                try ControlConnection(found.session, in: found.base).decide(question.open, word)
            }
            if let refused { throw RunningSessions.failure(refused, question.id) }
            Console.line(Console.plain("    \(question.id) \(word.allows ? "approved" : "denied")"))
        } catch let failure as CommandFailure {
            Console.complain(failure.complaint)
        } catch {
            Console.complain(Complaint("\(error)", hint: "akios approvals"))
        }
    }
}
