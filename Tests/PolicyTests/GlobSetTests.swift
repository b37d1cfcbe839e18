// GlobSetTests: many patterns in one walk answer as each of them alone would, by a matcher that is too simple to be wrong.

import TestKit
import Testing

@testable import Policy

struct GlobSets {
    /// `*` and `**` by definition: every way to split the path.
    private func means(_ pattern: Substring, _ path: Substring) -> Bool {
        guard let first = pattern.first else { return path.isEmpty }
        let rest = pattern.dropFirst()
        guard first == "*" else { return path.first == first && means(rest, path.dropFirst()) }
        if rest.first == "*" {
            let after = rest.drop { $0 == "*" }
            return path.indices.contains { means(after, path[$0...]) } || means(after, path[path.endIndex...])
        }
        if means(rest, path) { return true }
        return path.first.map { $0 != "/" } == true && means(pattern, path.dropFirst())
    }

    @Test func aSetAnswersAsEachPatternAlone() {
        var random = SplitMix(seed: 7)
        func text(_ letters: [Character], _ most: Int) -> String {
            "/" + String((0..<random.below(most)).map { _ in letters[random.below(letters.count)] })
        }
        var matched = 0
        for _ in 0..<3000 {
            let patterns = (0..<(1 + random.below(12))).map { _ in text(["a", "b", "/", "*", "*"], 7) }
            var set = GlobSet()
            // Rules have several patterns each, and share them.
            let rules = 1 + random.below(patterns.count)
            for (id, pattern) in patterns.enumerated() { set.insert(pattern, id: id % rules) }
            for _ in 0..<6 {
                let path = text(["a", "b", "/"], 8)
                let expected = Set(patterns.indices.filter { means(patterns[$0][...], path[...]) }.map { $0 % rules }).sorted()
                #expect(set.matching(Array(path.utf8)) == expected, "\(patterns) at \(path)")
                matched += expected.count
            }
        }
        #expect(matched > 1000)
    }

    @Test func aRuleWithSeveralPatternsIsFoundOnce() {
        var set = GlobSet()
        for pattern in ["/a/**", "/a/*", "/**", "/a/b", "/a/b"] { set.insert(pattern, id: 4) }
        set.insert("/a/b", id: 2)
        #expect(set.matching(Array("/a/b".utf8)) == [2, 4])
    }
}
