// Offsets as people count them.

import Testing

@testable import Operator

@Suite struct LineWalkTests {
    @Test func linesAndColumns() {
        var lines = LineWalk(Array("ab\né€x\n\n".utf8))
        func place(_ offset: Int) -> [Int] {
            let (line, column) = lines.place(of: offset)
            return [line, column]
        }
        #expect(place(0) == [1, 1])
        #expect(place(2) == [1, 3])
        #expect(place(3) == [2, 1])
        #expect(place(8) == [2, 3])
        #expect(place(10) == [3, 1])
        #expect(place(11) == [4, 1])
    }
}
