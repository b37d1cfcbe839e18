// What the agent's, init's and egress' filters answer, call by call and argument by argument, on a simulated machine.
// Tests/RootTests has the same with real calls.

import Testing

@testable import LinuxSys

#if arch(x86_64)
    private let allow: UInt32 = 0x7fff_0000
    private let kill: UInt32 = 0x8000_0000
    private let notify: UInt32 = 0x7fc0_0000
    private func errno(_ number: UInt32) -> UInt32 { 0x0005_0000 | number }
    private let refused = errno(1)
    private let absent = errno(38)

    private func machine(_ filter: AgentFilter) throws -> BPFMachine {
        BPFMachine(program: try filter.program(try SyscallTables.embedded()))
    }

    @Suite struct AgentFilterTests {
        let strict: BPFMachine
        let standard: BPFMachine

        init() throws {
            strict = try machine(AgentFilter(base: .strict))
            standard = try machine(AgentFilter(base: .standard, unixSockets: true))
        }

        private func ask(_ number: UInt32, _ arguments: UInt64...) -> UInt32? {
            strict.run(SeccompData(number: number, arguments: arguments))
        }

        @Test func everydayCallsPass() {
            // read write close mmap mprotect rt_sigaction execve fork vfork exit wait4 futex getdents64 getrandom statx rseq
            for number: UInt32 in [0, 1, 3, 9, 10, 13, 59, 57, 58, 60, 61, 202, 217, 318, 332, 334, 319, 435 - 1, 439, 449] {
                #expect(ask(number) == allow, "system call \(number)")
            }
        }

        @Test func privilegedCallsAreRefused() {
            // ptrace mount umount2 pivot_root chroot reboot init_module kexec_load bpf perf_event_open userfaultfd keyctl
            // add_key request_key unshare setns open_by_handle_at process_vm_readv/writev move_mount fsopen mount_setattr acct swapon
            for number: UInt32 in [
                101, 165, 166, 155, 161, 169, 175, 246, 321, 298, 323, 250, 248, 249, 272, 308, 304, 310, 311, 429, 430, 442, 163,
                167, 179, 170,
            ] {
                #expect(ask(number) == refused, "system call \(number)")
                #expect(standard.run(SeccompData(number: number)) == refused, "system call \(number)")
            }
        }

        @Test func callsThatFiltersCannotReadAreNotThere() {
            // clone3 openat2 io_uring_setup/enter/register, and numbers of no kernel we know.
            for number: UInt32 in [435, 437, 425, 426, 427, 335, 400, 423, 470, 511, 1000, 0x3fff_ffff] {
                #expect(ask(number) == absent, "system call \(number)")
            }
        }

        @Test func foreignTablesKill() {
            #expect(strict.run(SeccompData(number: 4, architecture: 0x4000_0003)) == kill)
            #expect(strict.run(SeccompData(number: 63, architecture: 0xC000_00B7)) == kill)
            #expect(ask(0x4000_0000) == kill)
            #expect(ask(0x4000_0000 | 59) == kill)
            #expect(ask(0x7fff_ffff) == kill)
        }

        @Test func childrenYesNamespacesNo() {
            let thread: UInt64 = 0x3d0f00
            #expect(ask(56, 17) == allow)
            #expect(ask(56, thread) == allow)
            for bit: UInt64 in [0x2_0000, 0x200_0000, 0x400_0000, 0x800_0000, 0x1000_0000, 0x2000_0000, 0x4000_0000] {
                #expect(ask(56, 17 | bit) == refused, "flag \(bit)")
                #expect(ask(56, 17 | bit | 1 << 40) == refused)
            }
        }

        @Test func terminalInjectionIsRefusedHoweverItIsWritten() {
            for command: UInt64 in [0x5412, 0x541C, 0x541D] {
                #expect(ask(16, 0, command) == refused)
                for bit in 32..<64 { #expect(ask(16, 0, command | 1 << UInt64(bit)) == refused) }
                // Every neighbour at one bit's distance is another command.
                for bit in 0..<32 {
                    let other = command ^ (1 << UInt64(bit))
                    #expect(ask(16, 0, other) == ([0x5412, 0x541C, 0x541D].contains(other) ? refused : allow), "ioctl \(other)")
                }
            }
            for command: UInt64 in [0x5401, 0x5413, 0x541B, 0x5421, 0x5410, 0x8004_5430, 0x4004_9409, 0xFFFF_FFFF_8004_5430] {
                #expect(ask(16, 0, command) == allow, "ioctl \(command)")
            }
        }

        @Test func setIDBitsAreRefused() {
            let created: UInt64 = 0o101
            let temporary: UInt64 = 0o20200001
            for bits: UInt64 in [0o4755, 0o2755, 0o6755, 0o4000 | 1 << 33] {
                #expect(ask(90, 0, bits) == refused)
                #expect(ask(91, 0, bits) == refused)
                #expect(ask(85, 0, bits) == refused)
                #expect(ask(83, 0, bits) == refused)
                #expect(ask(133, 0, bits) == refused)
                #expect(ask(268, 0, 0, bits) == refused)
                #expect(ask(452, 0, 0, bits) == refused)
                #expect(ask(258, 0, 0, bits) == refused)
                #expect(ask(259, 0, 0, bits) == refused)
                for flags in [created, temporary] {
                    #expect(ask(2, 0, flags, bits) == refused)
                    #expect(ask(257, 0, 0, flags, bits) == refused)
                }
                #expect(ask(2, 0, 0, bits) == allow, "an open that makes no file has no mode")
                #expect(ask(257, 0, 0, 0o20_0000, bits) == allow, "O_DIRECTORY is not O_TMPFILE")
            }
            #expect(ask(90, 0, 0o1777) == allow)
            #expect(ask(452, 0, 0, 0o755) == allow)
            #expect(ask(2, 0, created, 0o644) == allow)
            #expect(ask(257, 0, 0, temporary, 0o600) == allow)
        }

        @Test(arguments: 0..<48 as Range<UInt64>)
        func onlyRoutedFamiliesExist(family: UInt64) {
            for type: UInt64 in [1, 2, 3, 5, 10] {
                for number: UInt64 in [0, 1, 6, 17, 58, 132, 136, 255, 262] {
                    let inet =
                        (family == 2 || family == 10)
                        && ((type == 1 && [0, 6].contains(number)) || (type == 2 && [0, 17].contains(number)))
                    let route = family == 16 && number == 0
                    for flags: UInt64 in [0, 0o2000000, 0o4000, 0o2004000] {
                        let data = SeccompData(number: 41, arguments: [family, type | flags, number])
                        #expect(strict.run(data) == (inet || route ? allow : refused))
                        #expect(standard.run(data) == (inet || route || family == 1 ? allow : refused))
                    }
                }
            }
            #expect(ask(53, family, 1, 0) == (family == 1 ? allow : refused))
        }

        @Test func prctlAndPersonalityAreLists() {
            for option: UInt64 in [15, 38, 0x5356_4D41, 15 | 1 << 32] { #expect(ask(157, option) == allow) }
            for option: UInt64 in [35, 59, 62, 67, 0, 9999] { #expect(ask(157, option) == refused) }
            for value: UInt64 in [0, 8, 0xFFFF_FFFF] { #expect(ask(135, value) == allow) }
            for value: UInt64 in [0x40_0000, 0x4_0000] { #expect(ask(135, value) == refused) }
        }

        @Test func profilesAddAndTakeAway() throws {
            let changed = try machine(
                AgentFilter(base: .strict, allow: ["@debug", "shmget"], deny: ["listen", "@sandbox", "kcmp"], memoryFiles: false))
            #expect(changed.run(SeccompData(number: 101)) == allow)
            #expect(changed.run(SeccompData(number: 29)) == allow)
            #expect(changed.run(SeccompData(number: 50)) == refused)
            #expect(changed.run(SeccompData(number: 317)) == refused)
            #expect(changed.run(SeccompData(number: 312)) == refused, "taking away wins")
            #expect(changed.run(SeccompData(number: 319)) == refused)
            #expect(ask(319) == allow)
        }

        @Test(arguments: ["mount", "@never", "clone3", "unshare", "openat2", "bpf", "io_uring_setup"])
        func someCallsNoProfileGrants(word: String) throws {
            #expect(throws: SeccompError.self) { try machine(AgentFilter(base: .standard, allow: [word])) }
        }

        @Test func typosAreErrors() throws {
            #expect(throws: SeccompError.unknownCall("opennat")) { try machine(AgentFilter(base: .strict, allow: ["opennat"])) }
            #expect(throws: SeccompError.unknownCall("opennat")) { try machine(AgentFilter(base: .strict, deny: ["opennat"])) }
            #expect(throws: SeccompError.unknownGroup("@nett")) { try machine(AgentFilter(base: .strict, deny: ["@nett"])) }
        }

        @Test func equalFiltersAreEqualBytes() throws {
            let other = try machine(AgentFilter(base: .strict))
            #expect(other.program == strict.program)
            #expect(strict.instructions < 1000)
        }

        @Test func capturedConnectionsCarryNoOtherDestination() throws {
            let captured = try machine(AgentFilter(base: .strict, capturesConnect: true))
            #expect(captured.run(SeccompData(number: 42)) == notify)
            #expect(captured.run(SeccompData(number: 44, arguments: [3, 0, 0, 0x2000_0000])) == refused)
            #expect(captured.run(SeccompData(number: 46, arguments: [3, 0, 0x2000_4000])) == refused)
            #expect(captured.run(SeccompData(number: 307, arguments: [3, 0, 1, 0x2000_0000])) == refused)
            #expect(captured.run(SeccompData(number: 44, arguments: [3, 0, 0, 0x4000])) == allow)
            #expect(captured.run(SeccompData(number: 41, arguments: [2, 2, 0])) == refused, "UDP would carry one")
            #expect(captured.run(SeccompData(number: 41, arguments: [2, 1, 0])) == allow)
        }
    }

    /// The pair of filters that a session loads, judged as the kernel judges two: the stricter answer stands.
    @Suite struct WatchedFilterTests {
        private struct Pair {
            let alone: BPFMachine
            let agent: BPFMachine
            let sockets: BPFMachine

            init(_ filter: AgentFilter) throws {
                let tables = try SyscallTables.embedded()
                let watched = try filter.watched(tables)
                alone = BPFMachine(program: try filter.program(tables))
                agent = BPFMachine(program: watched.agent)
                sockets = BPFMachine(program: watched.sockets)
            }

            /// Action words sort by strictness but for KILL_PROCESS, whose sign the kernel reads.
            func run(_ data: SeccompData) -> UInt32? {
                guard let one = agent.run(data), let other = sockets.run(data) else { return nil }
                return Int32(bitPattern: one) < Int32(bitPattern: other) ? one : other
            }
        }

        static let filters = [
            AgentFilter(base: .strict), AgentFilter(base: .strict, unixSockets: true), AgentFilter(base: .standard),
            AgentFilter(base: .standard, unixSockets: true),
        ]

        @Test(arguments: filters)
        func refusedSocketsAskAndOthersPass(filter: AgentFilter) throws {
            let pair = try Pair(filter)
            for call: UInt32 in [41, 53] {
                for family in (0..<48 as Range<UInt64>) + [1 << 31, 1 << 32 | 2, 1 << 32 | 17] {
                    for type: UInt64 in [0, 1, 2, 3, 5, 10, 15, 0o2000001, 0o2004002, 1 << 40 | 1] {
                        for number: UInt64 in [0, 1, 6, 15, 17, 58, 132, 255, 262, 1 << 32 | 1, 1 << 32 | 6] {
                            let data = SeccompData(number: call, arguments: [family, type, number])
                            #expect(
                                pair.run(data) == (pair.alone.run(data) == allow ? allow : notify),
                                "call \(call) of \(family), \(type), \(number)")
                        }
                    }
                }
            }
        }

        @Test(arguments: filters)
        func nothingElseChanges(filter: AgentFilter) throws {
            let pair = try Pair(filter)
            for number in (0..<512 as Range<UInt32>) where ![41, 53].contains(number) {
                for argument: UInt64 in [0, 1, 2, 0o4755, 0x5412, 0x1000_0000] {
                    let data = SeccompData(number: number, arguments: [argument, argument, argument, argument])
                    #expect(pair.run(data) == pair.alone.run(data), "call \(number) with \(argument)")
                    #expect(pair.sockets.run(data) == allow)
                }
            }
        }

        @Test func foreignTablesStillKill() throws {
            let pair = try Pair(AgentFilter(base: .strict))
            // socketcall of i386, socket of x32, and number 41 of arm64.
            for data in [
                SeccompData(number: 102, architecture: 0x4000_0003), SeccompData(number: 41, architecture: 0xC000_00B7),
                SeccompData(number: 0x4000_0000 | 41, arguments: [2, 1, 0]),
            ] {
                #expect(pair.run(data) == kill)
            }
        }

        @Test func aProfileThatTakesSocketsAwayIsNotAsked() throws {
            let pair = try Pair(AgentFilter(base: .strict, deny: ["socket"]))
            #expect(pair.run(SeccompData(number: 41, arguments: [17, 3, 0])) == refused)
            #expect(pair.run(SeccompData(number: 41, arguments: [2, 1, 0])) == refused)
            #expect(pair.run(SeccompData(number: 53, arguments: [30, 1, 0])) == notify)
        }

        @Test func testsOfAllBitsAreReadInBothHalves() {
            let test = ArgumentTest(index: 1, mask: .max, value: 5 << 32 | 7)
            let machine = BPFMachine(program: SocketFilter.program([(7, [[test]])]))
            #expect(machine.run(SeccompData(number: 7, arguments: [0, 5 << 32 | 7])) == allow)
            for other: UInt64 in [7, 5 << 32, 5 << 32 | 6, 7 << 32 | 5] {
                #expect(machine.run(SeccompData(number: 7, arguments: [0, other])) == notify)
            }
        }
    }

    @Suite struct FixedFilterTests {
        @Test func everyListedNameExists() throws {
            let tables = try SyscallTables.embedded()
            let everything = tables.groups.keys.filter { $0 != "@never" && $0 != "@absent" }
            #expect(tables.groups.count > 15)
            #expect(throws: Never.self) { try AgentFilter(base: .standard, allow: everything.sorted()).program(tables) }
        }

        @Test func egressHasNoFilesProgramsOrListeners() throws {
            let egress = BPFMachine(program: try EgressFilter.program())
            // open openat execve execveat fork vfork kill ptrace bind unlink memfd_create socketpair statx io_uring_setup
            for number: UInt32 in [2, 257, 59, 322, 57, 58, 62, 101, 49, 87, 319, 53, 332, 165, 272] {
                #expect(egress.run(SeccompData(number: number)) == refused, "system call \(number)")
            }
            for number: UInt32 in [0, 1, 20, 42, 46, 47, 232, 233, 281, 288, 202, 318, 231] {
                #expect(egress.run(SeccompData(number: number)) == allow, "system call \(number)")
            }
            #expect(egress.run(SeccompData(number: 435)) == absent)
            #expect(egress.run(SeccompData(number: 56, arguments: [0x3d0f00])) == allow, "a thread")
            #expect(egress.run(SeccompData(number: 56, arguments: [17])) == refused, "a process")
            #expect(egress.run(SeccompData(number: 56, arguments: [0x3d0f00 | 0x1000_0000])) == refused)
            #expect(egress.run(SeccompData(number: 9, arguments: [0, 4096, 3])) == allow)
            #expect(egress.run(SeccompData(number: 9, arguments: [0, 4096, 7])) == refused)
            #expect(egress.run(SeccompData(number: 10, arguments: [0, 4096, 4])) == refused)
            #expect(egress.run(SeccompData(number: 41, arguments: [2, 1, 6])) == allow)
            #expect(egress.run(SeccompData(number: 41, arguments: [1, 1, 0])) == refused)
            #expect(egress.run(SeccompData(number: 302, arguments: [0, 7, 0, 0x7fff_0000_0000])) == allow)
            #expect(egress.run(SeccompData(number: 302, arguments: [0, 7, 0x7fff_0000_0000, 0])) == refused)
        }

        @Test func initOnlyWaitsAndForwards() throws {
            let machine = BPFMachine(program: try InitFilter.program())
            for number: UInt32 in [0, 1, 61, 62, 47, 231] { #expect(machine.run(SeccompData(number: number)) == allow) }
            for number: UInt32 in [2, 257, 56, 57, 59, 41, 9, 10] { #expect(machine.run(SeccompData(number: number)) == refused) }
            #expect(machine.run(SeccompData(number: 16, arguments: [0, 0x5410])) == allow)
            #expect(machine.run(SeccompData(number: 16, arguments: [0, 0x5412])) == refused)
        }
    }
#endif
