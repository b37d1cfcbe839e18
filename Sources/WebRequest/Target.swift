// Target: a URL's parts as they go into a request (RFC 3986, http and https only).

import Vocabulary

struct Target: Equatable {
    var isTLS: Bool
    /// A name, or an address without brackets.
    var host: String
    var isAddress: Bool
    var port: Int
    /// Path and query.
    var path: String

    /// As `Host` has it.
    var authority: String {
        let shown = host.contains(":") ? "[\(host)]" : host
        return port == (isTLS ? 443 : 80) ? shown : "\(shown):\(port)"
    }

    /// Nil for anything that is not such a URL: with a login, with characters that belong encoded. The text may be a secret,
    /// so what is wrong with it is not said.
    init?(_ url: String) {
        guard url.utf8.count <= 8192, url.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7f }) else { return nil }
        isTLS = url.hasPrefix("https://")
        guard isTLS || url.hasPrefix("http://") else { return nil }
        let rest = url.dropFirst(isTLS ? 8 : 7).prefix { $0 != "#" }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        var place = rest[..<end]
        guard !place.contains("@") else { return nil }
        port = isTLS ? 443 : 80
        if let colon = place.lastIndex(of: ":"), !place[colon...].contains("]") {
            let digits = place[place.index(after: colon)...]
            guard !digits.isEmpty, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = Int(digits),
                (1...65_535).contains(number)
            else { return nil }
            port = number
            place = place[..<colon]
        }
        if place.hasPrefix("["), place.hasSuffix("]"), let address = IPAddress(place.dropFirst().dropLast()), case .v6 = address {
            host = String(place.dropFirst().dropLast())
            isAddress = true
        } else if let address = IPAddress(place), case .v4 = address {
            host = String(place)
            isAddress = true
        } else if let name = HostName(place) {
            host = name.text
            isAddress = false
        } else {
            return nil
        }
        let tail = rest[end...]
        path = tail.hasPrefix("/") ? String(tail) : "/" + tail
    }
}
