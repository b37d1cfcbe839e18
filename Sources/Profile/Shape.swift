// Shape: what the table of the language (Language*.swift) is made of. A key is described once, here are the words to
// do it with; parsing, hints, merging, loosening, the unenforced list and the JSON Schema all read the same rows.

/// What a scalar's text must be.
enum Scalar: Sendable {
    /// Any text of at most so many bytes.
    case text(Int)
    /// Text that messages must not repeat.
    case opaque(Int)
    case bool
    case integer(ClosedRange<Int64>)
    case bytes, rate, span, cpu, money
    /// One of these, strictest first where order matters. The seeds' spellings are rewritten.
    case choice([String], synonyms: [String: String] = [:])
    case hostName, hostPattern, network
    /// One name, one address, or localhost.
    case place
    /// ADDRESS, ADDRESS:PORT or [V6]:PORT.
    case resolution
    case port, method
    /// A glob over the path of a URL.
    case urlPath
    /// type/subtype, type/* or */*.
    case mediaType
    /// A name of an environment variable.
    case variable
    /// A name of one of systemd's credentials.
    case credentialName
    /// A name of an HTTP header.
    case headerName
    /// A variable that may be handed to the agent at all.
    case passedVariable
    /// A path; relative ones start at the document's folder. `optional`: `?` at the end may stand.
    case path(optional: Bool)
    /// As `path`, or one of these bare words.
    case grant([String])
    /// A path or glob below the workspace, or with `~/`; kept as written.
    case pattern
    case syscall
    case piiType
    case profileName
    case url
    /// URL of a proxy: http or https, a port, no password.
    case proxyURL
    case dottedKey
}

/// What one release does with a key.
enum Enforcement: Sendable {
    case yes
    /// Parsed and checked, not enforced: present with any other value than these (or an empty list or map) is listed.
    case no(except: Set<String> = [])
    /// Has no effect by design; named by a note.
    case ignored(String)
}

/// In which direction a value is looser.
enum Direction: Sendable {
    /// Says nothing about strength.
    case neutral
    /// A larger quantity. Absent: the row's default, and without one no limit.
    case more
    /// Later in the scalar's `choice` list.
    case later
    /// As `later`, but what to do at a limit loosens nothing where the parent has no such limit.
    case laterOfLimit
    /// Anything but this one.
    case notThis(String)
    /// Any other value than the parent's.
    case change
    /// Each entry that the parent does not have.
    case grant
    /// Each entry of the parent's that is missing.
    case removal
}

indirect enum Shape: Sendable {
    case scalar(Scalar)
    /// Entries with the same value of the key `identity` are one entry: the child's wins, key by key (`whole`: as a whole).
    /// Without `identity` equal entries are one, but in a `whole` list, whose order and number count.
    case list(Shape, identity: String? = nil, whole: Bool = false)
    /// Keys of the language. A scalar in its place is read as the value of the key `shorthand`.
    case map([Row], shorthand: String? = nil)
    /// Keys of the operator's.
    case table(Scalar, Shape)
    /// A scalar, or the other shape.
    case either(Scalar, Shape)
}

/// One key.
struct Row: Sendable {
    var key: String
    var shape: Shape
    var about: String
    var standsFor: String?
    var looser = Direction.neutral
    var enforcement = Enforcement.yes
    var required = false
    /// Rewritten to this path below `spec` before merging.
    var alias: [String]?

    init(
        _ key: String, _ shape: Shape, _ about: String, default standsFor: String? = nil,
        looser: Direction = .neutral,
        _ enforcement: Enforcement = .yes, required: Bool = false, alias: String? = nil
    ) {
        self.key = key
        self.shape = shape
        self.about = about
        self.standsFor = standsFor
        self.looser = looser
        self.enforcement = enforcement
        self.required = required
        self.alias = alias.map { $0.split(separator: ".").map(String.init) }
    }
}
