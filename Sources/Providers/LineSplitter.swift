// LineSplitter: streams of JSON objects, one a line.

/// A line with its line feed.
struct JSONLine: StreamFrame, Hashable {
    let raw: [UInt8]
    let data: [UInt8]?
    var name: String { "" }

    func bytes(data: [UInt8]) -> [UInt8] { data + [UInt8(ascii: "\n")] }
}

struct LineSplitter: FrameSplitter {
    let maxLine: Int
    private var line: [UInt8] = []

    init(maxLine: Int = 4 << 20) { self.maxLine = maxLine }

    var pending: Int { line.count }

    mutating func split(_ bytes: some Sequence<UInt8>) throws(FrameError) -> [any StreamFrame] {
        var frames: [any StreamFrame] = []
        for byte in bytes {
            guard line.count < maxLine else { throw .tooLarge }
            line.append(byte)
            guard byte == UInt8(ascii: "\n") else { continue }
            let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 || $0 == 0x0a || $0 == 0x0d }
            frames.append(JSONLine(raw: line, data: isBlank ? nil : Array(line.dropLast())))
            line.removeAll(keepingCapacity: true)
        }
        return frames
    }
}
