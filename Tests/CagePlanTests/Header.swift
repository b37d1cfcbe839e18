// Header: CShims/CInit/plan.h as text, read without Foundation.

import Glibc

struct Header {
    struct Unreadable: Error {}
    private let text: String

    static func read() throws -> Header {
        let path = #filePath.dropLast("Tests/CagePlanTests/Header.swift".count) + "CShims/CInit/plan.h"
        guard let file = fopen(String(path), "r") else { throw Unreadable() }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        return Header(text: String(decoding: bytes.prefix(count), as: UTF8.self))
    }

    func contains(_ part: String) -> Bool { text.contains(part) }
    func components(of part: String) -> Int { text.split(separator: "\n").count { $0.contains("    " + part) } }
}
