// Nearest: the known word that a misspelt one was probably meant to be.

/// The closest of `words` by edit distance (a swap of neighbours counts once), or nil if none is near.
public func nearest(_ text: String, in words: some Sequence<String>) -> String? {
    let limit = max(1, min(3, text.utf8.count / 3))
    guard text.utf8.count <= 64 else { return nil }
    var best: (word: String, distance: Int)?
    for word in words {
        let distance = editDistance(Array(text.lowercased().utf8), Array(word.lowercased().utf8))
        if distance <= limit, distance < best?.distance ?? .max { best = (word, distance) }
    }
    return best?.word
}

/// Optimal string alignment distance.
private func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before: [Int] = []
    var previous = Array(0...b.count)
    for i in a.indices {
        var row = [i + 1]
        for j in b.indices {
            var cost = min(previous[j + 1] + 1, row[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
            if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, before[j - 1] + 1) }
            row.append(cost)
        }
        before = previous
        previous = row
    }
    return previous[b.count]
}
