// Throughput of the scanner's stages over real files: the tokenizer alone, the whole scan of JSON or text, and a stream.

import CData
import Glibc
import JSONBytes
import Profile
import Redaction

func bench(_ paths: [String]) -> Int32 {
    let engine: Engine
    do { engine = try Engine(database: embeddedPatterns(), handling: PIIHandling()) } catch {
        complain("error: \(error)\nhint: make patterns")
        return 1
    }
    for path in paths {
        guard let body = read(path), !body.isEmpty else {
            complain("error: cannot read \(path)")
            return 1
        }
        print(path, "\(body.count) bytes")
        if (try? JSONLeaves.scan(body)) != nil {
            report("tokenizer", body.count) { (try? JSONLeaves.scan(body, numbers: true))?.leaves.count ?? 0 }
            report("redactJSON", body.count) { (try? engine.redactJSON(body))?.findings.count ?? -1 }
        }
        report("redactText", body.count) { (try? engine.redactText(body))?.findings.count ?? -1 }
        let text = body.prefix(1 << 20)
        report("stream, 16 bytes a piece", text.count) {
            var stream = StreamRedactor(engine)
            var sent = 0
            for start in stride(from: 0, to: text.count, by: 16) {
                sent += (try? stream.feed(Array(text[start..<min(start + 16, text.count)])))?.count ?? 0
            }
            return sent + ((try? stream.finish())?.count ?? 0)
        }
    }
    return 0
}

func embeddedPatterns() -> [UInt8] {
    var length = 0
    let start = akios_patterns(&length)
    return Array(UnsafeBufferPointer(start: start, count: length))
}

private func read(_ path: String) -> [UInt8]? {
    guard let stream = fopen(path, "rb") else { return nil }
    defer { fclose(stream) }
    var bytes: [UInt8] = []
    var chunk = [UInt8](repeating: 0, count: 1 << 16)
    while true {
        let count = fread(&chunk, 1, chunk.count, stream)
        if count == 0 { return bytes }
        bytes += chunk[..<count]
    }
}

/// Best of what fits into a second, after one run to warm up.
private func report(_ name: String, _ bytes: Int, _ work: () -> Int) {
    let result = work()
    let clock = ContinuousClock()
    let start = clock.now
    var best = Duration.seconds(3600)
    repeat { best = min(best, clock.measure { _ = work() }) } while clock.now - start < .seconds(1)
    let seconds = Double(best.components.seconds) + Double(best.components.attoseconds) / 1e18
    print("  \(name): \(Int(Double(bytes) / seconds / 1e6)) MB/s (result \(result))")
}
