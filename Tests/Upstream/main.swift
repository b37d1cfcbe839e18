// akios-upstream: a model provider on loopback for the demo, the tests and the benchmarks. It speaks TLS under
// a CA that it makes at every start, answers in the format of the path by a script, and writes down every
// request it received, so that a test can compare what the agent sent with what arrived. Never installed.

import ArgumentParser
import NIOCore
import NIOPosix

#if canImport(Glibc)
    import Glibc
#endif

struct Upstream: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "akios-upstream",
        abstract:
            "A model provider on loopback, in the formats of OpenAI, Anthropic, Google, Bedrock and Ollama, plain and streamed.")

    @Option(help: "Address and port to listen on; port 0 takes a free one.")
    var listen = "127.0.0.1:0"

    @Option(help: "Folder that receives ca.pem, port and seen.jsonl; made if missing.")
    var dir: String

    @Option(parsing: .upToNextOption, help: "Host names in the certificate.")
    var hosts = ["api.openai.com", "api.anthropic.com", "evil.example", "localhost"]

    @Option(help: "JSON file with the answers, see Script.swift; without it every prompt is echoed.")
    var script: String?

    @Option(help: "Event loop threads.")
    var threads = 1

    @Flag(help: "Do not write seen.jsonl (benchmarks).")
    var unseen = false

    @Flag(help: "End when standard input ends, so that no server outlives the test that started it.")
    var untilEOF = false

    func run() throws {
        let colon = listen.lastIndex(of: ":") ?? listen.endIndex
        guard colon < listen.endIndex, let port = Int(listen[listen.index(after: colon)...]) else {
            throw ValidationError("--listen takes ADDRESS:PORT")
        }
        let folder = try Folder(path: dir)
        let authority = try TestAuthority(hosts: hosts)
        try folder.write(authority.caPEM, to: "ca.pem")
        let seen = unseen ? nil : try SeenLog(descriptor: folder.openForAppend("seen.jsonl"))
        let script = try script.map { try Script(file: $0) } ?? Script.echo

        let group = MultiThreadedEventLoopGroup(numberOfThreads: max(1, threads))
        let channel = try Server(authority: authority, script: script, seen: seen)
            .listen(on: group, host: String(listen[..<colon]), port: port).wait()
        let bound = channel.localAddress?.port ?? port
        // Last and by rename: who waits for this file may connect and read ca.pem.
        try folder.write("\(bound)\n", to: "port")
        print("listening on port \(bound)")
        fflush(nil)

        if untilEOF {
            var byte: UInt8 = 0
            while read(STDIN_FILENO, &byte, 1) > 0 {}
        } else {
            try channel.closeFuture.wait()
        }
        try group.syncShutdownGracefully()
    }
}

Upstream.main()
