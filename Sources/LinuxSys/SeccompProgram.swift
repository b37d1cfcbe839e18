// SeccompProgram: rules to the bytes of one classic BPF program, by libseccomp. Made by the parent, loaded by the
// child: nothing between clone and exec may allocate.

import CLinux
import CSeccomp
import Glibc

/// A test of one argument: `argument & mask == value`. There is no plain comparison on purpose: the kernel reads
/// most arguments as 32 bits, so `TIOCSTI | 1 << 32` would pass a comparison of 64.
struct ArgumentTest: Hashable, Sendable {
    var index: UInt32
    var mask: UInt64
    var value: UInt64

    /// The argument, read as a C int, is `value`.
    static func int(_ index: UInt32, is value: UInt32) -> ArgumentTest {
        ArgumentTest(index: index, mask: 0xFFFF_FFFF, value: UInt64(value))
    }
    /// None of the bits is set.
    static func bits(_ bits: UInt32, of index: UInt32, are value: UInt32 = 0) -> ArgumentTest {
        ArgumentTest(index: index, mask: UInt64(bits), value: UInt64(value))
    }
}

/// What a matching call gets. Anything that matches no rule gets EPERM, unknown numbers ENOSYS, foreign architectures death.
enum SyscallAction: Hashable, Sendable {
    case allow
    case errno(Int32)
    /// Ask the holder of the filter's notification descriptor.
    case notify

    var code: UInt32 {
        switch self {
        case .allow: 0x7fff_0000
        case .errno(let number): 0x0005_0000 | UInt32(truncatingIfNeeded: number & 0xffff)
        case .notify: 0x7fc0_0000
        }
    }
}

/// One call, allowed when any of `alternatives` holds; each is a conjunction with at most one test per argument.
struct SyscallRule: Sendable {
    var name: String
    var action: SyscallAction = .allow
    /// Empty: unconditionally.
    var alternatives: [[ArgumentTest]] = []
}

/// Values of one argument, read as 32 bits, that a call may not carry.
struct RefusedValues: Sendable {
    var name: String
    var index: UInt32
    var values: [UInt32]

    /// Runs with the call's number in the accumulator; falls out at its end.
    fileprivate func instructions() throws(SeccompError) -> [UInt8] {
        guard case .number(let number) = try SyscallNumber(name: name) else { return [] }
        let count = UInt8(values.count)
        var program: [UInt8] = []
        SeccompProgram.emit(&program, 0x15, UInt32(bitPattern: number), onFalse: count + 3)  // another call: leave
        SeccompProgram.emit(&program, 0x20, SeccompProgram.argumentOffset(index))  // ld [low half of the argument]
        for (place, value) in values.enumerated() {
            SeccompProgram.emit(&program, 0x15, value, onTrue: count - UInt8(place))
        }
        SeccompProgram.emit(&program, 0x05, 1)  // ja: leave
        SeccompProgram.emit(&program, 0x06, SyscallAction.errno(EPERM).code)  // ret
        return program
    }
}

enum SeccompProgram {
    /// Compiles rules to `struct sock_filter` bytes of this machine's byte order.
    ///
    /// A call that has rules and matches none of them gets EPERM.
    /// - Throws: ``SeccompError``; a name that this architecture lacks is skipped, one that nobody has is an error.
    /// - Parameter refusing: values of one argument that get EPERM although `rules` allow the call.
    static func compile(_ rules: [SyscallRule], refusing: RefusedValues? = nil) throws(SeccompError) -> [UInt8] {
        guard let context = seccomp_init(SyscallAction.errno(EPERM).code) else { throw .system(SysError("seccomp_init", ENOMEM)) }
        defer { seccomp_release(context) }
        // A call by another architecture's table (i386 by int 0x80, x32 by bit 30) would be read by the wrong numbers.
        try check("seccomp_attr_set", seccomp_attr_set(context, SCMP_FLTATR_ACT_BADARCH, 0x8000_0000))
        // A binary tree over the numbers instead of a line of 300 comparisons.
        try check("seccomp_attr_set", seccomp_attr_set(context, SCMP_FLTATR_CTL_OPTIMIZE, 2))
        for rule in rules {
            guard case .number(let number) = try SyscallNumber(name: rule.name) else { continue }
            for tests in rule.alternatives.isEmpty ? [[]] : rule.alternatives {
                let comparisons = tests.map {
                    scmp_arg_cmp(arg: $0.index, op: SCMP_CMP_MASKED_EQ, datum_a: $0.mask, datum_b: $0.value)
                }
                let result = comparisons.withUnsafeBufferPointer {
                    seccomp_rule_add_array(context, rule.action.code, number, UInt32($0.count), $0.baseAddress)
                }
                try check("seccomp_rule_add", result, on: rule.name)
            }
        }
        return (try prologue(refusing)) + (try export(context))
    }

    /// In front of libseccomp's program, for what libseccomp 2.5 cannot say: ENOSYS for numbers that this build does not
    /// know, so that a C library newer than it falls back (there is one default for both kinds); and "any value but
    /// these" of an argument read as 32 bits (as alternatives, 40 of them, it takes 150 ms to compile). Whatever is not
    /// decided here goes on to libseccomp's checks, the architecture's first.
    private static func prologue(_ refusing: RefusedValues?) throws(SeccompError) -> [UInt8] {
        let refusals = try refusing?.instructions() ?? []
        let beyond = UInt8(refusals.count / size)
        var program: [UInt8] = []
        emit(&program, 0x20, architectureOffset)  // ld [arch]
        emit(&program, 0x15, architecture, onFalse: 6 + beyond)  // another architecture: leave
        emit(&program, 0x20, numberOffset)  // ld [nr]
        emit(&program, 0x35, 0x4000_0000, onTrue: 4 + beyond)  // x32, or -1: leave
        emit(&program, 0x25, KnownNumbers.newest, onTrue: 2)
        emit(&program, 0x35, KnownNumbers.gap.upperBound, onTrue: 2)
        emit(&program, 0x35, KnownNumbers.gap.lowerBound, onFalse: 1)
        emit(&program, 0x06, SyscallAction.errno(ENOSYS).code)  // ret
        return program + refusals
    }

    #if arch(x86_64)
        static let architecture: UInt32 = 0xC000_003E
    #elseif arch(arm64)
        static let architecture: UInt32 = 0xC000_00B7
    #endif
    /// Where `struct seccomp_data` has what.
    static let numberOffset: UInt32 = 0
    static let architectureOffset: UInt32 = 4
    /// The low half; the high one is 4 bytes on.
    static func argumentOffset(_ index: UInt32) -> UInt32 { 16 + 8 * index }

    /// Bytes of one instruction.
    static let size = 8

    /// One `struct sock_filter`: u16 code, u8 jt, u8 jf, u32 k.
    static func emit(_ program: inout [UInt8], _ code: UInt16, _ k: UInt32, onTrue: UInt8 = 0, onFalse: UInt8 = 0) {
        withUnsafeBytes(of: code) { program.append(contentsOf: $0) }
        program.append(onTrue)
        program.append(onFalse)
        withUnsafeBytes(of: k) { program.append(contentsOf: $0) }
    }

    private static func export(_ context: scmp_filter_ctx) throws(SeccompError) -> [UInt8] {
        do throws(SysError) {
            let number = try syscall("memfd_create") { akios_memfd("bpf") }
            let file = OwnedFD(owning: number)
            let result = seccomp_export_bpf(context, file.raw)
            if result != 0 { throw SysError("seccomp_export_bpf", -result) }
            let size = Int(try syscall("lseek") { lseek(file.raw, 0, SEEK_END) })
            var bytes = [UInt8](repeating: 0, count: size)
            var done = 0
            while done < size {
                let got = try syscall("pread") {
                    bytes.withUnsafeMutableBytes { pread(file.raw, $0.baseAddress?.advanced(by: done), size - done, off_t(done)) }
                }
                if got == 0 { throw SysError("pread", EIO, on: "filter") }
                done += got
            }
            return bytes
        } catch {
            throw .system(error)
        }
    }

    private static func check(_ call: String, _ result: Int32, on subject: String? = nil) throws(SeccompError) {
        if result != 0 { throw .system(SysError(call, -result, on: subject)) }
    }
}
