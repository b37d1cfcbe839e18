// BPFMachine: runs a filter's bytes on made-up system calls, as the kernel would, so that thousands of argument
// combinations can be judged without making one call.

/// The data a filter sees: `struct seccomp_data` without the instruction pointer.
struct SeccompData {
    var number: UInt32
    var architecture: UInt32 = 0xC000_003E
    var arguments: [UInt64] = []

    func word(at offset: UInt32) -> UInt32? {
        switch offset {
        case 0: return number
        case 4: return architecture
        case 16..<64:
            let index = Int(offset - 16) / 8
            let value = index < arguments.count ? arguments[index] : 0
            return UInt32(truncatingIfNeeded: offset % 8 == 0 ? value : value >> 32)
        default: return nil
        }
    }
}

/// The instructions libseccomp uses; anything else stops the run with nil.
struct BPFMachine {
    let program: [UInt8]
    var instructions: Int { program.count / 8 }

    func run(_ data: SeccompData) -> UInt32? {
        var accumulator: UInt32 = 0
        var at = 0
        while at < instructions {
            let base = at * 8
            let code = UInt16(program[base]) | UInt16(program[base + 1]) << 8
            let onTrue = Int(program[base + 2])
            let onFalse = Int(program[base + 3])
            let k = (0..<4).reduce(UInt32(0)) { $0 | UInt32(program[base + 4 + $1]) << UInt32(8 * $1) }
            at += 1
            switch code {
            case 0x20:
                guard let word = data.word(at: k) else { return nil }
                accumulator = word
            case 0x54: accumulator &= k
            case 0x05: at += Int(k)
            case 0x15: at += accumulator == k ? onTrue : onFalse
            case 0x25: at += accumulator > k ? onTrue : onFalse
            case 0x35: at += accumulator >= k ? onTrue : onFalse
            case 0x45: at += accumulator & k != 0 ? onTrue : onFalse
            case 0x06: return k
            default: return nil
            }
        }
        return nil
    }
}
