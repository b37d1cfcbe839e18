// The tree against the published vectors of Certificate Transparency's reference logs, and every proof over small trees.

import Audit
import Crypto
import Testing

let sha256: SHA256Function = { bytes in
    var hasher = SHA256()
    bytes.withUnsafeBytes { hasher.update(bufferPointer: $0) }
    return TreeHash(Array(hasher.finalize())) ?? TreeHash(words: 0, 0, 0, 0)
}

@Suite struct MerkleTests {
    static let leaves: [[UInt8]] = [
        [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], [0x40, 0x41, 0x42, 0x43], Array(0x50...0x57), Array(0x60...0x6f),
    ]
    static let roots = [
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
        "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
        "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
        "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
        "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]

    @Test func rootsOfZeroToEightLeaves() {
        var tree = MerkleFrontier(TreeHasher(sha256))
        let empty = tree.root().hex
        #expect(empty == Self.roots[0])
        for (index, leaf) in Self.leaves.enumerated() {
            tree.append(leaf)
            let root = tree.root().hex
            #expect(root == Self.roots[index + 1])
        }
    }

    static func hashes(_ count: Int) -> [TreeHash] {
        var hasher = TreeHasher(sha256)
        return (0..<count).map { hasher.leaf([UInt8($0)]) }
    }

    @Test func everyInclusionProofHoldsAndNoOtherDoes() throws {
        let hasher = TreeHasher(sha256)
        let leaves = Self.hashes(17)
        var prover = MerkleProver(leaves: leaves, hasher: hasher)
        for size in 1...17 {
            let root = prover.root(0..<size)
            for index in 0..<size {
                let made = prover.inclusion(of: index, in: size)
                let path = try #require(made)
                func holds(_ index: Int, _ size: Int, _ path: [TreeHash], _ leaf: TreeHash) -> Bool {
                    MerkleProof.inclusion(
                        leaf: leaf, index: UInt64(index), size: UInt64(size), path: path, root: root, hasher: hasher)
                }
                #expect(holds(index, size, path, leaves[index]))
                #expect(!holds(index, size, path, leaves[(index + 1) % 17]))
                #expect(!holds(index, size, path + [root], leaves[index]))
                #expect(!holds(size, size, path, leaves[index]))
                if !path.isEmpty { #expect(!holds(index, size, Array(path.dropLast()), leaves[index])) }
                for other in 0..<size where other != index { #expect(!holds(other, size, path, leaves[index])) }
            }
            let beyond = prover.inclusion(of: size, in: size)
            #expect(beyond == nil)
        }
    }

    @Test func everyConsistencyProofHoldsAndNoOtherDoes() throws {
        let hasher = TreeHasher(sha256)
        var prover = MerkleProver(leaves: Self.hashes(17), hasher: hasher)
        for second in 1...17 {
            for first in 1...second {
                let made = prover.consistency(from: first, to: second)
                let path = try #require(made)
                let (old, new) = (prover.root(0..<first), prover.root(0..<second))
                func holds(_ first: Int, _ old: TreeHash, _ new: TreeHash, _ path: [TreeHash]) -> Bool {
                    MerkleProof.consistency(
                        first: UInt64(first), firstRoot: old, second: UInt64(second), secondRoot: new, path: path, hasher: hasher)
                }
                #expect(holds(first, old, new, path))
                #expect(!holds(first, old, new, path + [old]))
                if first != second {
                    #expect(!holds(first, new, new, path))
                    #expect(!holds(first, old, old, path))
                    #expect(!holds(first, old, new, Array(path.dropLast())))
                }
            }
        }
        let fromNothing = prover.consistency(from: 0, to: 3)
        #expect(fromNothing == nil)
    }

    @Test func knownProofs() throws {
        // The reference vectors: leaf 1 of 1, leaf 6 of 8, and 6 → 8.
        var hasher = TreeHasher(sha256)
        let leaves = Self.leaves.map { hasher.leaf($0) }
        var prover = MerkleProver(leaves: leaves, hasher: hasher)
        let (lone, sixth, growth) = (
            prover.inclusion(of: 0, in: 1), prover.inclusion(of: 5, in: 8), prover.consistency(from: 6, to: 8)
        )
        #expect(lone == [])
        #expect(
            sixth?.map(\.hex) == [
                "bc1a0643b12e4d2d7c77918f44e0f4f79a838b6cf9ec5b5c283e1f4d88599e6b",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ])
        #expect(
            growth?.map(\.hex) == [
                "0ebc5d3437fbe2db158b9f126a1d118e308181031d0a949f8dededebc558ef6a",
                "ca854ea128ed050b41b35ffc1b87b8eb2bde461e9e3b5596ece6b9d5975a0ae0",
                "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
            ])
    }
}
