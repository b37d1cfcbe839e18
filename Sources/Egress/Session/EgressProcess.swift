// EgressProcess: the program, from its one descriptor to its last message. Synchronous: the set-up happens on one
// thread in a fixed order, and only then do NIO's loop and the side thread begin. See docs/process-model.md.

import CData
import CEgress
import Events
import Glibc
import Metering
import NIOCore
import NIOPosix
import Policy
import Profile
import Providers
import Redaction
import Synchronization
import Vocabulary
import Wire

public enum EgressProcess {
    /// Runs until the supervisor has finished or is gone. Returns the process' exit status.
    public static func run() -> Int32 {
        akios_egress_name()
        akios_egress_return_memory()
        signal(SIGPIPE, SIG_IGN)
        do {
            let start = try prepare()
            return try serve(start)
        } catch {
            // The supervisor reads this sentence; its own words to the operator come from it.
            try? Handover.say(.fatal("\(error)"), on: Inherited.channel)
            return 1
        }
    }

    /// What was made before any thread was.
    struct Start {
        var configuration: EgressConfiguration
        var secrets: SecretStore
        var spec: Spec
        var authority: SessionAuthority
        var engine: Engine
        var prices: PriceBook
        var filter: [UInt8]
        var listeners: Listeners
    }

    private static func prepare() throws -> Start {
        // What needs no configuration comes first: the supervisor makes the session and the cage meanwhile.
        let prices = try PriceBook(tsv: embeddedPrices())
        let keys = try SessionKeys()
        let (bytes, filter, secrets) = try Handover.takeConfiguration(on: Inherited.channel)
        guard let configuration = EgressConfiguration(bytes) else { throw HandoverError("the configuration cannot be read") }
        let authority = try SessionAuthority(keys: keys)
        // The supervisor builds the cage's trust bundle meanwhile: the certificate goes first.
        try Handover.say(.hello(version: WireLimits.version, caPEM: authority.pem), on: Inherited.channel)
        let spec = try Spec(canonicalJSON: configuration.profile)
        try check(spec)
        let engine = try Engine(database: embeddedPatterns(), handling: spec.pii)
        let listeners = try Handover.takeListeners(on: Inherited.channel)
        return Start(
            configuration: configuration, secrets: secrets, spec: spec, authority: authority, engine: engine, prices: prices,
            filter: filter,
            listeners: listeners)
    }

    /// A profile that names a type which nothing looks for would promise what is not done: fatal, not a warning.
    static func check(_ spec: Spec) throws(HandoverError) {
        let unknown = spec.pii.unknownTypes(known: Engine.types.map(\.type)).sorted().map { "'\(RefusalWords.printable($0))'" }
        guard unknown.isEmpty else {
            throw HandoverError("pii_handling.types: nothing looks for \(unknown.joined(separator: ", "))")
        }
    }

    static func embeddedPatterns() -> [UInt8] {
        var count = 0
        let start = akios_patterns(&count)
        return Array(UnsafeBufferPointer(start: start, count: count))
    }

    static func embeddedPrices() -> [UInt8] {
        var start: UnsafePointer<UInt8>?
        var count = 0
        akios_data_prices(&start, &count)
        return Array(UnsafeBufferPointer(start: start, count: count))
    }

    private static func serve(_ start: Start) throws -> Int32 {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let ended = loop.makePromise(of: Int32.self)
        let service = EgressService(start: start, loop: loop, ended: ended, dialledHook: nil)
        let side = try service.startSideThread()
        let bound = try loop.submit { try service.assemble(side) }.wait()
        try bound.adopt().wait()
        // All threads exist and have opened what they need. No network byte was read yet.
        try Handover.lockIn(start.filter)
        try loop.submit { bound.greet() }.wait()
        let status = try ended.futureResult.wait()
        side.end()
        let secrets = start.secrets
        try loop.submit { secrets.wipe() }.wait()
        // Not waited for: whatever still runs ends with the process.
        return status
    }
}
