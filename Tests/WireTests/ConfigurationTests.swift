// What the supervisor writes is what egress reads.

import Testing
import Vocabulary
import Wire

@Suite struct ConfigurationTests {
    @Test func survivesTheRoundTrip() throws {
        let host = try #require(HostName("api.openai.com"))
        let configuration = EgressConfiguration(
            session: "20260101-a", profileName: "strict", profile: Array(#"{"spec":{}}"#.utf8),
            hostRoots: Array("-----BEGIN\n".utf8),
            profileRoots: ["x"],
            nameServers: [.v4(0x0101_0101), .v6(high: 1, low: 2)], hosts: [host: [.v4(0x7f00_0001)]],
            secrets: [
                .init(variable: "A", placeholder: "akios-1", hosts: [host], range: 0..<7),
                .init(variable: "B", placeholder: "akios-2", hosts: [], header: "x-key", range: 7..<7),
            ],
            proxyPassword: 7..<12)
        let read = try #require(EgressConfiguration(configuration.encoded()))
        #expect(read.encoded() == configuration.encoded())
        #expect(read.hostRoots == configuration.hostRoots)
        #expect(read.secrets == configuration.secrets)
        #expect(read.proxyPassword == 7..<12)
        #expect(read.nameServers == configuration.nameServers)
    }

    @Test func aKeyOutsideItsPagesIsNil() throws {
        for range in [0..<EgressConfiguration.secretCapacity + 1, 40_000..<40_001] {
            let configuration = EgressConfiguration(
                session: "s", profileName: "p", profile: [], hostRoots: [], profileRoots: [], nameServers: [], hosts: [:],
                secrets: [.init(variable: "A", placeholder: "a", hosts: [], range: range)])
            #expect(EgressConfiguration(configuration.encoded()) == nil)
        }
    }

    @Test(arguments: ["", "{}", "[]", #"{"session":1}"#, "\u{2}\0\0\0{}", "\u{3}\0\0\0{}", "\0\0\0\0"]) func anythingElseIsNil(
        _ text: String
    ) {
        #expect(EgressConfiguration(Array(text.utf8)) == nil)
    }
}
