// What the server answers. A script is a JSON array; the first entry whose `match` occurs in the request
// body speaks, the last entry without `match` is the default:
//
//     [{"match": "weather", "pieces": ["mail carol.jo", "nes@corp.example"], "delay_ms": 80, "usage": [100, 20]},
//      {"match": "look", "tool": {"name": "Bash", "arguments": "{\"command\":\"ls\"}"}},
//      {"reply": "you said: {{prompt}}"}]
//
// With `tool` the model calls one, silently unless there is a reply too. `pieces` are the deltas of a streamed answer, cut where the test wants them cut; `{{prompt}}` stands for the
// text of the request's last message as it arrived here.

import FoundationEssentials

struct Script: Sendable {
    struct Tool: Sendable, Decodable {
        var name: String
        /// A JSON object, as text.
        var arguments: String

        /// Where a stream cuts the arguments.
        var halves: (head: String, tail: String) {
            let middle = arguments.index(arguments.startIndex, offsetBy: arguments.count / 2)
            return (String(arguments[..<middle]), String(arguments[middle...]))
        }
    }

    struct Answer: Sendable, Decodable {
        var match: String?
        var reply: String?
        var pieces: [String]?
        var delayMilliseconds: Int64?
        var tool: Tool?
        /// Tokens in and out that the answer reports.
        var usage: [Int]?
        /// An error instead of an answer.
        var status: UInt?

        enum CodingKeys: String, CodingKey {
            case match, reply, pieces, tool, usage, status
            case delayMilliseconds = "delay_ms"
        }

        var tokensIn: Int { usage?.first ?? 100 }
        var tokensOut: Int { usage?.last ?? 20 }

        /// The text in the pieces of a stream; none where the model only calls a tool.
        func deltas(prompt: String) -> [String] {
            let texts = pieces ?? [reply ?? (tool == nil ? "you said: {{prompt}}" : "")]
            return texts.filter { !$0.isEmpty }.map { fill($0, prompt) }
        }

        private func fill(_ template: String, _ prompt: String) -> String {
            guard let range = template.firstRange(of: "{{prompt}}") else { return template }
            return template.replacingCharacters(in: range, with: prompt)
        }
    }

    let answers: [Answer]

    static let echo = Script(answers: [Answer()])

    init(answers: [Answer]) { self.answers = answers }

    init(file: String) throws {
        answers = try JSONDecoder().decode([Answer].self, from: Data(contentsOf: URL(filePath: file)))
    }

    func answer(to body: String) -> Answer {
        answers.first { answer in answer.match.map { body.contains($0) } ?? true } ?? Answer()
    }
}

extension String {
    fileprivate func replacingCharacters(in range: Range<Index>, with text: String) -> String {
        self[..<range.lowerBound] + text + self[range.upperBound...]
    }
}
