// SeccompSockets: the filter that judges the agent's sockets, beside the agent's own. What it does not let pass it asks the
// supervisor about, who refuses and keeps a record; an errno from a filter leaves none.

/// The agent's filter without its tests of `socket` and `socketpair`, and the filter that has them. Never one alone.
public struct WatchedFilter: Sendable, Hashable {
    public let agent: [UInt8]
    /// For ``SECCOMP_FILTER_FLAG_NEW_LISTENER``. A refused call waits for the listener's answer; it gets ENOSYS once nobody listens.
    public let sockets: [UInt8]
}

extension AgentFilter {
    /// Lets pass, together, exactly what ``program(_:)`` lets pass.
    public func watched(_ tables: SyscallTables) throws(SeccompError) -> WatchedFilter {
        let judged = ["socket", "socketpair"]
        var calls: [(number: UInt32, allowed: [[ArgumentTest]])] = []
        for name in judged {
            guard case .number(let number) = try SyscallNumber(name: name) else { continue }
            calls.append((UInt32(bitPattern: number), AgentArguments.alternatives(name, self) ?? []))
        }
        return WatchedFilter(agent: try program(tables, judgedElsewhere: judged), sockets: SocketFilter.program(calls))
    }
}

/// By hand: a filter of libseccomp's has one action for all that no rule matches, and here it would have to be two.
enum SocketFilter {
    /// Of `calls`, what holds one of its alternatives passes, and the listener is asked about the rest; all other calls pass.
    static func program(_ calls: [(number: UInt32, allowed: [[ArgumentTest]])]) -> [UInt8] {
        var program: [UInt8] = []
        SeccompProgram.emit(&program, 0x20, SeccompProgram.architectureOffset)
        // Foreign tables are the agent's filter's: it kills, and the stricter of two answers stands.
        SeccompProgram.emit(&program, 0x15, SeccompProgram.architecture, onTrue: 1)
        pass(&program)
        SeccompProgram.emit(&program, 0x20, SeccompProgram.numberOffset)
        for call in calls {
            var judgement: [UInt8] = []
            for tests in call.allowed { judgement += alternative(tests) }
            SeccompProgram.emit(&judgement, 0x06, SyscallAction.notify.code)
            SeccompProgram.emit(&program, 0x15, call.number, onFalse: UInt8(judgement.count / SeccompProgram.size))
            program += judgement
        }
        pass(&program)
        return program
    }

    /// Lets the call pass if every test holds; falls out at its end otherwise.
    private static func alternative(_ tests: [ArgumentTest]) -> [UInt8] {
        // Arguments are 64 bits wide and the machine reads 32.
        var halves: [(offset: UInt32, mask: UInt32, value: UInt32)] = []
        for test in tests {
            let offset = SeccompProgram.argumentOffset(test.index)
            halves.append((offset, UInt32(truncatingIfNeeded: test.mask), UInt32(truncatingIfNeeded: test.value)))
            halves.append((offset + 4, UInt32(test.mask >> 32), UInt32(test.value >> 32)))
        }
        halves.removeAll { $0.mask == 0 }
        var program: [UInt8] = []
        var left = 3 * halves.count + 1
        for half in halves {
            left -= 3
            SeccompProgram.emit(&program, 0x20, half.offset)
            SeccompProgram.emit(&program, 0x54, half.mask)
            SeccompProgram.emit(&program, 0x15, half.value, onFalse: UInt8(left))
        }
        pass(&program)
        return program
    }

    private static func pass(_ program: inout [UInt8]) { SeccompProgram.emit(&program, 0x06, SyscallAction.allow.code) }
}
