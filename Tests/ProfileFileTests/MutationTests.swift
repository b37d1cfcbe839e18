// Random damage to good documents: every outcome is a profile or an error with a place, never a crash, and what is
// accepted survives the way to egress.

import Foundation
import Profile
import ProfileFile
import TestKit
import Testing

@Suite struct MutationTests {
    @Test(arguments: [1, 2, 3, 4] as [UInt64])
    func damagedDocuments(_ seed: UInt64) throws {
        var random = SplitMix(seed: seed)
        let folder = try Folder()
        let sources = [Builtin.yaml("strict") ?? [], Array(SeedTests.agentPolicy.utf8), Array(SeedTests.fluxConfig.utf8)]
        let pieces = [
            "{", "}", "[", "]", ": ", "- ", "\n", "  ", "\t", "#", "'", "\"", "&a", "*a", "!x", "\0", "é", "%", "|", ">", "~", "$",
            "-1", "99999999999999999999",
        ]
        .map { Array($0.utf8) }
        var accepted = 0
        for _ in 0..<400 {
            var bytes = sources.randomElement(using: &random) ?? []
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                let place = Int.random(in: 0...bytes.count, using: &random)
                switch Int.random(in: 0..<4, using: &random) {
                case 0: bytes.insert(contentsOf: pieces.randomElement(using: &random) ?? [], at: place)
                case 1 where place < bytes.count: bytes[place] = UInt8.random(in: 0...255, using: &random)
                case 2:
                    let end = min(bytes.count, place + Int.random(in: 1...20, using: &random))
                    bytes.removeSubrange(place..<end)
                default:
                    let end = min(bytes.count, place + Int.random(in: 1...80, using: &random))
                    bytes.insert(contentsOf: bytes[place..<end], at: Int.random(in: 0...bytes.count, using: &random))
                }
            }
            try folder.write("p.yaml", bytes)
            do throws(ProfileError) {
                let resolved = try folder.load("p.yaml")
                accepted += 1
                #expect(try Spec(canonicalJSON: resolved.canonicalJSON()) == resolved.spec)
            } catch {
                #expect(!error.message.isEmpty)
                #expect(error.file == "p.yaml" || error.file.hasPrefix(folder.path), "\(error)")
            }
        }
        // Comments and spaces are damaged too, so some must pass: else the probe saw nothing.
        #expect(accepted > 10)
    }
}
