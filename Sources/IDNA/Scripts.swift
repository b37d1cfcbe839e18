// Scripts: what a person should know of a name's letters: scripts mixed in a label (UTS #39 §5.2, highly restrictive), and
// letters that all look like Latin ones (§4, in small).

import CIdn
public import Vocabulary

extension IDNA {
    /// Sentences about labels that may deceive the eye; empty for names that do not.
    public static func doubts(_ name: HostName) -> [String] {
        name.text.split(separator: ".").compactMap { label in
            guard label.hasPrefix("xn--") else { return nil }
            let scalars = letters(label)
            let scripts = Set(scalars.compactMap(script))
            if !isOfOneWriting(scripts) {
                return "'\(label)' mixes the scripts \(scripts.sorted().joined(separator: " and "))"
            }
            let twin = scalars.map { latinTwins[$0] ?? ($0.isASCII && !("a"..."z").contains($0) ? $0 : nil) }
            guard !twin.contains(nil) else { return nil }
            let shown = String(String.UnicodeScalarView(twin.compactMap { $0 }))
            return "'\(label)' is written in \(scripts.sorted().joined(separator: " and ")) and looks like '\(shown)'"
        }
    }

    /// Nil for what belongs to every script: digits, hyphens, marks.
    private static func script(_ scalar: Unicode.Scalar) -> String? {
        guard let name = uc_script(scalar.value)?.pointee.name.map({ String(cString: $0) }) else { return nil }
        return ["Common", "Inherited"].contains(name) ? nil : name
    }

    /// Scripts that are written together: Latin among the letters of East Asia.
    private static let together: [Set<String>] = [
        ["Latin", "Han", "Hiragana", "Katakana"], ["Latin", "Han", "Bopomofo"], ["Latin", "Han", "Hangul"],
    ]

    private static func isOfOneWriting(_ scripts: Set<String>) -> Bool {
        scripts.count < 2 || together.contains { scripts.isSubset(of: $0) }
    }

    /// Small letters of Cyrillic, Greek and Armenian that most typefaces draw as a Latin one.
    private static let latinTwins: [Unicode.Scalar: Unicode.Scalar] = {
        var twins: [Unicode.Scalar: Unicode.Scalar] = [:]
        let pairs: [(String, String)] = [
            (
                "\u{430}\u{441}\u{501}\u{435}\u{4bb}\u{456}\u{458}\u{4cf}\u{43e}\u{440}\u{51b}\u{455}\u{51d}\u{445}\u{443}",
                "acdehijlopqswxy"
            ),
            ("\u{3b1}\u{3b9}\u{3ba}\u{3bd}\u{3bf}\u{3c1}\u{3c5}\u{3c7}", "aikvopux"),
            ("\u{570}\u{578}\u{585}\u{57d}\u{581}\u{566}", "hnougq"),
        ]
        for (letters, latin) in pairs {
            for (letter, twin) in zip(letters.unicodeScalars, latin.unicodeScalars) { twins[letter] = twin }
        }
        return twins
    }()
}
