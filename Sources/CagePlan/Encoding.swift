// The plan as flat bytes, as CShims/CInit/plan.h lays them out: a head, then records of numbers and NUL-ended texts.

/// Numbers of the C header; a test compares the two.
enum Opcode: UInt32, CaseIterable {
    case hostname = 1
    case root, mount, bind, attach, directory, file, link, mask, readonly, sysctl, pivot, loopback, ruleset, listeners
    case receive, seal, landlock, allow, allowstdio, limit, identity, lockdown, await, enforce, initfilter, agentfilter
    case directoryofwork, run, socketfilter
}

enum StepFlag {
    static let optional: UInt32 = 1
    static let terminal: UInt32 = 2
    static let groups: UInt32 = 4
    static let inside: UInt32 = 8
}

private struct Record {
    var op: Opcode
    var flags: UInt32 = 0
    var texts: [[UInt8]] = []
    var numbers: [UInt64] = []
}

extension Array where Element == UInt8 {
    fileprivate mutating func append(little value: UInt64, bytes: Int) {
        for shift in 0..<bytes { append(UInt8(truncatingIfNeeded: value >> (8 * UInt64(shift)))) }
    }
}

public enum PlanEncoding {
    static let version: UInt32 = 1
    static let textCount = 3
    static let numberCount = 5
    /// Size of a record before its texts.
    static let recordHead = 4 * 6 + 8 * numberCount

    /// The bytes init maps. At most 16 MiB, or init refuses them.
    public static func encode(_ steps: [Step]) -> [UInt8] {
        var body: [UInt8] = []
        for step in steps { append(step, to: &body) }
        var bytes = Array("AKIOSPLN".utf8)
        bytes.append(little: UInt64(version), bytes: 4)
        bytes.append(little: UInt64(steps.count), bytes: 4)
        bytes.append(little: UInt64(24 + body.count), bytes: 8)
        return bytes + body
    }

    private static func append(_ step: Step, to bytes: inout [UInt8]) {
        let record = record(step.action)
        var texts: [UInt8] = []
        var lengths: [UInt64] = []
        for index in 0..<textCount {
            let text = index < record.texts.count ? record.texts[index] : []
            texts += text
            texts.append(0)
            lengths.append(UInt64(text.count))
        }
        while (recordHead + texts.count) % 8 != 0 { texts.append(0) }
        bytes.append(little: UInt64(record.op.rawValue), bytes: 4)
        bytes.append(little: UInt64(record.flags | (step.optional ? StepFlag.optional : 0)), bytes: 4)
        bytes.append(little: UInt64(recordHead + texts.count), bytes: 4)
        for length in lengths { bytes.append(little: length, bytes: 4) }
        for index in 0..<numberCount { bytes.append(little: index < record.numbers.count ? record.numbers[index] : 0, bytes: 8) }
        bytes += texts
    }

    private static func record(_ action: Action) -> Record {
        func text(_ op: Opcode, _ texts: String..., numbers: [UInt64] = [], flags: UInt32 = 0) -> Record {
            Record(op: op, flags: flags, texts: texts.map { Array($0.utf8) }, numbers: numbers)
        }
        switch action {
        case .hostname(let name): return text(.hostname, name)
        case .root(let options): return text(.root, options)
        case .mount(let type, let path, let options, let rights):
            return text(.mount, type, path, options, numbers: [rights.rawValue])
        case .bind(let source, let path, let rights, let mark, let inside):
            return text(
                .bind, source, path, numbers: [rights.rawValue, mark?.device ?? 0, mark?.inode ?? 0],
                flags: inside ? StepFlag.inside : 0)
        case .attach(let slot, let path, let source, let rights):
            return text(.attach, source, path, numbers: [rights.rawValue, UInt64(slot)])
        case .directory(let path, let mode): return text(.directory, path, numbers: [UInt64(mode)])
        case .file(let path, let content, let mode):
            return Record(op: .file, texts: [Array(path.utf8), content], numbers: [UInt64(mode)])
        case .link(let path, let target): return text(.link, path, target)
        case .mask(let path): return text(.mask, path)
        case .readOnly(let path): return text(.readonly, path)
        case .hold(let path): return text(.bind, path, path, flags: StepFlag.inside)
        case .sysctl(let name, let value): return text(.sysctl, "/proc/sys/" + name, value)
        case .pivot: return text(.pivot)
        case .loopback(let address, let ipv6): return text(.loopback, address, numbers: [ipv6 ? 1 : 0])
        case .ruleset(let batch): return Record(op: .ruleset, texts: [batch])
        case .listeners(let wanted, let mayLack): return text(.listeners, numbers: [wanted.rawValue, mayLack.rawValue])
        case .receive(let slot, let path, let limit): return text(.receive, path, numbers: [UInt64(slot), limit])
        case .seal: return text(.seal)
        case .landlock(let handled, let scopes, let least): return text(.landlock, numbers: [handled.rawValue, scopes, least])
        case .allow(let path, let rights): return text(.allow, path, numbers: [rights.rawValue])
        case .allowStandardStreams(let rights): return text(.allowstdio, numbers: [rights.rawValue])
        case .limit(let resource, let value): return text(.limit, numbers: [resource.rawValue, value, value])
        case .identity(let uid, let gid, let drops):
            return text(.identity, numbers: [UInt64(uid), UInt64(gid)], flags: drops ? StepFlag.groups : 0)
        case .lockdown: return text(.lockdown)
        case .await: return text(.await)
        case .enforce: return text(.enforce)
        case .initFilter(let program): return Record(op: .initfilter, texts: [program])
        case .agentFilter(let program): return Record(op: .agentfilter, texts: [program])
        case .socketFilter(let program): return Record(op: .socketfilter, texts: [program])
        case .workingDirectory(let path): return text(.directoryofwork, path)
        case .run(let program):
            return Record(
                op: .run, flags: program.takesTerminal ? StepFlag.terminal : 0,
                texts: [Array(program.path.utf8), joined(program.arguments), joined(program.environment)],
                numbers: [
                    UInt64(program.arguments.count), UInt64(program.environment.count), program.ignoredSignals,
                    UInt64(program.umask),
                ])
        }
    }

    /// Words with one NUL between them; the record's own NUL ends the last.
    private static func joined(_ words: [String]) -> [UInt8] { Array(words.map { Array($0.utf8) }.joined(separator: [0])) }
}
