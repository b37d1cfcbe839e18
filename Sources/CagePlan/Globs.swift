// Globs: patterns of `hide` and `protect` against a file system. `*` and `?` stay within one path part.

import Vocabulary

enum Globs {
    static func isPattern(_ text: String) -> Bool { text.contains { $0 == "*" || $0 == "?" } }

    /// Whether one path part matches. A leading dot is an ordinary character: `.env.*` is what people write.
    static func matches(_ pattern: some StringProtocol, _ name: some StringProtocol) -> Bool {
        let pattern = Array(pattern.utf8)
        let name = Array(name.utf8)
        var p = 0
        var n = 0
        var star = -1
        var mark = 0
        while n < name.count {
            if p < pattern.count, pattern[p] == name[n] || pattern[p] == UInt8(ascii: "?") {
                p += 1
                n += 1
            } else if p < pattern.count, pattern[p] == UInt8(ascii: "*") {
                star = p
                mark = n
                p += 1
            } else if star >= 0 {
                p = star + 1
                mark += 1
                n = mark
            } else {
                return false
            }
        }
        while p < pattern.count, pattern[p] == UInt8(ascii: "*") { p += 1 }
        return p == pattern.count
    }

    /// All existing paths that the absolute pattern names; a plain path names itself if it is there.
    /// - Throws: where a name that matches is not UTF-8: no path of ours leads to it, and so nothing would cover it.
    static func expand(_ pattern: String, in view: some FileView) throws(Complaint) -> [String] {
        var found = ["/"]
        for part in Paths.parts(pattern) {
            var next: [String] = []
            for base in found {
                if isPattern(part) {
                    for name in (view.names(in: base) ?? []).filter({ matches(part, $0) }).sorted() {
                        let path = Paths.join(base, name)
                        if name.unicodeScalars.contains("\u{FFFD}"), view.entry(path) == nil {
                            throw Complaint(
                                "\(path) is named by '\(pattern)', but its name is not UTF-8: it can be neither hidden nor protected",
                                hint: "rename it, or grant a folder that does not hold it")
                        }
                        next.append(path)
                    }
                } else {
                    let path = Paths.join(base, part)
                    if view.entry(path) != nil { next.append(path) }
                }
            }
            found = next
        }
        return found
    }
}
