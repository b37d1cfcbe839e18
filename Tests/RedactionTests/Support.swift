// The engine under test, and short ways to ask it.

import CData
import JSONBytes
import Profile
import Testing

@testable import Redaction

func embeddedPatterns() -> [UInt8] {
    var length = 0
    let start = akios_patterns(&length)
    return Array(UnsafeBufferPointer(start: start, count: length))
}

func makeEngine(types: Set<String>? = nil, mode: PIIHandling.Mode = .redact) throws -> Engine {
    var handling = PIIHandling()
    handling.types = types
    handling.mode = mode
    return try Engine(database: embeddedPatterns(), handling: handling)
}

extension Engine {
    func text(_ text: String, scope: Scope = .all) throws -> String {
        String(decoding: try redactText(Array(text.utf8), scope: scope).body, as: UTF8.self)
    }

    func json(_ text: String, filter: LeafFilter = .providers) throws -> String {
        let redacted = try redactJSON(Array(text.utf8), filter: filter)
        _ = try JSONLeaves.scan(redacted.body)
        return String(decoding: redacted.body, as: UTF8.self)
    }
}

/// Values that are secret only in shape; joined here so that no scanner of repositories takes this file for a leak.
enum Planted {
    static let openAI = "sk-" + "proj-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3dE6gH9jK2mN5"
    static let openAIOld = "sk-" + "aB3dE6gH9jK2mN5pQ8sTT3BlbkFJaB3dE6gH9jK2mN5pQ8sT"
    static let anthropic = "sk-" + "ant-api03-" + "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7_aB3dE6gH9jK2mN5-AA"
    static let aws = "AK" + "IAIOSFODNN7EXAMPLE"
    static let awsSecret = "wJalrXUtnFEMI/K7MDENG/" + "bPxRfiCYEXAMPLEKEY"
    static let gitHubBody = "aB3dE6gH9jK2mN5pQ8sT1vW4yZ7aB3"
    static let gitHub = "gh" + "p_" + gitHubBody + "abcdef"
    static let gitHubFine = "github" + "_pat_" + "11ABCDEFG0aB3dE6gH9jK2_" + String(repeating: "mN5pQ8sT1v", count: 5) + "aB3dE6gH9"
    static let jwt =
        "ey" + "JhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.ey" + "JzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"
    static let pem =
        "-----BEGIN RSA " + "PRIVATE KEY-----\nMIIEowIBAAKCAQEA1234567890abcdefghij\nqwertyuiop+asdf/ghjkl==\n-----END RSA "
        + "PRIVATE KEY-----"
}
