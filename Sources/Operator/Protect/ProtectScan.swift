// akios protect scan: where in files something sensitive stands. Exit 3 if anywhere, so that a hook can refuse a commit.

import ArgumentParser
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
            do throws(CommandFailure) {
                let bytes = try InputFile.contents(of: file)
                let findings = try Protection.of(file) { () throws(ScanError) in try engine.findings(inFile: bytes) }
                if !findings.isEmpty, worst == .yes { worst = .found }
                report(file, findings, in: bytes)
            } catch {
                Console.complain(error.complaint)
                worst = error.status
            }
        }
        if worst != .yes { throw ExitCode(worst.rawValue) }
    }

    private func report(_ file: String, _ findings: [Finding], in bytes: [UInt8]) {
        var lines = LineWalk(bytes)
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
        do {
            let leaves = try JSONLeaves.scan(bytes, numbers: true)
            return try redactJSON(bytes, leaves: leaves, filter: .none).findings
        } catch let error as ScanError {
            throw error
        } catch let error as JSONError where error.kind == .tooMany {
            // JSON all the same: as text its escapes would be taken for what they say.
            throw .budget
        } catch {
            return try redactText(bytes).findings
        }
    }
}

/// Byte offsets as lines and columns, both from 1; a column counts characters (Unicode scalars). Asked for in ascending
/// order, so that a file of one long line is walked once, however much is found in it.
struct LineWalk {
    private let bytes: [UInt8]
    private var at = 0
    private var line = 1
    private var column = 1

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    mutating func place(of offset: Int) -> (line: Int, column: Int) {
        while at < offset {
            if bytes[at] == 0x0a {
                (line, column) = (line + 1, 1)
            } else if bytes[at] & 0xc0 != 0x80 {
                column += 1
            }
            at += 1
        }
        return (line, column)
    }
}
