// What 'protect scan' looks at a file as.

import Testing

@testable import Operator

@Suite struct ScanTests {
    /// Taken for text, an escape would hide what it spells.
    @Test func jsonOfTooManyValuesIsRefusedNotReadAsText() throws {
        let engine = try Protection.engine(try Protection.handling(nil))
        let hidden = #""jane\u0040example.com""#
        #expect(try engine.findings(inFile: Array("[\(hidden)]".utf8)).count == 1)
        #expect(try engine.findings(inFile: Array("not JSON: a@b.co".utf8)).count == 1)
        let many = "[" + String(repeating: "1,", count: 1 << 21) + hidden + "]"
        #expect(throws: (any Error).self) { try engine.findings(inFile: Array(many.utf8)) }
    }
}
