// The exact words for a bad profile, one row each.

import Testing

struct Bad: Sendable, CustomTestStringConvertible {
    var document: String
    var error: String
    var testDescription: String { error }
    init(_ document: String, _ error: String) { (self.document, self.error) = (document, error) }
}

@Suite struct GoldenErrorTests {
    static let shape = [
        Bad(
            policy("  governance:\n    netwrok_access: {}"),
            "p.yaml:5:5: unknown key 'netwrok_access'\nhint: did you mean 'network_access'?"),
        Bad(
            policy("  allowlist: []"),
            "p.yaml:4:3: unknown key 'allowlist'\nhint: 'allowlist' stands below 'spec.governance.network_access'"
        ),
        Bad(
            policy("  audit: {zzzzzzz: 1}"),
            "p.yaml:4:11: unknown key 'zzzzzzz'\nhint: known here: 'sync', 'checkpoint_every', 'bodies', 'alerts'"
        ),
        Bad("spec: [1]", "p.yaml:1:7: 'spec' is a list, not a map"),
        Bad(
            "[]", "p.yaml:1:1: a profile is a map, this is a list\nhint: start with apiVersion: akios/v1"),
        Bad(
            "spec: {}", "p.yaml:1:1: 'apiVersion' is missing in 'profile'\nhint: add apiVersion: akios/v1"
        ),
        Bad("apiVersion: akios/v9", "p.yaml:1:13: 'apiVersion' is 'akios/v9', not 'akios/v1'"),
        Bad(
            "apiVersion: akios/v1\nkind: AgentPolice",
            "p.yaml:2:7: 'kind' is 'AgentPolice', not 'AgentPolicy' or 'FluxConfig'\nhint: did you mean 'AgentPolicy'?"
        ),
        Bad(
            policy("  audit:"),
            "p.yaml:4:9: 'audit' is empty; expected a map\nhint: write {} for an empty map, or take the key out"
        ),
        Bad(
            policy("  sandbox: {filesystem: {hide: }}"),
            "p.yaml:4:32: 'hide' is empty; expected a list\nhint: write [] for an empty list, or take the key out"
        ),
        Bad(
            policy("  sandbox: {filesystem: {hide: .env}}"),
            "p.yaml:4:32: 'hide' is a text, not a list\nhint: write [.env]"),
        Bad("", "p.yaml:1:1: the document is empty\nhint: start with apiVersion: akios/v1"),
        Bad("# nothing\n", "p.yaml:2:1: the document is empty\nhint: start with apiVersion: akios/v1"),
    ]

    static let yaml = [
        Bad(
            "a: &a [*a]",
            "p.yaml:1:4: an anchor\nhint: write the value out; documents share parts by extends"),
        Bad(
            "a: *b", "p.yaml:1:4: an alias\nhint: write the value out; documents share parts by extends"),
        Bad(
            "a: !!str b",
            "p.yaml:1:4: a tag\nhint: values are read from their text; take the '!' out or quote it"),
        Bad("a: 1\na: 2", "p.yaml:2:1: key 'a' stands twice\nhint: the first is at p.yaml:1:1"),
        Bad("a: {b: 1, b: 2}", "p.yaml:1:11: key 'b' stands twice\nhint: the first is at p.yaml:1:5"),
        Bad("[a]: b", "p.yaml:1:1: a key that is not a text"),
        Bad(
            "a: 1\n---\nb: 2", "p.yaml:2:1: a second document\nhint: one profile in a file; use extends"),
        Bad("%YAML 1.1\n---\na: 1", "p.yaml:1:1: a directive\nhint: take the lines with '%' out"),
        Bad("a: b\n\0", "p.yaml:2:1: a NUL byte\nhint: a profile is text"),
        Bad("a: \"b\\0\"", "p.yaml:1:4: a NUL byte\nhint: a profile is text"),
        Bad(
            "\u{feff}a: b",
            "p.yaml:1:1: starts with a byte-order mark\nhint: save it as UTF-8 without one"),
        Bad("a: [1", "p.yaml:2:1: not YAML: did not find expected ',' or ']'"),
        Bad(
            "a:\n\tb: 1",
            "p.yaml:2:1: not YAML: found character that cannot start any token\n"
                + "hint: indent with spaces, and quote texts that start with @, ` or %"),
        Bad(
            String(repeating: "[", count: 40), "p.yaml:1:34: nested too deeply\nhint: at most 32 levels"),
    ]

    static let values = [
        Bad(
            policy("  sandbox: {resources: {memory: 2GB}}"),
            "p.yaml:4:33: 'memory' is '2GB', not a size\nhint: digits, with K, M, G or T for powers of 1024: 512M"
        ),
        Bad(
            policy("  sandbox: {resources: {pids: 0}}"),
            "p.yaml:4:31: 'pids' is '0', not a whole number from 1 to 4194304"),
        Bad(
            policy("  governance:\n    budget: {max_cost_per_session: 1e-3x}"),
            "p.yaml:5:36: 'max_cost_per_session' is '1e-3x', not an amount of US dollars\nhint: decimal text with at most nine decimals: 1.00"
        ),
        Bad(
            policy(
                "  governance: {credentials: [{env: A, from: {env: A}, hosts: [a.com], optional: yes}]}"),
            "p.yaml:4:81: 'optional' is 'yes', not true or false\nhint: yes, on and 1 are not booleans here"
        ),
        Bad(
            policy("  governance: {network_access: {allowlist: [{host: 'https://a.com'}]}}"),
            "p.yaml:4:52: 'host' is 'https://a.com', not a host name\n"
                + "hint: one name, or .example.com for every name below it; no scheme, port, path or address"
        ),
        Bad(
            policy("  governance: {network_access: {denylist: [☃.net]}}"),
            "p.yaml:4:44: 'host' is '☃.net', not a host name\nhint: it has a character that names do not have, such as a symbol or an emoji"
        ),
        Bad(
            policy("  governance: {network_access: {denylist: [.xn--a.com]}}"),
            "p.yaml:4:44: 'host' is '.xn--a.com', not a host name\nhint: an xn-- label in it is the encoding of no name"),
        Bad(
            policy("  governance: {network_access: {allowlist: [{methods: [GET]}]}}"),
            "p.yaml:4:45: 'host' is missing in 'allowlist'\nhint: add host: …"),
        Bad(
            policy("  governance: {pii_handling: {mode: detecd}}"),
            "p.yaml:4:37: 'mode' is 'detecd', not 'block', 'redact_before_inference' or 'detect'\nhint: did you mean 'detect'?"
        ),
        Bad(
            policy("  sandbox: {filesystem: {read: [systm]}}"),
            "p.yaml:4:33: 'read' is 'systm', not 'system' or 'command' or a path\nhint: did you mean 'system'?"
        ),
        Bad(
            policy("  sandbox: {filesystem: {read: [data]}}"),
            "p.yaml:4:33: 'read' is 'data', not 'system' or 'command' or a path\nhint: a path has a slash: ./data"
        ),
        Bad(
            policy("  sandbox: {filesystem: {write: [/srv/../etc]}}"),
            "p.yaml:4:34: 'write' is '/srv/../etc', not a path without '..'\nhint: write the path it leads to"
        ),
        Bad(
            policy("  sandbox: {filesystem: {write: [/srv/../\u{301}etc]}}"),
            "p.yaml:4:34: 'write' is '/srv/../\u{301}etc', not a path without '..'\nhint: write the path it leads to"
        ),
        Bad(
            policy("  sandbox: {environment: {pass: [LD_PRELOAD]}}"),
            "p.yaml:4:34: 'pass' is 'LD_PRELOAD', not a variable that may be handed on\n"
                + "hint: LD_PRELOAD makes programs load code; it is never handed on"),
        Bad(
            policy("  governance: {network_access: {resolve: {a.com: '::1:80:x'}}}"),
            "p.yaml:4:50: 'a.com' is '::1:80:x', not an address\nhint: ADDRESS, ADDRESS:PORT or [V6]:PORT: 127.0.0.1:8443"
        ),
        Bad(
            policy("  governance: {providers: [openai, {name: openai, keys: any}]}"),
            "p.yaml:4:36: 'providers' has 'openai' twice\nhint: one entry for each name"),
        Bad(
            policy("  governance: {providers: [opnai]}"),
            "p.yaml:4:28: 'name' is 'opnai', not 'openai', 'anthropic', 'azure', 'bedrock', 'gemini', 'mistral', 'ollama', 'openrouter' or 'xai'\nhint: did you mean 'openai'?"
        ),
        Bad(
            policy("  governance: {budget: {per_session: {action_on_exceed: throttle}}}"),
            "p.yaml:4:57: 'per_session' cannot throttle: a session's window never refills\nhint: terminate, or alert to only record it"
        ),
    ]

    private static func proxied(_ value: String) -> String { policy("  governance: {network_access: {upstream_proxy: \(value)}}") }

    static let proxies = [
        Bad(
            proxied("http://jane:hunter2@proxy:3128"),
            "p.yaml:4:49: 'url' is set, not a proxy's URL\nhint: a password does not belong here: password: {file: PATH}"),
        Bad(proxied("proxy:3128"), "p.yaml:4:49: 'url' is set, not a proxy's URL\nhint: http://[USER@]HOST:PORT, or https://"),
        Bad(proxied("http://proxy"), "p.yaml:4:49: 'url' is set, not a proxy's URL\nhint: http://[USER@]HOST:PORT, or https://"),
        Bad(
            proxied("http://proxy:3128/path"),
            "p.yaml:4:49: 'url' is set, not a proxy's URL\nhint: http://[USER@]HOST:PORT, or https://"),
        Bad(
            proxied("http://fd00::1:3128"),
            "p.yaml:4:49: 'url' is set, not a proxy's URL\nhint: its host is a name or an address, an IPv6 address in brackets"),
        Bad(
            proxied("{url: 'http://proxy:1', password: {file: /k}}"),
            "p.yaml:4:83: 'upstream_proxy' has a password and no user\nhint: http://USER@proxy:3128"),
        Bad(
            proxied("{url: 'http://u@proxy:1', password: {}}"),
            "p.yaml:4:85: 'password' needs one of 'file', 'env', 'systemd' and 'command'\nhint: password: {file: /path/of/key}"),
        Bad(proxied("{except: [a.com]}"), "p.yaml:4:49: 'url' is missing in 'upstream_proxy'\nhint: add url: …"),
        Bad(
            policy(
                "  sandbox: {environment: {pass: [PROXY_KEY]}}\n"
                    + "  governance: {network_access: {upstream_proxy: {url: 'http://u@p:1', password: {env: PROXY_KEY}}}}"),
            "p.yaml:4:34: 'PROXY_KEY' holds a secret of egress and would be the agent's too\n"
                + "hint: it is named at p.yaml:5:87; take one of them out"),
        Bad(beside("http://u@127.0.0.2:3128", "tcp: [{host: a.com, port: 1234}, {host: localhost, port: 3128}]"), itself("7:40")),
        Bad(beside("http://[fd00::1]:3128", "tcp: [{host: 'fd00:0::1', port: 3128}]"), itself("7:13")),
        Bad(beside("http://proxy:3128", "tcp: [{host: Proxy, port: 3128}]"), itself("7:13")),
        Bad(
            beside("http://10.0.0.1:3128", "resolve: {a.com: '10.0.0.1:3128'}\n      tcp: [{host: a.com, port: 80}]"),
            itself("8:13")),
        Bad(
            beside("https://proxy.corp:8443", "allowlist: [{host: .corp, ports: [443, 8443], tls: passthrough}]"),
            itself("7:19")),
    ]

    private static func beside(_ url: String, _ rest: String) -> String {
        policy("  governance:\n    network_access:\n      upstream_proxy: '\(url)'\n      \(rest)")
    }

    private static func itself(_ place: String) -> String {
        "p.yaml:\(place): this leads to upstream_proxy itself, which connects the agent to any host, unread\n"
            + "hint: take it out; requests leave by the proxy without it"
    }

    static let rules = [
        Bad(
            policy(
                "  governance:\n    budget: {max_cost_per_session: 1, per_session: {max_cost_usd: 1}}"),
            "p.yaml:5:14: 'governance.budget.max_cost_per_session' and 'governance.budget.per_session.max_cost_usd' say the same\n"
                + "hint: keep one of them; the other stands at p.yaml:5:67"),
        Bad(
            policy("  governance:\n    pii_handling: {types: [EMAIL], fields: [email]}"),
            "p.yaml:5:36: 'governance.pii_handling.fields' and 'governance.pii_handling.types' say the same\n"
                + "hint: keep one of them; the other stands at p.yaml:5:27"),
        Bad(
            policy("  governance:\n    network_access: {allowlist: [a.com], denylist: [A.com.]}"),
            "p.yaml:5:34: 'a.com' is allowed and denied by the same rule\nhint: it is denied at p.yaml:5:53; deny wins, so take one of them out"
        ),
        Bad(
            policy("  governance:\n    network_access: {allowlist: [{host: a.com, tls: passthrough, paths: [/x]}]}"),
            "p.yaml:5:66: 'paths' needs a reader, and 'tls: passthrough' leaves its connections unread\n"
                + "hint: take one of them out"),
        Bad(
            policy("  governance:\n    network_access: {allowlist: [{host: a.com, tls: passthrough, limits: {body: 1M}}]}"),
            "p.yaml:5:75: 'body' needs a reader, and 'tls: passthrough' leaves its connections unread\n"
                + "hint: take one of them out"),
        Bad(
            policy("  governance:\n    network_access: {allowlist: [{host: .a.com}], tcp: [{host: b.a.com, port: 443}]}"),
            "p.yaml:5:57: 'b.a.com' port 443 is granted raw and by an allowlist rule, which reads it\n"
                + "hint: take one of them out"),
        Bad(
            policy("  governance:\n    network_access: {tcp: [{host: 169.254.169.254, port: 80}]}"),
            "p.yaml:5:35: 'host' is '169.254.169.254', not a place to connect to\n"
                + "hint: one name (A-labels: xn--…), localhost, or one address that leads to a single host; cloud metadata never"),
        Bad(
            policy("  governance:\n    network_access: {tcp: [{host: localhost, port: 53}]}"),
            "p.yaml:5:28: port 53 of the cage's loopback is egress' own\n"
                + "hint: name another address of the host"),
        Bad(
            policy(
                "  governance:\n    network_access: {tcp: [{host: a.com, port: 5432}]}\n"
                    + "    credentials: [{env: A, from: {env: B}, hosts: [a.com]}]"),
            "p.yaml:6:52: 'a.com' is not read, so no key can be put in there\n"
                + "hint: tls: intercept, or leave the host out of the credential"),
        Bad(
            policy("  sandbox: {filesystem: {exec: [/srv/tools]}}"),
            "p.yaml:4:33: '/srv/tools' may be executed but not read\nhint: grant it in sandbox.filesystem.read, or take it out of exec"
        ),
        Bad(
            policy("  sandbox: {syscalls: {allow: [ptrace], deny: [ptrace]}}"),
            "p.yaml:4:32: 'ptrace' is allowed and denied\nhint: it is denied at p.yaml:4:48"),
        Bad(
            policy(
                "  sandbox: {environment: {pass: [A]}}\n  governance: {credentials: [{env: A, from: {env: A}, hosts: [a.com]}]}"
            ),
            "p.yaml:4:34: 'A' is a credential's placeholder and would hold the caller's value too\n"
                + "hint: the credential stands at p.yaml:5:30; take one of them out"),
        Bad(
            policy("  governance: {credentials: [{env: A, from: {env: A, file: /a}, hosts: [a.com]}]}"),
            "p.yaml:4:45: 'from' needs one of 'file', 'env', 'systemd' and 'command'\nhint: from: {file: /path/of/key}"),
        Bad(
            policy("  security: {blockedPaths: [/etc]}"),
            "p.yaml:4:29: '/etc' is hidden and granted by 'system'\n"
                + "hint: what is not granted is not there; of /etc 'system' shows only harmless files"),
        Bad(
            policy("  require: full", extends: "[{name: base, except: [governance.bugdet]}]"),
            "p.yaml:2:33: unknown key 'governance.bugdet'\nhint: did you mean 'governance.budget'?"),
        Bad(
            policy("  require: full", extends: "[standrad]"),
            "p.yaml:2:11: no profile 'standrad'\nhint: did you mean 'standard'?"),
        Bad(
            policy("  require: full", extends: "[./none.yaml]"),
            "p.yaml:2:11: './none.yaml' cannot be opened: No such file or directory\nhint: a path starts where the document lies"
        ),
    ]

    @Test(arguments: shape + yaml + values + proxies + rules)
    func words(_ bad: Bad) throws {
        let folder = try Folder(["p.yaml": bad.document])
        #expect(folder.complaint("p.yaml") == "error: " + bad.error)
    }

    @Test func textThatIsNotUTF8() throws {
        let folder = try Folder()
        try folder.write("p.yaml", Array("a: b\nc: ".utf8) + [0xff])
        #expect(folder.complaint("p.yaml") == "error: p.yaml:2:4: not UTF-8\nhint: save it as UTF-8")
        try folder.write("p.yaml", [0xff, 0xfe, 0x61, 0x00])
        #expect(folder.complaint("p.yaml") == "error: p.yaml:1:1: not UTF-8\nhint: save it as UTF-8")
        try folder.write("p.yaml", [UInt8](repeating: 0x23, count: (1 << 20) + 1))
        #expect(
            folder.complaint("p.yaml")
                == "error: p.yaml: larger than 1 MiB\nhint: a profile is a few kilobytes")
    }

    @Test func valuesOfVariablesAreNotRepeated() throws {
        let folder = try Folder([
            "p.yaml": policy("  sandbox: {environment: {set: {TOKEN: [hunter2]}}}")
        ])
        #expect(folder.complaint("p.yaml") == "error: p.yaml:4:40: 'TOKEN' is a list, not a text")
        #expect(
            !folder.complaint("base", sets: ["sandbox.environment.set.LD_PRELOAD=hunter2"]).contains(
                "hunter2"))
    }

    @Test func commandLine() throws {
        let folder = try Folder()
        #expect(
            folder.complaint("stict") == "error: stict: no profile 'stict'\nhint: did you mean 'strict'?")
        #expect(
            folder.complaint("x.yaml")
                == "error: x.yaml: 'x.yaml' cannot be opened: No such file or directory\nhint: a path starts where you stand"
        )
        #expect(folder.complaint("./") == "error: ./: not a regular file")
        #expect(
            folder.complaint("builtin/none").hasPrefix(
                "error: builtin/none: no profile 'none'\nhint: there are 'base', 'standard', 'strict'"))
        #expect(
            folder.complaint("base", sets: ["requir=full"])
                == "error: --set requir: unknown key 'requir'\nhint: did you mean 'require'?")
        #expect(
            folder.complaint("base", sets: ["require=most"])
                == "error: --set require: 'require' is 'most', not 'full', 'strong' or 'contained'")
        #expect(
            folder.complaint("base", sets: ["require"]).hasPrefix("error: --set require: no KEY=VALUE"))
    }
}
