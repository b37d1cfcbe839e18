// Input: what of a request comes from standard input, within a bound.

import Glibc
import Vocabulary

struct Input {
    var url: String
    /// nil: the request has none.
    var body: [UInt8]?

    static func read(_ options: Options, from descriptor: Int32) throws(Complaint) -> Input {
        let given = options.data.map { Array($0.utf8) }
        guard options.readsURL || options.readsBody else { return Input(url: options.url, body: given) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 65_536)
        while true {
            let count = Glibc.read(descriptor, &buffer, buffer.count)
            let code = errno
            if count < 0, code == EINTR { continue }
            guard count >= 0 else {
                throw Complaint("standard input cannot be read: \(String(cString: strerror(code)))", hint: "--data TEXT")
            }
            if count == 0 { break }
            bytes += buffer[..<count]
            guard bytes.count <= WebRequest.mostBody else {
                throw Complaint("the body is larger than \(WebRequest.mostBody >> 20) MiB", hint: "send it in parts")
            }
        }
        guard options.readsURL else { return Input(url: options.url, body: bytes) }
        let line = bytes.prefix { $0 != 0x0a }
        let rest = Array(bytes.dropFirst(line.count + 1))
        let url = String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
        return Input(url: url, body: options.readsBody ? rest : given)
    }
}
