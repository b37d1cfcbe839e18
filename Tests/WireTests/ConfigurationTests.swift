// What the supervisor writes is what egress reads.

import JSONBytes
import Testing
import Vocabulary
import Wire

@Suite struct ConfigurationTests {
    @Test func survivesTheRoundTrip() throws {
        let host = try #require(HostName("api.openai.com"))
        let configuration = EgressConfig(
            session: "20260101-a", profileName: "strict", profile: .object([.init("spec", .object([]))]), roots: "-----BEGIN\n", trust: "x",
            nameservers: [.v4(0x0101_0101), .v6(high: 1, low: 2)], hosts: [host: [.v4(0x7f00_0001)]],
            credentials: [.init(placeholder: "akios-1", value: "sk-secret", hosts: [host])])
        let read = try #require(EgressConfig(json: configuration.json()))
        #expect(read.json() == configuration.json())
        #expect(read.credentials.first?.hosts == [host])
        #expect(read.nameservers == configuration.nameservers)
    }

    @Test(arguments: ["", "{}", "[]", #"{"session":1}"#]) func anythingElseIsNil(_ text: String) {
        #expect(EgressConfig(json: Array(text.utf8)) == nil)
    }
}
