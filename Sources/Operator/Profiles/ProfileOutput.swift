// ProfileOutput: how the profile commands print, for people and for scripts as JSON.

import JSONBytes
import Profile
import ProfileFile
import Vocabulary

enum ProfileOutput {
    static func complaint(_ error: ProfileError) -> Complaint {
        Complaint("\(error.mark): \(error.message)", hints: error.hint.map { [$0] } ?? [])
    }

    static func json(_ entry: CatalogEntry) -> JSONValue {
        var members: [JSONValue.Member] = [
            .init("description", .string(entry.description)), .init("name", .string(entry.name)),
            .init("origin", .string(entry.origin)),
            .init("shadows", .bool(entry.shadows)),
        ]
        if let problem = entry.problem { members.append(.init("error", json(problem))) }
        return .object(members)
    }

    static func json(_ report: LintReport) -> JSONValue {
        .object([
            .init("errors", .array(report.errors.map(json))), .init("file", .string(report.name)),
            .init("notes", .array(report.notes.map(json))), .init("ok", .bool(report.errors.isEmpty)),
        ])
    }

    private static func json(_ error: ProfileError) -> JSONValue {
        var members = place(error.mark) + [.init("message", .string(error.message))]
        if let hint = error.hint { members.append(.init("hint", .string(hint))) }
        return .object(members)
    }

    private static func json(_ note: Note) -> JSONValue {
        .object(
            place(note.mark) + [
                .init("key", .string(note.key)), .init("kind", .string(note.kind.rawValue)),
                .init("message", .string(note.message)),
            ])
    }

    /// A whole file, and `--set`, have no line.
    private static func place(_ mark: Mark) -> [JSONValue.Member] {
        var members: [JSONValue.Member] = [.init("file", .string(mark.file))]
        if mark.line > 0 { members += [.init("line", .integer(Int64(mark.line))), .init("column", .integer(Int64(mark.column)))] }
        return members
    }
}
