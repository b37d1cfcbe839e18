// WatchBoard: what --watch shows and asks, as a state machine without a terminal: questions come and go, lines are typed, and it
// says what to print and what to answer. One question is asked at a time; a line typed for one is never taken for the next, also
// where the agent takes the shown one back while somebody types.

import Wire

struct WatchBoard {
    enum Step: Equatable {
        case print([String])
        /// Throw away what was typed already, then show this without a line's end.
        case prompt(String)
        case answer(SessionQuestion, OperatorWord)
    }

    /// Whether the next question may be shown.
    private enum Gate {
        case open
        /// The shown question went by itself, and keys meant for it may be on their way: an empty line opens.
        case closed
        /// Closed, and whoever types was told how to open it.
        case prompted
    }

    /// Nobody types: questions are only shown.
    private let asks: Bool
    private var waiting: [SessionQuestion] = []
    private var shown: SessionQuestion?
    private var gate = Gate.open

    private static let prompt = "    let it go out? [y]es, yes for the [s]ession, [n]o: "
    private static let pause = "    press Enter for the next: "

    init(asks: Bool) { self.asks = asks }

    mutating func came(_ question: SessionQuestion) -> [Step] {
        guard asks else { return [.print(question.lines)] }
        guard !waiting.contains(where: { $0.id == question.id }), shown?.id != question.id else { return [] }
        waiting.append(question)
        return shown == nil ? next() : []
    }

    /// Answered elsewhere, over by itself, or its session has ended.
    mutating func gone(_ id: String) -> [Step] {
        guard asks else { return [.print([Console.plain("\(id)  does not wait any more")])] }
        waiting.removeAll { $0.id == id }
        guard shown?.id == id else { return [] }
        shown = nil
        gate = .closed
        return [.print(["", Console.plain("    \(id) does not wait any more")])] + next()
    }

    /// A whole line of the person at the terminal.
    mutating func typed(_ line: String) -> [Step] {
        guard let question = shown else {
            if line.isEmpty { gate = .open } else if gate == .prompted { gate = .closed }
            return next()
        }
        let word: OperatorWord
        switch line.lowercased() {
        case "y", "yes": word = OperatorWord(allows: true)
        case "s", "session": word = OperatorWord(allows: true, forSession: true)
        case "n", "no": word = OperatorWord(allows: false)
        default: return [.prompt(Self.prompt)]
        }
        shown = nil
        return [.answer(question, word)] + next()
    }

    private mutating func next() -> [Step] {
        guard !waiting.isEmpty, gate != .prompted else { return [] }
        guard gate == .open else {
            gate = .prompted
            return [.prompt(Self.pause)]
        }
        let question = waiting.removeFirst()
        shown = question
        return [.print(question.lines), .prompt(Self.prompt)]
    }
}
