// The embedded database: it is the one that the detectors' anchors make, and a wrong one is refused.

import CHyperscan
import Profile
import Testing

@testable import Redaction

@Suite struct DatabaseTests {
    /// `make patterns` was run after the last change to an anchor.
    @Test func embeddedIsWhatTheAnchorsMake() throws {
        var platform = hs_platform_info_t(tune: UInt32(HS_TUNE_FAMILY_GENERIC), cpu_features: 0, reserved1: 0, reserved2: 0)
        let expressions = PatternFile.expressions
        let flags = expressions.map { UInt32(HS_FLAG_DOTALL) | ($0.caseless ? UInt32(HS_FLAG_CASELESS) : 0) }
        let texts = expressions.map { strdupped($0.pattern) }
        defer { texts.forEach { $0.deallocate() } }
        var database: OpaquePointer?
        var failure: UnsafeMutablePointer<hs_compile_error_t>?
        let code = hs_compile_multi(
            texts.map { UnsafePointer($0) }, flags, Array(0..<UInt32(expressions.count)), UInt32(expressions.count),
            UInt32(HS_MODE_BLOCK), &platform,
            &database, &failure)
        #expect(code == HS_SUCCESS)
        var bytes: UnsafeMutablePointer<CChar>?
        var count = 0
        #expect(hs_serialize_database(database, &bytes, &count) == HS_SUCCESS)
        let serialized = UnsafeBufferPointer(start: bytes, count: count).map { UInt8(bitPattern: $0) }
        #expect(PatternFile.make(serialized) == embeddedPatterns(), "run `make patterns`")
        hs_free_database(database)
    }

    private func strdupped(_ text: String) -> UnsafeMutablePointer<CChar> {
        let copy = UnsafeMutablePointer<CChar>.allocate(capacity: text.utf8.count + 1)
        for (index, byte) in (Array(text.utf8) + [0]).enumerated() { copy[index] = CChar(bitPattern: byte) }
        return copy
    }

    @Test func wrongOnesAreRefused() {
        let good = embeddedPatterns()
        var otherAnchors = good
        otherAnchors[9] ^= 1
        var damaged = good
        damaged[20] ^= 0xff
        for bad in [[], Array("hello".utf8), otherAnchors, damaged, Array(good.prefix(1000))] {
            #expect {
                try Engine(database: bad, handling: PIIHandling())
            } throws: { error in
                if case ScanError.database = error { true } else { false }
            }
        }
    }

    /// A literal that a JSON escape could hide would be missed in raw bodies.
    @Test func anchorsSurviveEscaping() {
        for anchor in Detectors.anchors {
            #expect(!anchor.pattern.contains("/") && !anchor.pattern.contains("\""))
            #expect(anchor.pattern.utf8.allSatisfy { $0 >= 0x20 && $0 < 0x7f })
        }
        #expect(Detectors.anchors.first == PEM.anchor)
    }
}
