// Trust: every place where a runtime looks for trusted roots, filled with the host's and the session's. Files first,
// because a variable reaches only those who inherit it. What reads neither stands in docs/trust.md.

import Profile

/// A file whose content the supervisor sends once egress has made the session's authority.
public enum TrustStore: Sendable, Hashable {
    /// PEM.
    case bundle
    /// A Java key store.
    case java

    /// In the cage.
    public var path: String {
        switch self {
        case .bundle: "/etc/ssl/certs/ca-certificates.crt"
        case .java: "/etc/ssl/certs/java/cacerts"
        }
    }

    /// In bytes, of any of them.
    static let limit: UInt64 = 4 << 20

    /// The system's bundle by the names of other distributions.
    static let bundleLinks = [
        "/etc/ssl/cert.pem", "/etc/ssl/ca-bundle.pem", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/pki/tls/cert.pem",
        "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    ]
    /// Bundles that Python packages bring, below `site-packages`.
    static let pythonBundles = [
        "certifi/cacert.pem", "pip/_vendor/certifi/cacert.pem", "botocore/cacert.pem", "grpc/_cython/_credentials/roots.pem",
        "httplib2/cacerts.txt",
    ]
    /// A JDK's own store, by age.
    static let javaNames = ["lib/security/cacerts", "jre/lib/security/cacerts"]
    /// OpenSSL's hash of the session authority's name, `O=akios-exec, CN=akios session authority`: `openssl x509 -subject_hash`.
    static let authorityHash = "5fc490f3"
    /// OpenSSL's folder, and the host's own, in the cage.
    static let folder = "/etc/ssl/certs"
    static let hostFolder = "/etc/ssl/host"
    static let hidden = ["ssl-cert-snakeoil.pem"]
    private static let libraries = ["/usr/lib/x86_64-linux-gnu", "/usr/lib/aarch64-linux-gnu", "/usr/lib64", "/usr/lib"]

    /// NSS's built-in roots, and p11-kit's module, which stands in for them and reads the system's bundle.
    static let nssModules = libraries.map { (roots: "\($0)/libnssckbi.so", module: "\($0)/pkcs11/p11-kit-trust.so") }
}

extension PlanMaker {
    private static var rights: MountRights { [.readOnly, .noSetID, .noDevices, .noExec] }
    private var hasSystem: Bool { facts.sandbox.filesystem.read.contains(.system) }

    /// - Parameter paths: what the profile hides. A mask lies below the overlay, so with anything hidden in the host's folder
    ///   of roots the folder stays out.
    mutating func addTrust(hiding paths: [String]) {
        guard facts.intercepts else { return }
        add(.bundle)
        for link in TrustStore.bundleLinks { add(.link(link, to: TrustStore.bundle.path)) }
        addHashedRoots(hiding: paths)
        for path in pythonBundles() { cover(path, with: .bundle) }
        addJava()
        if hasSystem { addNSS() }
    }

    private mutating func add(_ store: TrustStore) {
        stores.append(store)
        add(.file(store.path, content: [], mode: 0o444))
    }

    private mutating func cover(_ path: String, with store: TrustStore) {
        add(.bind(from: store.path, at: path, Self.rights, mark: nil, inside: true))
    }

    /// OpenSSL's folder: one name for the session here; the host's show through once `layRoots` has run.
    private mutating func addHashedRoots(hiding paths: [String]) {
        let folder = TrustStore.folder
        var number = 0
        if hasSystem, let host = view.canonical(folder), view.isDirectory(host),
            !paths.contains(where: { path in
                [host, folder].contains { Paths.isWithin(path, $0) || Paths.isWithin($0, path) }
            })
        {
            add(.bind(from: host, at: TrustStore.hostFolder, Self.rights, mark: nil, inside: false))
            // A host's own certificate, which tells its name.
            for hidden in TrustStore.hidden where view.entry("\(host)/\(hidden)") != nil {
                add(.mask("\(TrustStore.hostFolder)/\(hidden)"))
                add(.file("\(folder)/\(hidden)", content: [], mode: 0o444))
            }
            while view.entry("\(host)/\(TrustStore.authorityHash).\(number)") != nil { number += 1 }
            laysRoots = true
        }
        add(.link("\(folder)/\(TrustStore.authorityHash).\(number)", to: Paths.name(TrustStore.bundle.path)))
    }

    /// Once the stores are filled, for what is below an overlay must not change.
    mutating func layRoots() {
        guard laysRoots else { return }
        let layers = "lowerdir=\(TrustStore.folder):\(TrustStore.hostFolder)"
        add(.mount(type: "overlay", at: TrustStore.folder, options: layers, Self.rights), optional: true)
    }

    private func pythonBundles() -> [String] {
        var found: [String] = []
        // Packages under /usr are the distribution's, which reads the system's bundle.
        let homes = facts.command.homes.filter { !Paths.isWithin($0, "/usr") } + (hasSystem ? ["/usr/local"] : [])
        for home in homes {
            for name in (view.names(in: "\(home)/lib") ?? []).sorted() where name.hasPrefix("python3") {
                for folder in ["site-packages", "dist-packages"] where view.isDirectory("\(home)/lib/\(name)/\(folder)") {
                    for bundle in TrustStore.pythonBundles {
                        let path = "\(home)/lib/\(name)/\(folder)/\(bundle)"
                        // A link leads to a bundle that is replaced by its own name.
                        if view.entry(path)?.kind == .file, view.canonical(path) == path { found.append(path) }
                    }
                }
            }
        }
        return found
    }

    private mutating func addJava() {
        var homes = facts.command.homes
        if hasSystem { homes += (view.names(in: "/usr/lib/jvm") ?? []).sorted().map { "/usr/lib/jvm/" + $0 } }
        var found: [String] = []
        for home in homes {
            for name in TrustStore.javaNames {
                if let path = store(behind: "\(home)/\(name)"), !found.contains(path) { found.append(path) }
            }
        }
        // Where there is no Java, the store is not made.
        guard !found.isEmpty else { return }
        add(.java)
        for path in found where path != TrustStore.java.path {
            if Paths.isWithin(path, "/etc") { add(.link(path, to: TrustStore.java.path)) } else { cover(path, with: .java) }
        }
    }

    /// Where a JDK's name for its store leads: a file, or a name in /etc, which is the cage's to make.
    private func store(behind path: String) -> String? {
        var path = path
        for _ in 0..<8 {
            if Paths.isWithin(path, "/etc") { return path }
            guard let entry = view.entry(path), let folder = view.canonical(Paths.parent(path)) else { return nil }
            if entry.kind == .file { return Paths.join(folder, Paths.name(path)) }
            guard entry.kind == .link, let target = view.linkTarget(path) else { return nil }
            path = Paths.normalized(Paths.join(folder, target))
        }
        return nil
    }

    private mutating func addNSS() {
        for (roots, module) in TrustStore.nssModules where view.entry(roots)?.kind == .file && view.entry(module)?.kind == .file {
            add(.bind(from: module, at: roots, [.readOnly, .noSetID, .noDevices], mark: nil, inside: true))
        }
    }
}
