// PathSpellingTests: servers read paths in different ways. Whatever spelling an agent finds, no server that reads it as a
// denied path gets it.

import Profile
import TestKit
import Testing
import Vocabulary

@testable import Policy

struct PathSpellings {
    /// How one server turns the path of a request into the path it serves; nil: it answers with an error.
    private struct Server: Sendable {
        let name: String
        let reads: @Sendable ([UInt8]) -> [UInt8]?
    }

    private static func decode(_ path: [UInt8]) -> [UInt8]? {
        var out: [UInt8] = []
        var rest = path[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                out.append(byte)
                continue
            }
            guard rest.count >= 2, let value = UInt8(String(decoding: rest.prefix(2), as: UTF8.self), radix: 16) else { return nil }
            out.append(value)
            rest = rest.dropFirst(2)
        }
        return out
    }

    /// Segments without empty ones and dots, as RFC 3986 §5.2.4 has them.
    private static func resolve(_ path: [UInt8], _ segment: (ArraySlice<UInt8>) -> [UInt8] = { Array($0) }) -> [UInt8] {
        var out: [[UInt8]] = []
        for part in path.split(separator: UInt8(ascii: "/")).map(segment) where !part.isEmpty && part != Array(".".utf8) {
            if part == Array("..".utf8) { _ = out.popLast() } else { out.append(part) }
        }
        return out.reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    }

    private static func lower(_ path: [UInt8]) -> [UInt8] { Array(String(decoding: path, as: UTF8.self).lowercased().utf8) }
    private static func bare(_ part: ArraySlice<UInt8>) -> [UInt8] { Array(part.prefix { $0 != UInt8(ascii: ";") }) }

    private static let servers = [
        Server(name: "nginx: decodes, merges slashes") { decode($0).map { resolve($0) } },
        Server(name: "envoy: as it stands, slashes merged") { resolve($0) },
        Server(name: "Tomcat: parameters off, then decodes") { decode(resolve($0, bare)).map { resolve($0) } },
        Server(name: "decodes, then parameters off") { decode($0).map { resolve($0, bare) } },
        Server(name: "decodes twice") { decode($0).flatMap { decode($0) }.map { resolve($0) } },
        Server(name: "decodes, then takes a query off") { path in
            decode(path).map { resolve(Array($0.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") })) }
        },
        Server(name: "IIS: backslashes, no case, no dots and spaces at the end") { path in
            decode(path).map { path in
                lower(
                    resolve(path.map { $0 == UInt8(ascii: "\\") ? UInt8(ascii: "/") : $0 }) { part in
                        if part.elementsEqual("..".utf8) { return Array(part) }
                        var part = Array(part)
                        while part.last == UInt8(ascii: ".") || part.last == UInt8(ascii: " ") { part.removeLast() }
                        return part
                    })
            }
        },
    ]

    private static let denied = ["/admin/**", "/api/*/secret", "/v1/keys"]

    /// Whether a server that reads the path so serves what the profile denies. What it serves has no slash at its end.
    private func isDenied(_ served: [UInt8]) -> Bool {
        Self.denied.contains { pattern in
            [served, served + [UInt8(ascii: "/")]].contains { globMatches(pattern, String(decoding: $0, as: UTF8.self)) }
        }
    }

    @Test func noSpellingReachesADeniedPath() throws {
        let engine = engine(
            allow: [try rule("a.example", paths: ["/**"])], deny: [try deny("a.example", paths: Self.denied)])
        var random = SplitMix(seed: 42)
        let plain = ["/admin/x", "/admin", "/api/7/secret", "/v1/keys", "/pub/x", "/api/7/open", "/v1/keyring", "/administration"]
        let odd = [
            "/", "/./", "/x/../", "//", "%2f", "%2F", ";", ";a=b", "%3b", "%3bx", ".", "%2e", "%20", "%3f", "%3fa", "%23", "\\",
            "%5c", "%252f", "%25", "..;/", "%00", "+", "~",
        ]
        var answers = (denied: 0, allowed: 0, malformed: 0)
        for _ in 0..<6000 {
            var path = ""
            for character in plain[random.below(plain.count)] {
                switch random.below(24) {
                case 0: path += odd[random.below(odd.count)] + String(character)
                case 1: path += String(character) + odd[random.below(odd.count)]
                case 2: path += "%" + String(character.asciiValue ?? 0, radix: 16)
                case 3: path += character.uppercased()
                default: path.append(character)
                }
            }
            let answer = code(try ask(engine, "a.example", "GET", path))
            switch answer {
            case nil: answers.allowed += 1
            case .hostDenied: answers.denied += 1
            default: answers.malformed += 1
            }
            guard answer == nil else { continue }
            for server in Self.servers {
                guard let served = server.reads(Array(path.utf8)) else { continue }
                #expect(
                    !isDenied(served), "\(path) reaches \(String(decoding: served, as: UTF8.self)) on a server that \(server.name)")
            }
        }
        #expect(answers.denied > 700 && answers.allowed > 700 && answers.malformed > 150)
    }

    @Test(arguments: [
        "/admin", "/admin/", "/ADMIN/x", "/Admin", "/admin.", "/admin%20/x", "/admin./x", "/%41dmin/x", "/admin%3fx", "/admin%23",
        "/admin;a/x", "/admin%3ba;b/x", "/a%64min;b%2f..x/y", "/%EF%BD%81dmin/x", "/adm%C4%B1n/x", "/admin%EF%BC%8Fx", "/;/admin/x",
        "//admin//x", "/v1/%E2%84%AAeys", "/v1/key%C5%BF", "/v1/keys/", "/v1/keys%2f",
    ])
    func spellingsOfDeniedPaths(path: String) throws {
        let rules = [try rule("a.example", paths: ["/**"])]
        #expect(code(try ask(engine(allow: rules), "a.example", "GET", path)) == nil)
        let denying = engine(allow: rules, deny: [try deny("a.example", paths: Self.denied)])
        #expect(code(try ask(denying, "a.example", "GET", path)) == .hostDenied)
    }

    @Test(arguments: ["/a/.. /b".replacing(" ", with: "%20"), "/a/%EF%BC%8E%EF%BC%8E/b", "/a/.%E2%80%A4/b", "/%2e%20/b"])
    func dotsInDisguiseAreRefused(path: String) throws {
        #expect(code(try ask(engine(allow: [try rule("a.example", paths: ["/**"])]), "a.example", "GET", path)) == .malformed)
    }

    @Test func whatOnlyBeginsAlikeIsNotDenied() throws {
        let engine = engine(
            allow: [try rule("a.example", paths: ["/**"])], deny: [try deny("a.example", paths: Self.denied)])
        for path in [
            "/administration", "/v1/keyring", "/api/7/secrets", "/api/7/8/secret", "/xadmin/x", "/wiki/Who%3F", "/%E4%B8%AD",
        ] {
            #expect(code(try ask(engine, "a.example", "GET", path)) == nil, "\(path)")
        }
    }
}
