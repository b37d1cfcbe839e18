// YAMLReader: libyaml's events to a `Node`. Of YAML only what has one reading: no anchors, tags, directives or second
// document, each key once, and every scalar is its text.

import CYaml
import Profile

struct YAMLReader: ~Copyable {
    /// Bytes of one document.
    static let sizeLimit = 1 << 20
    private static let depthLimit = 32

    /// On the heap, because libyaml keeps pointers into the struct itself.
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let file: String

    /// - Parameter file: how messages name the document.
    static func read(_ bytes: [UInt8], file: String) throws(ProfileError) -> Node {
        try checkText(bytes, file: file)
        let result: Result<Node, ProfileError> = bytes.withUnsafeBufferPointer { buffer in
            do throws(ProfileError) {
                let reader = try YAMLReader(file: file)
                return .success(try reader.document(buffer))
            } catch {
                return .failure(error)
            }
        }
        return try result.get()
    }

    private init(file: String) throws(ProfileError) {
        self.file = file
        parser = .allocate(capacity: 1)
        parser.initialize(to: yaml_parser_t())
        guard yaml_parser_initialize(parser) == 1 else {
            throw ProfileError(Mark(file: file), "out of memory")
        }
    }

    deinit {
        yaml_parser_delete(parser)
        parser.deallocate()
    }

    /// Before libyaml sees a byte: it would guess another encoding from a mark at the start.
    private static func checkText(_ bytes: [UInt8], file: String) throws(ProfileError) {
        guard bytes.count <= sizeLimit else {
            throw ProfileError(
                Mark(file: file), "larger than 1 MiB", hint: "a profile is a few kilobytes")
        }
        if bytes.starts(with: [0xef, 0xbb, 0xbf]) {
            throw ProfileError(
                Mark(file: file, line: 1, column: 1), "starts with a byte-order mark",
                hint: "save it as UTF-8 without one")
        }
        var line = 1
        var column = 1
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        while true {
            switch decoder.decode(&iterator) {
            case .emptyInput: return
            case .error:
                throw ProfileError(
                    Mark(file: file, line: line, column: column), "not UTF-8", hint: "save it as UTF-8")
            case .scalarValue("\0"):
                throw ProfileError(
                    Mark(file: file, line: line, column: column), "a NUL byte", hint: "a profile is text")
            case .scalarValue("\n"): (line, column) = (line + 1, 1)
            case .scalarValue: column += 1
            }
        }
    }

    private func document(_ buffer: UnsafeBufferPointer<UInt8>) throws(ProfileError) -> Node {
        yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
        yaml_parser_set_input_string(parser, buffer.baseAddress, buffer.count)
        _ = try next()  // the start of the stream
        let start = try next()
        guard case .documentStart(let directives) = start.kind else {
            throw ProfileError(
                start.mark, "the document is empty", hint: "start with apiVersion: akios/v1")
        }
        if directives {
            throw ProfileError(start.mark, "a directive", hint: "take the lines with '%' out")
        }
        let root = try node(try next(), depth: 0)
        _ = try next()  // the end of the document
        let end = try next()
        guard case .end = end.kind else {
            throw ProfileError(end.mark, "a second document", hint: "one profile in a file; use extends")
        }
        return root
    }

    private func node(_ event: Event, depth: Int) throws(ProfileError) -> Node {
        guard depth <= Self.depthLimit else {
            throw ProfileError(event.mark, "nested too deeply", hint: "at most \(Self.depthLimit) levels")
        }
        switch event.kind {
        case .scalar(let text, let quoted): return Node(.scalar(text, quoted: quoted), mark: event.mark)
        case .sequenceStart:
            var elements: [Node] = []
            while true {
                let item = try next()
                if case .end = item.kind { return Node(.sequence(elements), mark: event.mark) }
                elements.append(try node(item, depth: depth + 1))
            }
        case .mappingStart:
            var entries: [Node.Entry] = []
            var keys: [String: Mark] = [:]
            while true {
                let item = try next()
                if case .end = item.kind { return Node(.mapping(entries), mark: event.mark) }
                guard case .scalar(let key, _) = item.kind else {
                    throw ProfileError(item.mark, "a key that is not a text")
                }
                if let first = keys.updateValue(item.mark, forKey: key) {
                    throw ProfileError(
                        item.mark, "key '\(key.printable)' stands twice", hint: "the first is at \(first)")
                }
                entries.append(
                    Node.Entry(key: key, keyMark: item.mark, value: try node(try next(), depth: depth + 1)))
            }
        case .documentStart, .end: throw ProfileError(event.mark, "the document ends too early")
        }
    }

    private struct Event {
        enum Kind {
            case documentStart(directives: Bool)
            case scalar(String, quoted: Bool)
            case sequenceStart, mappingStart
            case end
        }
        var kind: Kind
        var mark: Mark
    }

    /// The next event that matters. Anchors, aliases and tags end here.
    private func next() throws(ProfileError) -> Event {
        var event = yaml_event_t()
        guard yaml_parser_parse(parser, &event) == 1 else { throw problem() }
        defer { yaml_event_delete(&event) }
        let mark = mark(event.start_mark)
        switch event.type {
        case YAML_ALIAS_EVENT:
            throw ProfileError(
                mark, "an alias", hint: "write the value out; documents share parts by extends")
        case YAML_DOCUMENT_START_EVENT:
            let start = event.data.document_start
            let directives =
                start.version_directive != nil || start.tag_directives.start != start.tag_directives.end
            return Event(kind: .documentStart(directives: directives), mark: mark)
        case YAML_SCALAR_EVENT:
            let scalar = event.data.scalar
            try refuse(anchor: scalar.anchor, tag: scalar.tag, mark)
            let text = String(
                decoding: UnsafeBufferPointer(start: scalar.value, count: scalar.length), as: UTF8.self)
            // libyaml turns the escape "\0" of a quoted text into the byte that the check of the file looked for.
            if text.utf8.contains(0) { throw ProfileError(mark, "a NUL byte", hint: "a profile is text") }
            return Event(kind: .scalar(text, quoted: scalar.style != YAML_PLAIN_SCALAR_STYLE), mark: mark)
        case YAML_SEQUENCE_START_EVENT:
            try refuse(anchor: event.data.sequence_start.anchor, tag: event.data.sequence_start.tag, mark)
            return Event(kind: .sequenceStart, mark: mark)
        case YAML_MAPPING_START_EVENT:
            try refuse(anchor: event.data.mapping_start.anchor, tag: event.data.mapping_start.tag, mark)
            return Event(kind: .mappingStart, mark: mark)
        default: return Event(kind: .end, mark: mark)
        }
    }

    private func refuse(
        anchor: UnsafeMutablePointer<UInt8>?, tag: UnsafeMutablePointer<UInt8>?, _ mark: Mark
    ) throws(ProfileError) {
        if anchor != nil {
            throw ProfileError(
                mark, "an anchor", hint: "write the value out; documents share parts by extends")
        }
        if tag != nil {
            throw ProfileError(
                mark, "a tag", hint: "values are read from their text; take the '!' out or quote it")
        }
    }

    private func mark(_ mark: yaml_mark_t) -> Mark {
        Mark(file: file, line: Int(mark.line) + 1, column: Int(mark.column) + 1)
    }

    private func problem() -> ProfileError {
        if parser.pointee.error == YAML_MEMORY_ERROR {
            return ProfileError(Mark(file: file), "out of memory")
        }
        let what = parser.pointee.problem.map { String(cString: $0) } ?? "not YAML"
        // The reader, which counts bytes, has no mark; its offset says less than the line the parser has reached.
        let place =
            parser.pointee.error == YAML_READER_ERROR ? parser.pointee.mark : parser.pointee.problem_mark
        let hint =
            what.contains("start any token")
            ? "indent with spaces, and quote texts that start with @, ` or %" : nil
        return ProfileError(mark(place), "not YAML: \(what)", hint: hint)
    }
}

extension String {
    /// Safe to print: control characters made visible, cut after 60 characters.
    var printable: String {
        String(
            String.UnicodeScalarView(
                unicodeScalars.prefix(60).map {
                    $0.properties.generalCategory == .control ? "\u{fffd}" : $0
                }))
    }
}
