// The command line of akios-http, and the addresses it takes.

import Glibc
import Testing
import Vocabulary

@testable import WebRequest

@Suite struct OptionsTests {
    @Test func aWholeLine() throws {
        let options = try Options.parse([
            "-i", "post", "https://a.example/x", "-H", "X-A:  b c", "--data={}", "--max-time", "500ms", "--quiet",
        ])
        #expect(options.method == "POST" && options.url == "https://a.example/x")
        #expect(options.headers == [.init(name: "X-A", value: "b c")])
        #expect(options.data == "{}" && options.maxTime.milliseconds == 500 && options.showsHead && options.quiet)
        #expect(!options.readsBody && !options.readsURL)
    }

    @Test func whoReadsStandardInput() throws {
        for method in ["POST", "PUT", "PATCH"] { #expect(try Options.parse([method, "http://a"]).readsBody) }
        for method in ["GET", "HEAD", "DELETE"] { #expect(try !Options.parse([method, "http://a"]).readsBody) }
        #expect(try Options.parse(["GET", "-"]).readsURL)
    }

    @Test func anAddressFromStandardInputIsItsFirstLine() throws {
        var pipes: [Int32] = [-1, -1]
        try #require(pipe(&pipes) == 0)
        let text = Array("https://a.example/secret\r\n{\"a\":1}\nb".utf8)
        #expect(write(pipes[1], text, text.count) == text.count)
        close(pipes[1])
        let input = try Input.read(try Options.parse(["POST", "-"]), from: pipes[0])
        close(pipes[0])
        #expect(input.url == "https://a.example/secret")
        #expect(input.body == Array("{\"a\":1}\nb".utf8))
    }

    static let wrong: [([String], String)] = [
        ([], "a METHOD and a URL are needed, 0 words are there"),
        (["GET"], "a METHOD and a URL are needed, 1 words are there"),
        (["GET", "a", "b"], "a METHOD and a URL are needed, 3 words are there"),
        (["G T", "http://a"], "the method is not one"),
        (["CONNECT", "http://a"], "the method is not one"),
        (["--what", "GET", "http://a"], "unknown option '--what'"),
        (["GET", "http://a", "-H"], "option '-H' needs a value"),
        (["GET", "http://a", "--head=1"], "option '--head' takes no value"),
        (["GET", "http://a", "-H", "secret"], "a header without a colon"),
        (["GET", "http://a", "-H", "a b: secret"], "a header that is malformed"),
        (["GET", "http://a", "-H", "a: secret\r\nb: c"], "a header that is malformed"),
        (["GET", "http://a", "-H", "Host: secret"], "the header 'Host' is made by akios-http"),
        (["GET", "http://a", "-m", "soon"], "--max-time 'soon' is not a time"),
    ]

    @Test(arguments: wrong) func isRefused(_ line: [String], _ words: String) throws {
        let complaint = #expect(throws: Complaint.self) { try Options.parse(line) }
        #expect(complaint?.description.hasPrefix("error: \(words)\n") == true, "\(complaint.map(\.description) ?? "")")
        #expect(complaint?.description.contains("secret") == false)
    }
}

@Suite struct TargetTests {
    @Test(arguments: [
        ("https://a.example", "a.example", 443, "/", "a.example"), ("http://a.example?q=1", "a.example", 80, "/?q=1", "a.example"),
        ("https://A.Example:8443/x?y#z", "a.example", 8443, "/x?y", "a.example:8443"),
        ("http://127.0.0.1:80/", "127.0.0.1", 80, "/", "127.0.0.1"), ("https://[::1]:9/a", "::1", 9, "/a", "[::1]:9"),
        ("https://[::1]", "::1", 443, "/", "[::1]"),
    ])
    func parts(_ url: String, _ host: String, _ port: Int, _ path: String, _ authority: String) throws {
        let target = try #require(Target(url))
        #expect(target.host == host && target.port == port && target.path == path && target.authority == authority)
        #expect(target.isTLS == url.hasPrefix("https"))
    }

    @Test(arguments: [
        "", "a.example", "ftp://a", "https://", "https://u:p@a.example/", "https://a b/", "https://a/\r\nX: y", "https://a:0",
        "https://a:65536", "https://a:", "https://a:+1/", "https://[::1", "https://::1/", "https://127.1/",
        "https://b\u{fc}cher.example/",
    ])
    func isNone(_ url: String) { #expect(Target(url) == nil) }
}
