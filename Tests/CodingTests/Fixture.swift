// What other programs made of one text, and those programs themselves.

import Coding
import Foundation
import TestKit
import Testing

enum Fixture {
    static let text = Array(
        String(repeating: #"Server-sent events, one after the other: data: {"delta":"hello hello hello"}"# + "\n", count: 3).utf8)

    struct Encoded: Sendable, CustomTestStringConvertible {
        var name: String
        var codings: [ContentCoding]
        var bytes: [UInt8]
        var testDescription: String { name }
    }

    /// By Python's zlib, gzip, brotli and zstd.
    static let encoded = [
        Encoded(
            name: "raw deflate", codings: [.deflate],
            bytes: hex(
                "0b4e2d2a4b2dd22d4ecd2b51482d0392c53a0af979a90a896925a9450a2519a90af940a2c84a2125b124d14aa15a292535a72451c94a29233527275f"
                    + "018954aae50a1eb4860100")),
        Encoded(
            name: "deflate", codings: [.deflate],
            bytes: hex(
                "78da0b4e2d2a4b2dd22d4ecd2b51482d0392c53a0af979a90a896925a9450a2519a90af940a2c84a2125b124d14aa15a292535a72451c94a29233527"
                    + "275f018954aae50a1eb4860100179f512b")),
        Encoded(
            name: "gzip", codings: [.gzip],
            bytes: hex(
                "1f8b08000000000002030b4e2d2a4b2dd22d4ecd2b51482d0392c53a0af979a90a896925a9450a2519a90af940a2c84a2125b124d14aa15a292535a7"
                    + "2451c94a29233527275f018954aae50a1eb48601006ebc397ce7000000")),
        Encoded(
            name: "gzip with a name", codings: [.gzip],
            bytes: hex(
                "1f8b08086262016b000368656c6c6f2e747874000b4e2d2a4b2dd22d4ecd2b51482d0392c53a0af979a90a896925a9450a2519a90af940a2c84a2125"
                    + "b124d14aa15a292535a72451c94a29233527275f018954aae50a1eb48601006ebc397ce7000000")),
        Encoded(
            name: "br, window 16 MiB", codings: [.br],
            bytes: hex(
                "1fe600689c077603fd8606473722bcd50a6f737b5a44c7ad6f80748b4e191dc73870b9f6759c079f8477ca61c24559d282ebf119546a5fcb760d06bd"
                    + "249196bca5858b538e0e")),
        Encoded(
            name: "zstd with size and check", codings: [.zstd],
            bytes: hex(
                "28b52ffd24e7fd010022c40c10b0eb6813628e9433172cd907d2bc550ce06115423e38308f5cd075e4b3742c9fabfabccb375927d5c09edcdc2733b1"
                    + "dc964902001728d0f1310a147bd30bca")),
        Encoded(
            name: "zstd of a stream", codings: [.zstd],
            bytes: hex(
                "28b52ffd00581d020022c40d14b0256d2089c93cf58dda3c0c16f005dae621010241805a107d5464470f02b4ec365ae97ba9ef4dbfb09a940ae6c4c7"
                    + "3db119d2274d0402001728d0f1310a14")),
    ]

    static func hex(_ text: String) -> [UInt8] {
        stride(from: 0, to: text.utf8.count, by: 2).compactMap { UInt8(text.dropFirst($0).prefix(2), radix: 16) }
    }

    /// What a program of the system makes of these bytes.
    static func through(_ command: [String], _ input: [UInt8]) throws -> [UInt8] {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = command
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("coding-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let file = folder.appendingPathComponent("input")
        try Data(input).write(to: file)
        process.standardInput = try FileHandle(forReadingFrom: file)
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let output = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw CodingFault.malformed }
        return Array(output)
    }
}

extension SplitMix {
    /// Bytes that compress, with stretches that do not.
    mutating func body(_ count: Int) -> [UInt8] {
        var body: [UInt8] = []
        while body.count < count {
            switch below(3) {
            case 0: body += Fixture.text.prefix(below(200))
            case 1: body += bytes(below(300))
            default: body += [UInt8](repeating: UInt8(below(256)), count: below(3000))
            }
        }
        return body
    }

    static func noise(_ count: Int, seed: UInt64 = 1) -> [UInt8] {
        var random = SplitMix(seed: seed)
        return random.bytes(count)
    }
}
