// Node: a profile document as a tree of text with the place of every part, before anything is read into it.
// YAML gives it its shape; so does the canonical JSON that egress gets.

/// Where something stands. Lines and columns count from 1; line 0 means the whole of `file`.
public struct Mark: Sendable, Hashable, CustomStringConvertible {
    public var file: String
    public var line: Int
    public var column: Int

    public init(file: String, line: Int = 0, column: Int = 0) {
        self.file = file
        self.line = line
        self.column = column
    }

    /// `strict.yaml:12:7`, or the file alone.
    public var description: String { line == 0 ? file : "\(file):\(line):\(column)" }
}

public struct Node: Sendable {
    public indirect enum Content: Sendable {
        /// Text as written; `quoted` tells `""` from nothing at all.
        case scalar(String, quoted: Bool)
        case sequence([Node])
        case mapping([Entry])
    }

    public struct Entry: Sendable {
        public var key: String
        public var keyMark: Mark
        public var value: Node

        public init(key: String, keyMark: Mark, value: Node) {
            self.key = key
            self.keyMark = keyMark
            self.value = value
        }
    }

    public var content: Content
    public var mark: Mark

    public init(_ content: Content, mark: Mark) {
        self.content = content
        self.mark = mark
    }

    public static func text(_ text: String, mark: Mark) -> Node {
        Node(.scalar(text, quoted: true), mark: mark)
    }

    public var text: String? { if case .scalar(let text, _) = content { text } else { nil } }
    public var elements: [Node]? {
        if case .sequence(let elements) = content { elements } else { nil }
    }
    public var entries: [Entry]? { if case .mapping(let entries) = content { entries } else { nil } }

    public func entry(_ key: String) -> Entry? { entries?.first { $0.key == key } }
    public subscript(_ key: String) -> Node? { entry(key)?.value }
    public subscript(path path: [String]) -> Node? {
        var node: Node? = self
        for key in path { node = node?[key] }
        return node
    }

    /// Puts `value` at `path`, making the maps on the way; nil takes the entry out.
    mutating func set(_ path: some Collection<String>, _ value: Node?, keyMark: Mark) {
        guard let key = path.first else {
            if let value { self = value }
            return
        }
        var list = entries ?? []
        let index = list.firstIndex { $0.key == key }
        if path.count == 1 {
            switch (index, value) {
            case (let index?, let value?): list[index] = Entry(key: key, keyMark: keyMark, value: value)
            case (let index?, nil): list.remove(at: index)
            case (nil, let value?): list.append(Entry(key: key, keyMark: keyMark, value: value))
            case (nil, nil): break
            }
        } else if let index {
            list[index].value.set(path.dropFirst(), value, keyMark: keyMark)
        } else if value != nil {
            var child = Node(.mapping([]), mark: keyMark)
            child.set(path.dropFirst(), value, keyMark: keyMark)
            list.append(Entry(key: key, keyMark: keyMark, value: child))
        }
        content = .mapping(list)
    }

    /// Whether both say the same, wherever they stand; the order of a map's keys says nothing. Texts are compared by their
    /// bytes: two spellings of one letter are two names of a file.
    func means(_ other: Node) -> Bool {
        switch (content, other.content) {
        case (.scalar(let a, _), .scalar(let b, _)): return a.utf8.elementsEqual(b.utf8)
        case (.sequence(let a), .sequence(let b)):
            return a.count == b.count && zip(a, b).allSatisfy { $0.means($1) }
        case (.mapping(let a), .mapping(let b)):
            return a.count == b.count
                && a.allSatisfy { entry in other[entry.key].map { entry.value.means($0) } ?? false }
        default: return false
        }
    }
}
