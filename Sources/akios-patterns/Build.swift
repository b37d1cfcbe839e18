// Compiling the anchors for Vectorscan's feature-less platform: the database loads on every x86-64, and was measured to scan
// as fast there as one made for the machine.

import CHyperscan
import Glibc
import Redaction

func build(_ path: String) -> Int32 {
    guard let serialized = compile(PatternFile.expressions) else { return 1 }
    let file = PatternFile.make(serialized)
    guard let stream = fopen(path, "wb") else {
        complain("error: cannot write \(path)\nhint: \(String(cString: strerror(errno)))")
        return 1
    }
    let written = fwrite(file, 1, file.count, stream)
    guard fclose(stream) == 0, written == file.count else {
        complain("error: cannot write \(path)\nhint: is the disk full?")
        return 1
    }
    print("\(path): \(PatternFile.expressions.count) anchors, \(file.count) bytes")
    return 0
}

private func compile(_ expressions: [(pattern: String, caseless: Bool)]) -> [UInt8]? {
    var platform = hs_platform_info_t(tune: UInt32(HS_TUNE_FAMILY_GENERIC), cpu_features: 0, reserved1: 0, reserved2: 0)
    let flags = expressions.map { UInt32(HS_FLAG_DOTALL) | ($0.caseless ? UInt32(HS_FLAG_CASELESS) : 0) }
    let ids = (0..<UInt32(expressions.count)).map { $0 }
    let texts = expressions.map { strdup($0.pattern) }
    defer { texts.forEach { free($0) } }
    var database: OpaquePointer?
    var failure: UnsafeMutablePointer<hs_compile_error_t>?
    let code = hs_compile_multi(
        texts.map { UnsafePointer($0) }, flags, ids, UInt32(expressions.count), UInt32(HS_MODE_BLOCK), &platform, &database,
        &failure)
    guard code == HS_SUCCESS, let database else {
        complain("error: an anchor does not compile: \(failure.map { String(cString: $0.pointee.message) } ?? "code \(code)")")
        hs_free_compile_error(failure)
        return nil
    }
    defer { hs_free_database(database) }
    var bytes: UnsafeMutablePointer<CChar>?
    var count = 0
    guard hs_serialize_database(database, &bytes, &count) == HS_SUCCESS, let bytes else {
        complain("error: the database does not serialize")
        return nil
    }
    defer { free(bytes) }
    return UnsafeBufferPointer(start: bytes, count: count).map { UInt8(bitPattern: $0) }
}

func complain(_ message: String) {
    let line = Array((message + "\n").utf8)
    _ = write(2, line, line.count)
}
