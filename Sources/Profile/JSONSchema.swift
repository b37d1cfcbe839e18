// JSONSchema: the table of the language as a JSON Schema (draft 2020-12), for editors. profiles/schema/akios-v1.json is
// this text; a test keeps the two equal and walks both against the parser.

/// A JSON value to be printed with indentation, keys in the given order.
private indirect enum JSON {
    case text(String), number(Int64), bool(Bool), list([JSON]), object([(String, JSON)])

    func print(indent: Int = 0, to out: inout String) {
        let pad = String(repeating: " ", count: indent + 2)
        func lines<Item>(_ open: String, _ items: [Item], _ close: String, _ body: (Item) -> Void) {
            out += open
            for (index, item) in items.enumerated() {
                out += (index == 0 ? "\n" : ",\n") + pad
                body(item)
            }
            out += (items.isEmpty ? "" : "\n" + String(repeating: " ", count: indent)) + close
        }
        switch self {
        case .text(let text): out += String(decoding: CanonicalJSON.write(.text(text, mark: Mark(file: ""))), as: UTF8.self)
        case .number(let value): out += String(value)
        case .bool(let value): out += value ? "true" : "false"
        case .list(let items):
            // A list of words reads better on one line.
            let words = items.compactMap { if case .text = $0 { $0 } else { nil } }
            if words.count == items.count {
                out += "["
                for (index, word) in words.enumerated() {
                    if index > 0 { out += ", " }
                    word.print(to: &out)
                }
                out += "]"
            } else {
                lines("[", items, "]") { $0.print(indent: indent + 2, to: &out) }
            }
        case .object(let members):
            lines("{", members, "}") { member in
                JSON.text(member.0).print(to: &out)
                out += ": "
                member.1.print(indent: indent + 2, to: &out)
            }
        }
    }
}

extension Resolver {
    /// The JSON Schema of the whole language, ended by a newline.
    public static func languageSchema() -> String {
        let flux = JSON.object([
            ("properties", .object([("kind", .object([("const", .text(Language.Kind.fluxConfig.rawValue))]))])),
            ("required", .list([.text("kind")])),
        ])
        func spec(_ rows: [Row]) -> JSON { .object([("properties", .object([("spec", schema(.map(rows)))]))]) }
        guard case .object(let document) = schema(.map(Language.document(.agentPolicy).filter { $0.key != "spec" })) else {
            return ""
        }
        var members: [(String, JSON)] = [
            ("$schema", .text("https://json-schema.org/draft/2020-12/schema")), ("$id", .text("urn:akios:profile:v1")),
            ("title", .text("akios-exec profile, \(Language.apiVersion)")),
        ]
        members += document.map { key, value in
            guard key == "properties", case .object(let rows) = value else { return (key, value) }
            return (key, .object(rows + [("spec", .bool(true))]))
        }
        members += [("if", flux), ("then", spec(Language.flux)), ("else", spec(Language.spec))]
        var out = ""
        JSON.object(members).print(to: &out)
        return out + "\n"
    }

    private static func schema(_ shape: Shape) -> JSON {
        switch shape {
        case .scalar(let scalar): return self.scalar(scalar)
        case .either(let first, let second): return .object([("anyOf", .list([scalar(first), schema(second)]))])
        case .list(let element, _, _): return .object([("type", .text("array")), ("items", schema(element))])
        case .table(_, let value): return .object([("type", .text("object")), ("additionalProperties", schema(value))])
        case .map(let rows, let shorthand):
            var members: [(String, JSON)] = [("type", .text("object")), ("additionalProperties", .bool(false))]
            members.append(("properties", .object(rows.map { ($0.key, described($0)) })))
            let required = rows.filter(\.required).map { JSON.text($0.key) }
            if !required.isEmpty { members.append(("required", .list(required))) }
            guard let shorthand, let row = rows.first(where: { $0.key == shorthand }) else { return .object(members) }
            return .object([("anyOf", .list([schema(row.shape), .object(members)]))])
        }
    }

    private static func described(_ row: Row) -> JSON {
        guard case .object(var members) = schema(row.shape) else { return schema(row.shape) }
        members.insert(("description", .text(row.about)), at: 0)
        if let standsFor = row.standsFor, row.alias == nil { members.append(("default", value(standsFor, row.shape))) }
        if row.alias != nil { members.append(("deprecated", .bool(true))) }
        switch row.enforcement {
        case .yes: break
        case .no(let except):
            members.append(("x-akios-enforced", except.isEmpty ? .bool(false) : .list(except.sorted().map(JSON.text))))
        case .ignored: members.append(("x-akios-effect", .bool(false)))
        }
        return .object(members)
    }

    private static func value(_ text: String, _ shape: Shape) -> JSON {
        switch shape {
        case .list: .list([.text(text)])
        case .scalar(.bool): .bool(text == "true")
        case .scalar(.integer): decimal(text).map(JSON.number) ?? .text(text)
        default: .text(text)
        }
    }

    /// YAML tools read `0` and `1.00` as numbers, so a quantity may be either.
    private static func scalar(_ scalar: Scalar) -> JSON {
        func text(_ pattern: String? = nil, orNumber: Bool = false) -> JSON {
            var members: [(String, JSON)] = [("type", orNumber ? .list([.text("string"), .text("number")]) : .text("string"))]
            if let pattern { members.append(("pattern", .text(pattern))) }
            if orNumber { members.append(("minimum", .number(0))) }
            return .object(members)
        }
        switch scalar {
        case .bool: return .object([("type", .text("boolean"))])
        case .integer(let range):
            var members: [(String, JSON)] = [("type", .text("integer")), ("minimum", .number(range.lowerBound))]
            if range.upperBound != .max { members.append(("maximum", .number(range.upperBound))) }
            return .object(members)
        case .port: return self.scalar(.integer(1...65_535))
        case .bytes: return text("^[0-9]+[KMGT]?$", orNumber: true)
        case .money: return text("^\\$?[0-9]+(\\.[0-9]{1,9})?$", orNumber: true)
        case .rate: return text("^[0-9]+[KMGT]?/s$")
        case .span: return text("^[0-9]+(ms|s|m|h|d)$")
        case .cpu: return text("^[0-9]+%$")
        case .choice(let words, let synonyms): return .object([("enum", .list((words + synonyms.keys.sorted()).map(JSON.text)))])
        case .urlPath: return text("^/")
        case .url: return text("^https?://")
        case .method: return text("^[A-Za-z-]{1,32}$")
        case .mediaType: return text("^[A-Za-z0-9_!#$&^.+*-]+/[A-Za-z0-9_!#$&^.+*-]+$")
        case .credentialName: return text("^[A-Za-z0-9_-][A-Za-z0-9._-]{0,254}$")
        case .headerName: return text("^[A-Za-z0-9_-]{1,64}$")
        case .variable, .passedVariable: return text("^[A-Za-z_][A-Za-z0-9_]*$")
        case .opaque: return .object([("type", .list([.text("string"), .text("number"), .text("boolean")]))])
        default: return text()
        }
    }
}
