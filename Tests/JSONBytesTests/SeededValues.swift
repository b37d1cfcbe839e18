// JSON values from a seed.

import JSONBytes
import TestKit

extension SplitMix {
    mutating func text() -> String {
        let pool: [Unicode.Scalar] = [
            "a", "Z", "0", "\"", "\\", "/", "\n", "\u{0}", "\u{1f}", "\u{7f}", "é", "€", "\u{fb33}", "😀", " ",
        ]
        var text = String.UnicodeScalarView()
        for _ in 0..<below(24) { text.append(pool[below(pool.count)]) }
        return String(text)
    }

    mutating func value(depth: Int) -> JSONValue {
        switch below(depth > 0 ? 7 : 5) {
        case 0: return .null
        case 1: return .bool(below(2) == 0)
        case 2: return .integer(Int64(below(1 << 53)) - 1 << 52)
        case 3: return .number(JSONNumber.canonical(Double(below(1 << 40)) / 1024))
        case 4: return .string(text())
        case 5: return .array((0..<below(5)).map { _ in value(depth: depth - 1) })
        default:
            var members: [JSONValue.Member] = []
            for _ in 0..<below(5) {
                let key = text()
                if !members.contains(where: { $0.key == key }) { members.append(.init(key, value(depth: depth - 1))) }
            }
            return .object(members)
        }
    }

    /// Members in one order, so that two spellings of one value compare equal.
    func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(sorted))
        case .object(let members):
            .object(members.map { .init($0.key, sorted($0.value)) }.sorted { JSONKeyOrder.precedes($0.key, $1.key) })
        default: value
        }
    }
}
