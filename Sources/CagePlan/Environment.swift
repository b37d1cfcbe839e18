// Environment: what the agent's is made of. An allow-list, then what the cage itself says, then what the profile sets.

import Profile

public enum AgentEnvironment {
    /// Variables that make a program load or run something of the setter's choice; a profile cannot pass them.
    static let refusedNames: Set<String> = [
        "BASH_ENV", "ENV", "BASHOPTS", "SHELLOPTS", "PS4", "PROMPT_COMMAND", "GCONV_PATH", "NLSPATH", "LOCPATH", "HOSTALIASES",
        "RES_OPTIONS",
        "NODE_OPTIONS", "NODE_REPL_EXTERNAL_MODULE", "PYTHONSTARTUP", "PYTHONHOME", "PYTHONINSPECT", "PERL5OPT", "PERL5DB",
        "PERL5LIB",
        "PERLLIB", "RUBYOPT", "RUBYLIB", "JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "GLIBC_TUNABLES", "MALLOC_TRACE",
        "GIT_SSH_COMMAND", "GIT_EXTERNAL_DIFF", "GIT_PROXY_COMMAND", "TMPDIR", "OPENSSL_CONF", "OPENSSL_ENGINES", "OPENSSL_MODULES",
    ]
    static let refusedPrefixes = ["LD_", "DYLD_", "BASH_FUNC_"]
    /// A caller's proxy is egress' business; inside the cage it leads nowhere.
    static let proxies: Set<String> = ["http_proxy", "https_proxy", "ftp_proxy", "all_proxy", "no_proxy", "socks_proxy"]
    /// Each runtime's word for "trust this file".
    static let trust = [
        "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "AWS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS", "GIT_SSL_CAINFO",
        "CODEX_CA_CERTIFICATE", "PIP_CERT", "CARGO_HTTP_CAINFO", "DENO_CERT", "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
        "HTTPLIB2_CA_CERTS",
    ]

    /// Whether a name may come from the caller or the profile at all.
    public static func isRefused(_ name: String) -> Bool {
        refusedNames.contains(name) || refusedPrefixes.contains { name.hasPrefix($0) } || proxies.contains(name.lowercased())
            || name.isEmpty || name.contains("=") || name.utf8.contains(0)
    }

    /// `NAME=value`, sorted by name.
    /// - Parameters:
    ///   - placeholders: credentials' variables with what stands in for them; they win over `pass`.
    ///   - bundle: path of the session's roots in the cage, nil where nothing is intercepted.
    static func make(
        _ policy: Sandbox.Environment, caller: [String: String], identity: Identity, searchPath: String, shell: String,
        placeholders: [String: String], bundle: String?
    ) -> [String] {
        var values: [String: String] = [:]
        for name in policy.pass where !isRefused(name) { values[name] = caller[name] }
        for (name, value) in policy.set where !isRefused(name) { values[name] = value }
        values["PATH"] = searchPath
        values["HOME"] = identity.home
        values["USER"] = identity.name
        values["LOGNAME"] = identity.name
        values["SHELL"] = shell
        if let bundle { for name in trust { values[name] = bundle } }
        for (name, value) in placeholders where !isRefused(name) { values[name] = value }
        return values.filter { !$0.value.utf8.contains(0) }.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    }
}
