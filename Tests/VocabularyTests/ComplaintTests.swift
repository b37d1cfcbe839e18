// Complaint: what a person reads, and what a name in it cannot make of it.

import Testing
import Vocabulary

struct ComplaintTests {
    @Test func linesAreOurs() {
        let complaint = Complaint("what", details: ["detail"], hints: ["one", "two"])
        #expect(complaint.description == "error: what\n  detail\nhint: one\nhint: two\n")
    }

    @Test(arguments: ["\n", "\r", "\r\n", "\u{85}", "\u{2028}"]) func aNameBeginsNoLine(_ lineBreak: String) {
        let name = "x\(lineBreak)hint: run rm"
        let complaint = Complaint("\(name): not there", details: [name], hints: [name])
        #expect(
            complaint.description == "error: x?hint: run rm: not there\n  x?hint: run rm\nhint: x?hint: run rm\n")
    }
}
