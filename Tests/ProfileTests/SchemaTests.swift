// The published JSON Schema against the parser: the same keys at every place, walked from both sides.

import Foundation
import Testing

@testable import Profile

@Suite struct SchemaTests {
    private let file: [String: Any]

    init() throws {
        let here = URL(fileURLWithPath: #filePath).deletingLastPathComponent().path
        let bytes = try Data(contentsOf: URL(fileURLWithPath: here + "/../../profiles/schema/akios-v1.json"))
        text = String(decoding: bytes, as: UTF8.self)
        file = try #require(JSONSerialization.jsonObject(with: bytes) as? [String: Any])
    }

    private let text: String

    @Test func theFileIsWhatTheTableSays() {
        #expect(text == Resolver.languageSchema(), "write the output of Resolver.languageSchema() to profiles/schema/akios-v1.json")
    }

    /// Every row has its property, with the same demands.
    @Test func everyKeyOfTheParserIsInTheSchema() throws {
        for (kind, rows, branch) in [(Language.Kind.agentPolicy, Language.spec, "else"), (.fluxConfig, Language.flux, "then")] {
            let spec = try #require(((file[branch] as? [String: Any])?["properties"] as? [String: Any])?["spec"] as? [String: Any])
            try compare(.map(rows), spec, at: kind.rawValue)
        }
        for row in Language.document(.agentPolicy) where row.key != "spec" {
            let property = try #require((file["properties"] as? [String: Any])?[row.key] as? [String: Any])
            try compare(row.shape, property, at: row.key)
        }
        #expect(Set((file["properties"] as? [String: Any] ?? [:]).keys) == Set(Language.document(.agentPolicy).map(\.key)))
        #expect(file["required"] as? [String] == ["apiVersion"])
        #expect(file["additionalProperties"] as? Bool == false)
    }

    private func compare(_ shape: Shape, _ schema: [String: Any], at place: String) throws {
        let choices = schema["anyOf"] as? [[String: Any]]
        switch shape {
        case .map(let rows, let shorthand):
            let object = shorthand == nil ? schema : try #require(choices?.last, "\(place)")
            let properties = try #require(object["properties"] as? [String: [String: Any]], "\(place)")
            #expect(Set(properties.keys) == Set(rows.map(\.key)), "\(place)")
            #expect(object["additionalProperties"] as? Bool == false, "\(place)")
            #expect(Set(object["required"] as? [String] ?? []) == Set(rows.filter(\.required).map(\.key)), "\(place)")
            for row in rows { try compare(row.shape, try #require(properties[row.key]), at: "\(place).\(row.key)") }
        case .list(let element, _, _):
            #expect(schema["type"] as? String == "array", "\(place)")
            try compare(element, try #require(schema["items"] as? [String: Any], "\(place)"), at: place + "[]")
        case .table(_, let value):
            try compare(value, try #require(schema["additionalProperties"] as? [String: Any], "\(place)"), at: place + ".*")
        case .either(let first, let second):
            try compare(.scalar(first), try #require(choices?.first, "\(place)"), at: place)
            try compare(second, try #require(choices?.last, "\(place)"), at: place)
        case .scalar(.choice(let words, let synonyms)):
            #expect(Set(schema["enum"] as? [String] ?? []) == Set(words).union(synonyms.keys), "\(place)")
        case .scalar: #expect(schema["type"] != nil, "\(place)")
        }
    }

    /// Every property of the file is a key that the parser knows: it may dislike the value, never the key.
    @Test func everyPropertyOfTheSchemaIsKnownToTheParser() throws {
        var seen = 0
        for (kind, branch) in [("AgentPolicy", "else"), ("FluxConfig", "then")] {
            let spec = try #require(((file[branch] as? [String: Any])?["properties"] as? [String: Any])?["spec"] as? [String: Any])
            for path in paths(spec) {
                seen += 1
                let complaint = try message(kind, path)
                #expect(!complaint.hasPrefix("unknown key"), "\(kind) \(path): \(complaint)")
                let wrong = try message(kind, path.dropLast() + ["zzz_\(path.last ?? "")"])
                #expect(wrong.hasPrefix("unknown key 'zzz_"), "\(kind) \(path): \(wrong)")
            }
        }
        #expect(seen > 100)
    }

    /// Paths of keys; `[]` stands for a list's entry.
    private func paths(_ schema: [String: Any]) -> [[String]] {
        var found: [[String]] = []
        for (key, value) in schema["properties"] as? [String: [String: Any]] ?? [:] {
            found.append([key])
            found += paths(value).map { [key] + $0 }
        }
        for choice in schema["anyOf"] as? [[String: Any]] ?? [] { found += paths(choice) }
        if let items = schema["items"] as? [String: Any] { found += paths(items).map { ["[]"] + $0 } }
        return found
    }

    private func message(_ kind: String, _ path: some Collection<String>) throws -> String {
        let mark = Mark(file: "p.yaml", line: 1, column: 1)
        var node = Node.text("zzz", mark: mark)
        for key in path.reversed() {
            node =
                key == "[]"
                ? Node(.sequence([node]), mark: mark) : Node(.mapping([.init(key: key, keyMark: mark, value: node)]), mark: mark)
        }
        let root = Node(
            .mapping([
                .init(key: "apiVersion", keyMark: mark, value: .text("akios/v1", mark: mark)),
                .init(key: "kind", keyMark: mark, value: .text(kind, mark: mark)), .init(key: "spec", keyMark: mark, value: node),
            ]), mark: mark)
        do throws(ProfileError) {
            _ = try ProfileDocument(root, source: ProfileSource(id: "p", name: "p.yaml", trusted: false), folder: "/")
            return ""
        } catch { return error.message }
    }
}
