// akios logs: the records of a session, for people or as they are.

import ArgumentParser
import Events
import Glibc
import JSONBytes
import LinuxSys
import LogStore
import Vocabulary

struct LogsCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "logs", abstract: "Print the records of a session, oldest first.",
        discussion: "This reads, it does not verify: akios audit verify does. --json prints the log's own lines.")

    @Argument(help: "An id, a unique prefix of one, 'latest', or a folder.")
    var session: String

    @Flag(help: "Print the records as they are, one JSON object a line.")
    var json = false

    @Option(name: .customShort("n"), help: "Only the last N records.")
    var last: Int?

    func validate() throws {
        if let last, last < 0 { throw ValidationError("-n takes a number of records") }
    }

    func run() throws {
        let folder = try SessionChoice.open(session)
        var kept: [[UInt8]] = []
        let limit = last
        do {
            let torn = try LogReader.lines(folder) { line in
                if let limit {
                    guard limit > 0 else { return }
                    // Twice the wanted number at most, cut back in one go.
                    if kept.count / 2 >= limit { kept.removeFirst(kept.count - limit) }
                    kept.append(line)
                } else {
                    show(line)
                }
            }
            if let limit { for line in kept.suffix(limit) { show(line) } }
            if torn > 0 { Console.hint("\(torn) bytes behind the last record are no whole record") }
        } catch {
            throw SessionChoice.unavailable(error)
        }
    }

    private func show(_ line: [UInt8]) {
        Console.line(json ? String(decoding: line, as: UTF8.self) : RecordText.line(line))
    }
}

/// A record as one line for people: time of day, kind, what it says.
enum RecordText {
    static func line(_ bytes: [UInt8]) -> String {
        guard let record = try? JSONValue.parse(bytes), let kind = record["kind"]?.stringValue, let data = record["data"],
            let time = record["ts"]?.stringValue
        else { return "(not a record)" }
        let clock = time.dropFirst(11).prefix(12)
        let name = kind + String(repeating: " ", count: max(0, 18 - kind.count))
        return Console.plain("\(clock)  \(name) \(words(EventKind(rawValue: kind), data))")
    }

    private static func words(_ kind: EventKind?, _ data: JSONValue) -> String {
        func text(_ key: String) -> String { data[key]?.stringValue ?? "" }
        func number(_ key: String) -> String { data[key]?.intValue.map { String($0) } ?? "" }
        switch kind {
        case .sessionStart:
            let tier = data["tier"]?["enforced"]?.stringValue ?? ""
            return "\(data["command"]?["program"]?.stringValue ?? "") profile \(text("profile")) tier \(tier)"
        case .sessionStop: return "\(text("code")): \(text("reason"))"
        case .sessionEnd:
            let exit = data["exit"]
            let reason = exit?["reason"]?.stringValue.map { ", \($0)" } ?? ""
            return "exit \(exit?["status"]?.intValue.map { String($0) } ?? "") by \(exit?["by"]?.stringValue ?? "")\(reason)"
        case .sessionCrashed: return text("reason")
        case .requestIntent:
            let model = text("model").isEmpty ? "" : " \(text("model")), up to $\(text("reserved_usd"))"
            return "#\(text("id")) \(text("method")) \(text("host"))\(text("path"))\(model)\(found(data["redactions"]))"
        case .requestOutcome:
            let usage =
                data["usage"].map { ", \($0["input"]?.stringValue ?? "0") in \($0["output"]?.stringValue ?? "0") out" } ?? ""
            return
                "#\(text("id")) \(number("status")) in \(number("milliseconds")) ms, $\(text("cost_usd"))\(usage)\(found(data["redactions"]))"
        case .requestRefused: return "\(text("code")): \(text("method")) \(text("host"))\(text("path")): \(text("reason"))"
        case .connectionRefused:
            return
                "\(text("code")): \(text("host").isEmpty ? text("address") : text("host")) port \(number("port")): \(text("reason"))"
        case .nameRefused: return "\(text("code")): \(text("name"))"
        case .packetFenced: return "\(number("count")) × \(text("proto")) to \(text("dst")) port \(number("port"))"
        case .socketRefused:
            return "\(number("count")) × \(text("call"))(\(text("family")), \(text("type")), \(text("protocol")))"
        case .budgetExceeded:
            return "\(text("limit")): \(text("used")) used, \(text("asked")) asked, \(text("allowed")) allowed: \(text("action"))"
        case .approvalRequested:
            return "#\(text("id")) \(text("method")) \(text("host"))\(text("path")), \(number("bytes")) bytes, risk \(text("risk"))"
        case .alertFailed: return "\(text("way")): \(text("reason"))"
        case .approvalDecided:
            let by = data["uid"]?.intValue.map { " by user \($0)" } ?? ""
            return "#\(text("id")) \(text("decision"))\(by)\(text("scope") == "session" ? " for the session" : "")"
        case .checkpoint: return "\(text("size")) records, root \(text("root").prefix(16))…"
        case nil: return String(decoding: data.canonical(), as: UTF8.self)
        }
    }

    private static func found(_ counts: JSONValue?) -> String {
        let parts = (counts?.members ?? []).compactMap { member in member.value.intValue.map { "\($0) \(member.key)" } }
        return parts.isEmpty ? "" : ", redacted \(parts.joined(separator: " "))"
    }
}
