// HostFiles: what egress needs to know of the host's name service and trusted roots, read here because egress has
// no file system. Small, line-based files that root owns.

import LinuxSys
import Vocabulary

struct HostFiles {
    var nameServers: [IPAddress] = []
    var hosts: [HostName: [IPAddress]] = [:]
    /// PEM, as the file has it.
    var roots: [UInt8] = []

    /// Bundles of trusted roots, in the order of distributions: Debian and Alpine, Fedora, SUSE, others.
    static let rootBundles = [
        "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem", "/etc/ssl/cert.pem",
    ]

    static func read() -> HostFiles {
        var files = HostFiles()
        if let text = text(at: "/etc/resolv.conf", limit: 64 << 10) { files.nameServers = nameServers(in: text) }
        if let text = text(at: "/etc/hosts", limit: 1 << 20) { files.hosts = hosts(in: text) }
        // Without any bundle only the profile's own roots are trusted: fewer, never more.
        for path in rootBundles {
            guard let bytes = try? readFile(path, limit: 8 << 20) else { continue }
            files.roots = bytes
            break
        }
        return files
    }

    private static func text(at path: String, limit: Int) -> String? {
        do { return String(decoding: try readFile(path, limit: limit), as: UTF8.self) } catch { return nil }
    }

    /// resolv.conf(5): `nameserver ADDRESS`, at most three count.
    static func nameServers(in text: String) -> [IPAddress] {
        let lines = text.split(whereSeparator: \.isNewline).map { $0.split(whereSeparator: \.isWhitespace) }
        return Array(lines.filter { $0.count >= 2 && $0[0] == "nameserver" }.compactMap { IPAddress($0[1]) }.prefix(3))
    }

    /// hosts(5): `ADDRESS NAME…`, `#` begins a comment.
    static func hosts(in text: String) -> [HostName: [IPAddress]] {
        var hosts: [HostName: [IPAddress]] = [:]
        for line in text.split(whereSeparator: \.isNewline) {
            let words = line.prefix { $0 != "#" }.split(whereSeparator: \.isWhitespace)
            guard let address = words.first.flatMap({ IPAddress($0) }) else { continue }
            for name in words.dropFirst().compactMap({ HostName($0) }) { hosts[name, default: []].append(address) }
        }
        return hosts
    }
}
