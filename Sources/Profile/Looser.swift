// Looser: what one tree permits that another does not. One comparison serves the notes about a child and the floor.

import Vocabulary

struct Looser {
    struct Finding: Sendable {
        var path: [String]
        /// Where the looser value stands.
        var mark: Mark
        /// `full → strong`, `adds api.example.com`, `leaves out .env`.
        var words: String
        var key: String { path.joined(separator: ".") }
    }

    /// Compare only what the stricter side names: a floor is silent about everything else.
    private let onlyNamed: Bool
    /// Where a value that is gone is blamed on.
    private let fallback: Mark
    private(set) var findings: [Finding] = []

    /// What `child` permits beyond `parent`; both are canonical documents' trees.
    static func compare(_ parent: Node, _ child: Node, fallback: Mark, onlyNamed: Bool = false)
        -> [Finding]
    {
        var work = Looser(onlyNamed: onlyNamed, fallback: fallback)
        work.rows(Language.spec, parent["spec"], child["spec"], path: [])
        return work.findings
    }

    private init(onlyNamed: Bool, fallback: Mark) {
        self.onlyNamed = onlyNamed
        self.fallback = fallback
    }

    private mutating func rows(_ rows: [Row], _ parent: Node?, _ child: Node?, path: [String]) {
        for row in rows where row.alias == nil {
            let (a, b) = (parent?[row.key], child?[row.key])
            if onlyNamed, a == nil { continue }
            if a == nil, b == nil { continue }
            if parent == nil, case .laterOfLimit = row.looser { continue }
            if case .map(let inner, _) = row.shape {
                self.rows(inner, a, b, path: path + [row.key])
            } else {
                compare(row, a, b, path: path + [row.key])
            }
        }
    }

    private mutating func find(_ path: [String], _ mark: Mark?, _ words: String) {
        findings.append(Finding(path: path, mark: mark ?? fallback, words: words))
    }

    private mutating func compare(_ row: Row, _ a: Node?, _ b: Node?, path: [String]) {
        let (old, new) = (a?.text ?? row.standsFor, b?.text ?? row.standsFor)
        var change: String { "\((old ?? "no limit").shown) → \((new ?? "no limit").shown)" }
        switch row.looser {
        case .neutral: break
        case .more:
            guard case .scalar(let scalar) = row.shape, let old, let limit = scalar.magnitude(old) else {
                break
            }
            if let new, let value = scalar.magnitude(new), value <= limit { break }
            find(path, b?.mark, change)
        case .later, .laterOfLimit:
            guard case .scalar(.choice(let words, _)) = row.shape, let old, let new,
                let before = words.firstIndex(of: old),
                let after = words.firstIndex(of: new), after > before
            else { break }
            find(path, b?.mark, change)
        case .notThis(let strictest):
            if old != new, new != strictest { find(path, b?.mark, change) }
        case .change:
            if let a, let b, a.means(b) { break }
            let (before, after) = (a?.label ?? row.standsFor, b?.label ?? row.standsFor)
            if before != after {
                find(path, b?.mark, "\((before ?? "nothing").shown) → \((after ?? "nothing").shown)")
            } else if a != nil, b != nil {
                find(path, b?.mark, "changes \((after ?? "nothing").shown)")
            }
        case .grant: grants(row, a, b, path: path)
        case .removal:
            let (mine, theirs) = (b?.elements, a?.elements)
            if row.standsFor == "all" {
                func all(_ list: [Node]?) -> Bool { list.map { $0.contains { $0.text == "all" } } ?? true }
                if all(mine) { break }
                if all(theirs) {
                    find(path, b?.mark, "all → \((mine ?? []).map(\.label).joined(separator: ", "))")
                    break
                }
            }
            for gone in theirs ?? [] where !(mine ?? []).contains(where: { $0.means(gone) }) {
                find(path, b?.mark, "leaves out \(gone.label)")
            }
        }
    }

    private mutating func grants(_ row: Row, _ a: Node?, _ b: Node?, path: [String]) {
        switch row.shape {
        case .table:
            for entry in b?.entries ?? [] {
                guard let there = a?[entry.key] else {
                    find(path + [entry.key], entry.keyMark, "adds \(entry.key.shown)")
                    continue
                }
                if !there.means(entry.value) {
                    find(path + [entry.key], entry.value.mark, "changes \(entry.key.shown)")
                }
            }
        case .list(let element, let identity, let whole):
            entries(element, identity, whole, a, b, path: path)
        case .either(_, .list(let element, let identity, let whole)):
            // `all` grants everything; any other word grants nothing.
            let (mine, theirs) = (
                b?.text ?? (b == nil ? row.standsFor : nil), a?.text ?? (a == nil ? row.standsFor : nil)
            )
            if theirs == "all" { break }
            if mine == "all" {
                find(path, b?.mark, "\((a?.elements ?? []).map(\.label).joined(separator: ", ")) → all")
            }
            if b?.elements != nil { entries(element, identity, whole, a, b, path: path) }
        default: break
        }
    }

    private mutating func entries(
        _ element: Shape, _ identity: String?, _ whole: Bool, _ a: Node?, _ b: Node?, path: [String]
    ) {
        let known = a?.elements ?? []
        for item in b?.elements ?? [] {
            if let identity, let name = item[identity]?.text,
                let there = known.first(where: { $0[identity]?.text == name })
            {
                if whole, !there.means(item) { find(path, item.mark, "changes \(item.label)") }
                if !whole, case .map(let inner, _) = element {
                    let before = findings.count
                    for row in inner {
                        compare(row, there[row.key], item[row.key], path: path + [name, row.key])
                    }
                    // A part that says nothing keeps the default, so its mark may be missing: blame the entry.
                    for index in before..<findings.count where findings[index].mark == fallback {
                        findings[index].mark = item.mark
                    }
                }
            } else if !known.contains(where: { Self.covers($0, item, element) }) {
                find(path, item.mark, "adds \(item.label)")
            }
        }
    }

    /// Whether `wide` grants all that `narrow` does.
    static func covers(_ wide: Node, _ narrow: Node, _ element: Shape) -> Bool {
        if wide.means(narrow) { return true }
        switch element {
        case .scalar(.path), .scalar(.grant):
            guard var outer = wide.text, let inner = narrow.text,
                outer.hasPrefix("/") || outer.hasPrefix("~")
            else { return false }
            if outer.hasSuffix("?") { outer.removeLast() }
            return inner.lies(below: outer)
        case .scalar(.network):
            guard let outer = wide.text.flatMap({ IPNetwork($0) }),
                let inner = narrow.text.flatMap({ IPNetwork($0) })
            else { return false }
            return outer.prefix <= inner.prefix && outer.contains(inner.base)
        case .map(let rows, _) where rows.contains(where: { $0.key == "methods" }):
            guard let outer = try? NetworkAccess.Rule(wide, deny: false),
                let inner = try? NetworkAccess.Rule(narrow, deny: false)
            else {
                return false
            }
            return outer.covers(inner)
        default: return false
        }
    }
}

extension Node {
    /// A short name of a list's entry, for a message.
    fileprivate var label: String {
        switch content {
        case .scalar(let text, _): text.shown
        case .sequence(let elements): elements.map(\.label).joined(separator: " ")
        case .mapping(let entries):
            (self["host"] ?? self["name"] ?? self["env"] ?? self["url"])?.text?.shown
                ?? entries.map { $0.key.shown }.joined(separator: ", ")
        }
    }
}

extension NetworkAccess.Rule {
    /// Whether everything that `other` permits is permitted by this rule too.
    func covers(_ other: Self) -> Bool {
        let hosts =
            switch (host, other.host) {
            case (.exact(let a), .exact(let b)): a == b
            case (.below, .exact(let b)): host.matches(b)
            case (.below(let a), .below(let b)): a == b || host.matches(b)
            case (.exact, .below): false
            }
        // A rule without paths means less on a provider's host than `/**` does, so it covers only its like.
        let paths =
            namesPaths
            ? other.namesPaths
                && other.paths.allSatisfy { self.paths.contains($0) || self.paths.contains("/**") }
            : !other.namesPaths
        let media =
            contentTypes.map { mine in
                other.contentTypes.map { $0.allSatisfy { mine.contains($0) || mine.contains("*/*") } } ?? false
            } ?? true
        func within(_ limit: UInt64?, _ value: UInt64?) -> Bool {
            limit.map { most in value.map { $0 <= most } ?? false } ?? true
        }
        let redaction = { (mode: NetworkAccess.InboundRedaction) in
            ["all": 0, "secrets": 1][mode.rawValue] ?? 2
        }
        return hosts && paths && other.ports.allSatisfy(ports.contains)
            && other.methods.allSatisfy(methods.contains)
            && redaction(other.redactInbound) <= redaction(redactInbound)
            && (unmeteredAllowed || !other.unmeteredAllowed)
            && (tls == .passthrough || other.tls == .intercept)
            && media && other.risk >= risk && (other.needsApproval || !needsApproval)
            && within(body?.bytes, other.body?.bytes)
            && within(rates.requestsPerMinute.map(UInt64.init), other.rates.requestsPerMinute.map(UInt64.init))
            && within(rates.bytesPerMinute?.bytes, other.rates.bytesPerMinute?.bytes)
            && within(rates.bandwidth?.bytesPerSecond, other.rates.bandwidth?.bytesPerSecond)
    }
}
