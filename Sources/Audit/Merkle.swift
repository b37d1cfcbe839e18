// Merkle tree of RFC 9162 §2.1: leaves hash with prefix 0x00, nodes with 0x01, so that neither can pass for the other.

public struct TreeHasher: Sendable {
    private let sha256: SHA256Function
    private var scratch: [UInt8] = []

    public init(_ sha256: @escaping SHA256Function) {
        self.sha256 = sha256
        scratch.reserveCapacity(1024)
    }

    /// The root of a tree without leaves.
    public var empty: TreeHash { sha256([UInt8]().span.bytes) }

    public mutating func leaf(_ bytes: [UInt8]) -> TreeHash { leaf(bytes.span) }

    public mutating func leaf(_ bytes: Span<UInt8>) -> TreeHash {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(0)
        bytes.withUnsafeBufferPointer { scratch.append(contentsOf: $0) }
        return sha256(scratch.span.bytes)
    }

    public mutating func node(_ left: TreeHash, _ right: TreeHash) -> TreeHash {
        scratch.removeAll(keepingCapacity: true)
        scratch.append(1)
        left.append(to: &scratch)
        right.append(to: &scratch)
        return sha256(scratch.span.bytes)
    }
}

/// The roots of the complete subtrees of a growing tree, largest first: all that appending needs. O(log n) memory.
public struct MerkleFrontier: Sendable {
    public private(set) var size: UInt64 = 0
    private var peaks: [TreeHash] = []
    private var hasher: TreeHasher

    public init(_ hasher: TreeHasher) { self.hasher = hasher }

    public mutating func append(_ leaf: [UInt8]) { append(hash: hasher.leaf(leaf)) }
    public mutating func append(_ leaf: Span<UInt8>) { append(hash: hasher.leaf(leaf)) }

    public mutating func append(hash leaf: TreeHash) {
        var carry = leaf
        var bits = size
        // One merge for each trailing one of the size, as in binary counting.
        while bits & 1 == 1, let left = peaks.popLast() {
            carry = hasher.node(left, carry)
            bits >>= 1
        }
        peaks.append(carry)
        size += 1
    }

    public mutating func root() -> TreeHash {
        guard var root = peaks.last else { return hasher.empty }
        for left in peaks.dropLast().reversed() { root = hasher.node(left, root) }
        return root
    }
}

/// Proofs over the leaf hashes of a whole tree, made as RFC 9162 §2.1.3.1 and §2.1.4.1 define them.
public struct MerkleProver: Sendable {
    private let leaves: [TreeHash]
    private var hasher: TreeHasher

    public init(leaves: [TreeHash], hasher: TreeHasher) {
        self.leaves = leaves
        self.hasher = hasher
    }

    public mutating func root(_ range: Range<Int>) -> TreeHash {
        var frontier = MerkleFrontier(hasher)
        for leaf in leaves[range] { frontier.append(hash: leaf) }
        return frontier.root()
    }

    /// Siblings from the leaf up. Nil unless `index < size <= leaves`.
    public mutating func inclusion(of index: Int, in size: Int) -> [TreeHash]? {
        guard index >= 0, index < size, size <= leaves.count else { return nil }
        return path(index, 0..<size)
    }

    private mutating func path(_ index: Int, _ range: Range<Int>) -> [TreeHash] {
        guard range.count > 1 else { return [] }
        let middle = range.lowerBound + Self.split(range.count)
        return index < middle
            ? path(index, range.lowerBound..<middle) + [root(middle..<range.upperBound)]
            : path(index, middle..<range.upperBound) + [root(range.lowerBound..<middle)]
    }

    /// That the tree of `first` leaves is a prefix of the tree of `second`. Nil unless `0 < first <= second <= leaves`.
    public mutating func consistency(from first: Int, to second: Int) -> [TreeHash]? {
        guard first > 0, first <= second, second <= leaves.count else { return nil }
        return subproof(first, 0..<second, whole: true)
    }

    private mutating func subproof(_ first: Int, _ range: Range<Int>, whole: Bool) -> [TreeHash] {
        if first == range.upperBound { return whole ? [] : [root(range)] }
        let middle = range.lowerBound + Self.split(range.count)
        return first <= middle
            ? subproof(first, range.lowerBound..<middle, whole: whole) + [root(middle..<range.upperBound)]
            : subproof(first, middle..<range.upperBound, whole: false) + [root(range.lowerBound..<middle)]
    }

    /// The largest power of two below `count`, for `count` ≥ 2.
    private static func split(_ count: Int) -> Int { 1 << (Int.bitWidth - 1 - (count - 1).leadingZeroBitCount) }
}

/// Checks of proofs by someone who has no log, only roots (RFC 9162 §2.1.3.2, §2.1.4.2).
public enum MerkleProof {
    public static func inclusion(
        leaf: TreeHash, index: UInt64, size: UInt64, path: [TreeHash], root: TreeHash, hasher: consuming TreeHasher
    ) -> Bool {
        guard index < size else { return false }
        var (node, last) = (index, size - 1)
        var hash = leaf
        for sibling in path {
            guard last != 0 else { return false }
            if node & 1 == 1 || node == last {
                hash = hasher.node(sibling, hash)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                hash = hasher.node(hash, sibling)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && hash == root
    }

    public static func consistency(
        first: UInt64, firstRoot: TreeHash, second: UInt64, secondRoot: TreeHash, path: [TreeHash], hasher: consuming TreeHasher
    ) -> Bool {
        guard first > 0, first <= second else { return false }
        if first == second { return path.isEmpty && firstRoot == secondRoot }
        // A first tree that is a whole subtree of the second is its own first step.
        let steps = first & (first - 1) == 0 ? [firstRoot] + path : path
        guard let start = steps.first else { return false }
        var (node, last) = (first - 1, second - 1)
        while node & 1 == 1 {
            node >>= 1
            last >>= 1
        }
        var (old, new) = (start, start)
        for step in steps.dropFirst() {
            guard last != 0 else { return false }
            if node & 1 == 1 || node == last {
                old = hasher.node(step, old)
                new = hasher.node(step, new)
                while node & 1 == 0, node != 0 {
                    node >>= 1
                    last >>= 1
                }
            } else {
                new = hasher.node(new, step)
            }
            node >>= 1
            last >>= 1
        }
        return last == 0 && old == firstRoot && new == secondRoot
    }
}
