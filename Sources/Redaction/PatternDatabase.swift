// PatternDatabase: Vectorscan over the anchors. The database is built beforehand by `akios-patterns` and only loaded here.

import CHyperscan
import Synchronization

/// A hit: which anchor, and one past its last byte. Eight bytes, because a text of nothing but `@` has one for each byte.
struct Candidate: Equatable {
    private let id: UInt32
    private let to: UInt32
    var anchor: Int { Int(id) }
    var end: Int { Int(to) }

    init(anchor: Int, end: Int) {
        id = UInt32(truncatingIfNeeded: anchor)
        to = UInt32(truncatingIfNeeded: end)
    }
}

/// The serialized form: eight bytes of magic, the anchors' fingerprint (little endian), Vectorscan's own serialization.
public enum PatternFile {
    static let magic: [UInt8] = Array("AKPATDB1".utf8)
    static let headerLength = 16

    static func wrap(_ serialized: [UInt8], fingerprint: UInt64) -> [UInt8] {
        magic + (0..<8).map { UInt8(truncatingIfNeeded: fingerprint >> (8 * $0)) } + serialized
    }

    /// What `akios-patterns` compiles: expression, caseless, in the order of ids.
    public static var expressions: [(pattern: String, caseless: Bool)] { Detectors.anchors.map { ($0.pattern, $0.caseless) } }

    /// A database file around a database that was compiled from `expressions`.
    public static func make(_ serialized: [UInt8]) -> [UInt8] { wrap(serialized, fingerprint: Detectors.fingerprint) }
}

// Immutable after init, and hs_scan takes a const database: sharing it between threads is what Vectorscan documents.
final class PatternDatabase: @unchecked Sendable {
    private let database: OpaquePointer
    private let pool = Mutex<[Scratch]>([])

    init(_ file: [UInt8]) throws(ScanError) {
        guard file.count > PatternFile.headerLength, file.starts(with: PatternFile.magic) else { throw .database("it is not one") }
        let stamped = file[8..<16].reversed().reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        guard stamped == Detectors.fingerprint else { throw .database("it was built from other anchors; run `make patterns`") }
        var loaded: OpaquePointer?
        let code = file.withUnsafeBytes { bytes in
            bytes.baseAddress.map {
                hs_deserialize_database(
                    $0.advanced(by: PatternFile.headerLength).assumingMemoryBound(to: CChar.self),
                    bytes.count - PatternFile.headerLength, &loaded)
            } ?? HS_INVALID
        }
        guard code == HS_SUCCESS, let loaded else { throw .database("Vectorscan refused it with code \(code)") }
        database = loaded
        // Also proves, before the first text, that this processor can run it.
        give(try take())
    }

    deinit { _ = hs_free_database(database) }

    /// All hits, by their ends.
    func scan(_ bytes: UnsafeBufferPointer<UInt8>) throws(ScanError) -> [Candidate] {
        guard bytes.count > 0 else { return [] }
        guard bytes.count <= Int(UInt32.max) else { throw .budget }
        let scratch = try take()
        defer {
            // A scratch lives as long as the process: what one hostile text needed must not stay with it.
            scratch.hits = []
            give(scratch)
        }
        let code = bytes.withMemoryRebound(to: CChar.self) { text in
            hs_scan(
                database, text.baseAddress, UInt32(text.count), 0, scratch.pointer,
                { id, _, to, _, context in
                    guard let context else { return 1 }
                    Unmanaged<Scratch>.fromOpaque(context).takeUnretainedValue().hits.append(
                        Candidate(anchor: Int(id), end: Int(to)))
                    return 0
                }, Unmanaged.passUnretained(scratch).toOpaque())
        }
        guard code == HS_SUCCESS else { throw .matcher(code) }
        return scratch.hits
    }

    private func take() throws(ScanError) -> Scratch {
        if let scratch = pool.withLock({ $0.popLast() }) { return scratch }
        var pointer: OpaquePointer?
        let code = hs_alloc_scratch(database, &pointer)
        guard code == HS_SUCCESS, let pointer else { throw .matcher(code) }
        return Scratch(pointer)
    }

    private func give(_ scratch: Scratch) { pool.withLock { $0.append(scratch) } }
}

/// Working memory of one scan. Vectorscan wants one per thread; the pool hands each out to one scan at a time, which is
/// why it may go from thread to thread.
private final class Scratch: @unchecked Sendable {
    let pointer: OpaquePointer
    var hits: [Candidate] = []

    init(_ pointer: OpaquePointer) { self.pointer = pointer }
    deinit { _ = hs_free_scratch(pointer) }
}
