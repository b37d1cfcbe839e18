// WebRequest: sends one request as its options say, and shows the answer. It knows of no cage: in one, its only way leads
// through egress, as any other client's does.

import Glibc
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Vocabulary

public enum WebRequest {
    static let mostBody = 64 << 20
    private static let failed: Int32 = 3

    /// The exit status.
    public static func main() -> Int32 {
        // A reader that has had enough is an error of the write, not the end of us.
        signal(SIGPIPE, SIG_IGN)
        let options: Options
        do throws(Complaint) { options = try Options.parse(Array(CommandLine.arguments.dropFirst())) } catch {
            Output.complain(error)
            return 2
        }
        switch options.action {
        case .help: return Output.write(Array(Options.usage.utf8)) ? 0 : failed
        case .version: return Output.write(Array("akios-http \(Release.version)\n".utf8)) ? 0 : failed
        case .send: break
        }
        do throws(Complaint) {
            let input = try Input.read(options, from: STDIN_FILENO)
            guard let target = Target(input.url) else {
                Output.complain(
                    Complaint("the URL is not one", hint: "http:// or https://, a host, no login; other letters %-encoded"))
                return 2
            }
            let status = try send(options, to: target, body: input.body)
            return (200..<300).contains(status) ? 0 : 1
        } catch {
            Output.complain(error)
            return failed
        }
    }

    private static func send(_ options: Options, to target: Target, body: [UInt8]?) throws(Complaint) -> Int {
        let context = target.isTLS ? try tls() : nil
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let loop = group.next()
        let answered = loop.makePromise(of: Int.self)
        let span = TimeAmount.milliseconds(Int64(min(options.maxTime.milliseconds, 86_400_000)))
        let late = loop.scheduleTask(in: span) {
            answered.fail(AnswerReader.Fault("no whole answer within the time of --max-time"))
        }
        let (showsHead, quiet) = (options.showsHead, options.quiet)
        // An address is verified as one, and named in no ClientHello.
        let name = target.isAddress ? nil : target.host
        ClientBootstrap(group: loop)
            .connectTimeout(span)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let operations = channel.pipeline.syncOperations
                    if let context { try operations.addHandler(NIOSSLClientHandler(context: context, serverHostname: name)) }
                    try operations.addHTTPClientHandlers()
                    try operations.addHandler(AnswerReader(showsHead: showsHead, quiet: quiet, answered: answered))
                }
            }
            .connect(host: target.host, port: target.port)
            .whenComplete { result in
                switch result {
                case .failure(let error): answered.fail(error)
                case .success(let channel):
                    for part in parts(options, target, body) { channel.write(part, promise: nil) }
                    channel.flush()
                }
            }
        let result = Result { try answered.futureResult.wait() }
        late.cancel()
        try? group.syncShutdownGracefully()
        switch result {
        case .success(let status): return status
        case .failure(let error):
            throw Complaint("no answer from \(target.authority): \(AnswerReader.words(error))", hint: "is it there, and may you?")
        }
    }

    private static func parts(_ options: Options, _ target: Target, _ body: [UInt8]?) -> [HTTPClientRequestPart] {
        var headers: HTTPHeaders = ["host": target.authority, "connection": "close"]
        for header in options.headers { headers.add(name: header.name, value: header.value) }
        if !headers.contains(name: "user-agent") { headers.add(name: "user-agent", value: "akios-http/\(Release.version)") }
        if !headers.contains(name: "accept") { headers.add(name: "accept", value: "*/*") }
        var parts: [HTTPClientRequestPart] = []
        if let body {
            if !headers.contains(name: "content-type") { headers.add(name: "content-type", value: "application/json") }
            headers.add(name: "content-length", value: String(body.count))
            if !body.isEmpty { parts.append(.body(.byteBuffer(ByteBuffer(bytes: body)))) }
        }
        let head = HTTPRequestHead(
            version: .http1_1, method: HTTPMethod(rawValue: options.method), uri: target.path, headers: headers)
        return [.head(head)] + parts + [.end(nil)]
    }

    /// The host's roots; SSL_CERT_FILE names others, as for OpenSSL.
    private static func tls() throws(Complaint) -> NIOSSLContext {
        do {
            var configuration = TLSConfiguration.makeClientConfiguration()
            if let path = getenv("SSL_CERT_FILE").map({ String(cString: $0) }), !path.isEmpty {
                configuration.trustRoots = .file(path)
            }
            configuration.applicationProtocols = ["http/1.1"]
            configuration.minimumTLSVersion = .tlsv12
            return try NIOSSLContext(configuration: configuration)
        } catch { throw Complaint("the root certificates cannot be read", hint: "SSL_CERT_FILE, or the package ca-certificates") }
    }
}
