// Checkpoint (C2SP tlog-checkpoint): three lines that say how long a log is and what its root hash is.

import Vocabulary

public struct Checkpoint: Sendable, Hashable {
    /// `<key name>/<session id>`: a checkpoint of one session is worth nothing for another.
    public var origin: String
    public var size: UInt64
    public var root: TreeHash

    public init(origin: String, size: UInt64, root: TreeHash) {
        self.origin = origin
        self.size = size
        self.root = root
    }

    /// The text that is signed.
    public var body: String { "\(origin)\n\(size)\n\(Base64.encode(root.bytes))\n" }

    /// Extension lines behind the root are allowed by the format and ignored.
    public init?(body: some StringProtocol) {
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count >= 4, lines.last == "", !lines[0].isEmpty, let size = UInt64(lines[1]), String(size) == lines[1],
            let bytes = Base64.decode(lines[2]), let root = TreeHash(bytes)
        else { return nil }
        // An empty line would end the note's text for another reader.
        guard !lines[3..<(lines.count - 1)].contains("") else { return nil }
        self.init(origin: String(lines[0]), size: size, root: root)
    }
}
