// Options: the command line of akios-http as a value.

import NIOHTTP1
import Vocabulary

struct Options: Equatable {
    enum Action: Equatable { case send, help, version }

    var action = Action.send
    var method = ""
    /// `-`: the first line of standard input, so that an address which is a secret stands in no argument.
    var url = ""
    var headers: [Header] = []
    var data: String?
    var maxTime = TimeSpan(milliseconds: 30_000)
    /// The answer's head goes to standard error, not its status line alone.
    var showsHead = false
    var quiet = false

    struct Header: Equatable {
        var name: String
        var value: String
    }

    static let usage = """
        usage: akios-http [OPTION]... METHOD URL

        Sends one request. The answer's body goes to standard output, its status line to standard error.

          -H, --header 'NAME: VALUE'  a field of the request's head; may be repeated
          -d, --data TEXT             the body (default: standard input, for POST, PUT and PATCH)
          -i, --head                  show the answer's whole head
          -m, --max-time TIME         give up after this time (default: 30s)
          -q, --quiet                 show no status line
              --version               print the version
          -h, --help                  print this

        URL is http:// or https://; `-` takes it from the first line of standard input, and the body after it.
        A body without a content-type is sent as application/json. Redirects are answers: none is followed.
        Exit status: 0 for 2xx, 1 for any other answer, 2 usage, 3 no answer.

        """

    /// Whose body is standard input where nothing else is said.
    var readsBody: Bool { data == nil && ["POST", "PUT", "PATCH"].contains(method) }
    var readsURL: Bool { url == "-" }

    /// `arguments` without the program's name. Options may stand anywhere; `--` ends them.
    static func parse(_ arguments: [String]) throws(Complaint) -> Options {
        var options = Options()
        var words: [String] = []
        var rest = arguments[...]
        while let word = rest.popFirst() {
            guard word.hasPrefix("-"), word != "-" else {
                words.append(word)
                continue
            }
            if word == "--" {
                words += rest
                break
            }
            let (name, attached) = split(word)
            switch name {
            case "-h", "--help": options.action = .help
            case "--version": options.action = .version
            case "-i", "--head": options.showsHead = true
            case "-q", "--quiet": options.quiet = true
            case "-H", "--header", "-d", "--data", "-m", "--max-time":
                guard let value = attached ?? rest.popFirst() else { throw usage("option '\(name)' needs a value") }
                try options.take(name, value)
                continue
            default: throw usage("unknown option '\(name)'")
            }
            guard attached == nil else { throw usage("option '\(name)' takes no value") }
        }
        guard options.action == .send else { return options }
        guard words.count == 2 else { throw usage("a METHOD and a URL are needed, \(words.count) words are there") }
        options.method = words[0].uppercased()
        options.url = words[1]
        guard !options.method.isEmpty, options.method.utf8.allSatisfy(isToken), options.method != "CONNECT" else {
            throw usage("the method is not one")
        }
        return options
    }

    private static func usage(_ what: String) -> Complaint { Complaint(what, hint: "akios-http --help") }

    private mutating func take(_ name: String, _ value: String) throws(Complaint) {
        switch name {
        case "-H", "--header": headers.append(try Self.header(value))
        case "-d", "--data": data = value
        default:
            guard let span = TimeSpan(text: value), span.milliseconds > 0 else {
                throw Complaint("--max-time '\(value)' is not a time", hint: "as in 10s or 500ms")
            }
            maxTime = span
        }
    }

    /// The value may be a key, so no complaint repeats it.
    private static func header(_ text: String) throws(Complaint) -> Header {
        guard let colon = text.firstIndex(of: ":") else { throw usage("a header without a colon") }
        let name = String(text[..<colon])
        let value = text[text.index(after: colon)...].drop { $0 == " " || $0 == "\t" }
        guard !name.isEmpty, name.utf8.allSatisfy(isToken), value.utf8.allSatisfy({ $0 == 9 || $0 >= 0x20 && $0 != 0x7f }) else {
            throw usage("a header that is malformed")
        }
        guard !["host", "content-length", "transfer-encoding", "connection", "expect", "upgrade", "te"].contains(name.lowercased())
        else { throw Complaint("the header '\(name)' is made by akios-http", hint: "leave it out") }
        return Header(name: name, value: String(value))
    }

    private static func split(_ word: String) -> (name: String, value: String?) {
        guard word.hasPrefix("--"), let equals = word.firstIndex(of: "=") else { return (word, nil) }
        return (String(word[..<equals]), String(word[word.index(after: equals)...]))
    }

    /// RFC 9110 §5.6.2.
    private static func isToken(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
