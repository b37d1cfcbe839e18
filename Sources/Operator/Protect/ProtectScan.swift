// akios protect scan: where in files something sensitive stands. Exit 3 if anywhere, so that a hook can refuse a commit.

import ArgumentParser
import Glibc
import JSONBytes
import Redaction
import Vocabulary

struct ProtectScan: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "scan", abstract: "List where files hold personal data or secrets, never what.",
        discussion: "Exit status 3 if anything was found, 1 if a file could not be read. A file named - is stdin.")

    @Option(help: "Look for what this profile asks for; without it, everything.") var profile: String?
    @Flag(help: "One JSON object a file.") var json = false
    @Argument(help: "Files to read.") var files: [String]

    func run() throws {
        let engine = try Protection.engine(try Protection.handling(profile))
        var worst = Status.yes
        for file in files {
            guard let bytes = contents(file) else {
                worst = .no
                continue
            }
            let findings: [Finding]
            do {
                findings = try engine.findings(inFile: bytes)
            } catch {
                Console.complain(Protection.failure(error, file).complaint)
                worst = .no
                continue
            }
            if !findings.isEmpty, worst == .yes { worst = .found }
            report(file, findings, LineIndex(bytes))
        }
        if worst != .yes { throw ExitCode(worst.rawValue) }
    }

    private func contents(_ file: String) -> [UInt8]? {
        let descriptor = file == "-" ? STDIN_FILENO : open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY)
        var input = InputFile(descriptor: descriptor)
        let bytes = descriptor < 0 ? [] : input.rest()
        let problem = descriptor < 0 ? String(cString: strerror(errno)) : input.error
        if descriptor > STDERR_FILENO { close(descriptor) }
        guard let problem else { return bytes }
        Console.complain(Complaint("cannot read \(Console.plain(file)): \(problem)", hint: "name a regular file that you may read"))
        return nil
    }

    private func report(_ file: String, _ findings: [Finding], _ lines: LineIndex) {
        guard json else {
            for finding in findings {
                let (line, column) = lines.place(of: finding.start)
                Console.line(
                    "\(Console.plain(file)):\(line):\(column): \(finding.type) (\(finding.category.rawValue)\(finding.validated ? ", checked" : ""))"
                )
            }
            return
        }
        Console.json(
            .object([
                .init("file", .string(file)),
                .init(
                    "findings",
                    .array(
                        findings.map { finding in
                            let (line, column) = lines.place(of: finding.start)
                            return .object([
                                .init("type", .string(finding.type)), .init("category", .string(finding.category.rawValue)),
                                .init("start", .integer(Int64(finding.start))), .init("end", .integer(Int64(finding.end))),
                                .init("line", .integer(Int64(line))), .init("column", .integer(Int64(column))),
                                .init("validated", .bool(finding.validated)),
                            ])
                        })),
            ]))
    }
}

extension Engine {
    /// A file that is JSON is looked at as JSON, so that an escape hides nothing; anything else as text.
    func findings(inFile bytes: [UInt8]) throws(ScanError) -> [Finding] {
        if let leaves = try? JSONLeaves.scan(bytes, numbers: true) {
            return try redactJSON(bytes, leaves: leaves, filter: .none).findings
        }
        return try redactText(bytes).findings
    }
}

/// Byte offsets as lines and columns, both from 1; a column counts characters (Unicode scalars).
struct LineIndex {
    private let bytes: [UInt8]
    private let starts: [Int]

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        starts = [0] + bytes.indices.filter { bytes[$0] == 0x0a }.map { $0 + 1 }
    }

    func place(of offset: Int) -> (line: Int, column: Int) {
        var low = 0
        var high = starts.count
        while high - low > 1 {
            let middle = (low + high) / 2
            if starts[middle] <= offset { low = middle } else { high = middle }
        }
        return (low + 1, 1 + bytes[starts[low]..<offset].count { $0 & 0xc0 != 0x80 })
    }
}
