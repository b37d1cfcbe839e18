// Leaves, pointers and splicing, and what random damage does to them.

import JSONBytes
import TestKit
import Testing

@Suite struct LeafTests {
    private let body = Array(
        #"{"model":"m","messages":[{"role":"user","content":"h\u0069 é"},["x",2,"y"]],"a/b~":{"":"z"},"n":42}"#.utf8)

    @Test func findsEveryString() throws {
        let found = try JSONLeaves.scan(body, numbers: true)
        let texts = found.leaves.map {
            "\($0.kind) \(String(decoding: body[$0.range], as: UTF8.self)) \(found.pointer(of: $0, in: body))"
        }
        #expect(
            texts == [
                "key model /model", "string m /model", "key messages /messages", "key role /messages/0/role",
                "string user /messages/0/role",
                "key content /messages/0/content", "string h\\u0069 é /messages/0/content", "string x /messages/1/0",
                "number 2 /messages/1/1", "string y /messages/1/2", "key a/b~ /a~1b~0", "key  /a~1b~0/", "string z /a~1b~0/",
                "key n /n", "number 42 /n",
            ])
        #expect(found.leaves.filter(\.hasEscapes).count == 1)
        #expect(try JSONLeaves.scan(body).leaves.allSatisfy { $0.kind != .number })
        #expect(found.key(of: found.leaves[8]) == nil)
        #expect(found.key(of: found.leaves[12])?.range == found.leaves[11].range)
    }

    @Test func pointersOfTopLevelValues() throws {
        let bytes = Array(#""top""#.utf8)
        let found = try JSONLeaves.scan(bytes)
        #expect(found.leaves.count == 1)
        #expect(found.pointer(of: found.leaves[0], in: bytes) == "")
    }

    @Test func unescaping() {
        let content = Array(#"a\u0040\ud83d\ude00b\n"#.utf8)
        #expect(String(decoding: JSONString.unescape(content[...]), as: UTF8.self) == "a@😀b\n")
    }

    @Test func splicing() {
        let body = Array("0123456789".utf8)
        let result = splice(body, [(6..<8, Array("Y".utf8)), (0..<1, Array("XXX".utf8)), (3..<3, Array("-".utf8)), (9..<10, [])])
        #expect(String(decoding: result, as: UTF8.self) == "XXX12-345Y8")
        #expect(splice(body, [JSONEdit]()) == body)
    }

    @Test func splicingLeavesKeepsTheRest() throws {
        let found = try JSONLeaves.scan(body)
        let strings = found.leaves.filter { $0.kind == .string }
        let changed = splice(body, strings.map { JSONEdit($0.range, JSONString.escape("«\"\n".utf8)) })
        let again = try JSONLeaves.scan(changed)
        #expect(again.leaves.count == found.leaves.count)
        #expect(
            again.leaves.filter { $0.kind == .string }.allSatisfy { JSONString.unescape(changed[$0.range]) == Array("«\"\n".utf8) })
    }

    /// Random damage: never a trap, tree and leaves agree on what is valid, and what is read prints and reads the same.
    @Test func mutationsNeverCrash() throws {
        var random = SplitMix(seed: 11)
        var accepted = 0
        for _ in 0..<20_000 {
            var bytes = body
            for _ in 0..<random.below(4) {
                let at = random.below(bytes.count)
                switch random.below(4) {
                case 0: bytes[at] = UInt8(random.below(256))
                case 1: bytes.remove(at: at)
                case 2: bytes.insert(Array(#""\{}[],:0-eu"#.utf8)[random.below(12)], at: at)
                default: bytes.removeSubrange(at..<min(bytes.count, at + random.below(8)))
                }
                if bytes.isEmpty { break }
            }
            let tree = try? JSONValue.parse(bytes)
            let leaves = try? JSONLeaves.scan(bytes)
            #expect((tree == nil) == (leaves == nil))
            guard let tree else { continue }
            accepted += 1
            #expect(try random.sorted(JSONValue.parse(tree.canonical())).canonical() == tree.canonical())
        }
        #expect(accepted > 1000)
    }
}
