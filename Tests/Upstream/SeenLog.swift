// seen.jsonl: every request as it arrived, one JSON object a line, written before the answer leaves. The
// bytes of the body that are not UTF-8 appear as U+FFFD; `body_bytes` has the true length.

import NIOHTTP1

#if canImport(Glibc)
    import Glibc
#endif

struct SeenLog: Sendable {
    let descriptor: Int32

    func record(_ head: HTTPRequestHead, body: [UInt8]) throws(FileError) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        let headers = head.headers.map { "[\(quoted($0.name)),\(quoted($0.value))]" }.joined(separator: ",")
        let line = """
            {"at_ns":"\(now.tv_sec * 1_000_000_000 + now.tv_nsec)","version":"\(head.version)","method":\(quoted(head.method.rawValue)),\
            "host":\(quoted(head.headers.first(name: "host") ?? "")),"path":\(quoted(head.uri)),"headers":[\(headers)],\
            "body_bytes":\(body.count),"body":\(quoted(String(decoding: body, as: UTF8.self)))}

            """
        // One append a record: lines of several loops do not mix.
        try writeAll(Array(line.utf8), to: descriptor, path: "seen.jsonl")
    }
}
