// Every store of trusted roots that a runtime in the cage may read, on hosts made up for it.

import Profile
import Testing

@testable import CagePlan

struct TrustTests {
    private let bundle = TrustStore.bundle.path

    private func plan(_ view: FakeView, homes: [String] = [], change: (inout CageFacts) -> Void = { _ in }) throws -> CagePlan {
        let caller = Caller(uid: 1000, gid: 1000, name: "alice", home: "/home/alice")
        var facts = CageFacts(
            sandbox: Sandbox(), identity: try Identity.choose(privileged: true, caller: caller, owner: (0, 0), pid: 7),
            callerHome: "/home/alice", workspace: "/home/alice/project",
            command: ResolvedCommand(path: "/usr/bin/python3", homes: homes), arguments: ["python3"], callerEnvironment: [:])
        facts.sandbox.filesystem.read = [.system, .command]
        facts.intercepts = true
        change(&facts)
        return try CagePlan.make(facts, in: view)
    }

    /// What is shown at `path` instead of the host's file.
    private func cover(_ plan: CagePlan, _ path: String) -> String? {
        for case .bind(let source, path, _, _, true) in plan.steps.map(\.action) { return source }
        return nil
    }

    private func has(_ plan: CagePlan, _ action: Action) -> Bool { plan.steps.contains { $0.action == action } }

    @Test func withoutInterceptionTheRootsAreNobodys() throws {
        let plan = try plan(.debian()) { $0.intercepts = false }
        #expect(plan.stores.isEmpty)
        #expect(!plan.describe().joined().contains(bundle))
        guard case .run(let program)? = plan.steps.last?.action else { throw Missing() }
        #expect(!program.environment.contains { $0.hasPrefix("SSL_CERT_FILE=") })
    }

    private struct Missing: Error {}

    @Test func hashedFolderIsTheHostsWithTheSessionsNameOnTop() throws {
        var view = FakeView.debian()
        let own = TrustStore.authorityHash
        for name in ["002c0b4f.0", "\(own).0", "ssl-cert-snakeoil.pem"] { view.file("/etc/ssl/certs/" + name) }
        let plan = try plan(view)
        func index(_ test: (Action) -> Bool) -> Int { plan.steps.firstIndex { test($0.action) } ?? -1 }
        let overlay = index { if case .mount("overlay", "/etc/ssl/certs", _, _) = $0 { true } else { false } }
        let filled = index { if case .receive = $0 { true } else { false } }
        #expect(index { if case .bind("/etc/ssl/certs", TrustStore.hostFolder, _, _, false) = $0 { true } else { false } } > 0)
        #expect(filled > 0 && overlay > filled && overlay < index { $0 == .seal })
        #expect(plan.steps[overlay].optional)
        // Another authority of that name is there already: OpenSSL counts on.
        #expect(has(plan, .link("/etc/ssl/certs/\(own).1", to: "ca-certificates.crt")))
        // What tells the host's name shows through in neither place.
        #expect(has(plan, .mask(TrustStore.hostFolder + "/ssl-cert-snakeoil.pem")))
        #expect(has(plan, .file("/etc/ssl/certs/ssl-cert-snakeoil.pem", content: [], mode: 0o444)))
    }

    @Test(arguments: ["/etc/ssl/certs/secret.pem", "/etc/ssl/certs"])
    func whatAProfileHidesAmongTheRootsStaysHidden(_ path: String) throws {
        var view = FakeView.debian()
        for name in ["002c0b4f.0", "secret.pem"] { view.file("/etc/ssl/certs/" + name) }
        let plan = try plan(view) { $0.sandbox.filesystem.hide = [path] }
        #expect(!plan.describe().joined().contains(TrustStore.hostFolder))
        #expect(!plan.steps.contains { if case .mount("overlay", "/etc/ssl/certs", _, _) = $0.action { true } else { false } })
    }

    @Test func hostWithoutAFolderOfRootsGetsTheSessionsNameOnly() throws {
        let plan = try plan(.debian())
        #expect(has(plan, .link("/etc/ssl/certs/\(TrustStore.authorityHash).0", to: "ca-certificates.crt")))
        #expect(!plan.describe().joined().contains(TrustStore.hostFolder))
    }

    @Test func bundlesOfPythonPackagesAreReplacedButNotThoseBehindLinks() throws {
        var view = FakeView.debian()
        let packages = "/opt/env/lib/python3.12/site-packages"
        view.file("\(packages)/certifi/cacert.pem")
        view.file("\(packages)/grpc/_cython/_credentials/roots.pem")
        view.link("\(packages)/botocore/cacert.pem", "/etc/passwd")
        view.file("/usr/local/lib/python3.11/dist-packages/certifi/cacert.pem")
        let plan = try plan(view, homes: ["/opt/env", "/usr"])
        #expect(cover(plan, "\(packages)/certifi/cacert.pem") == bundle)
        #expect(cover(plan, "\(packages)/grpc/_cython/_credentials/roots.pem") == bundle)
        #expect(cover(plan, "\(packages)/botocore/cacert.pem") == nil)
        #expect(cover(plan, "/usr/local/lib/python3.11/dist-packages/certifi/cacert.pem") == bundle)
    }

    @Test func javaHasAStoreOnlyWhereThereIsAJava() throws {
        #expect(try plan(.debian()).stores == [.bundle])
        var view = FakeView.debian()
        // Debian's, by a link of its own folder; one that brings a file; an old one in the profile's grant; Fedora's way.
        view.folder("/usr/lib/jvm/debian/lib/security")
        view.link("/usr/lib/jvm/debian/lib/security/cacerts", "/etc/ssl/certs/java/cacerts")
        view.file("/usr/lib/jvm/own/lib/security/cacerts")
        view.link("/usr/lib/jvm/default", "own")
        view.file("/opt/jdk8/jre/lib/security/cacerts")
        view.folder("/usr/lib/jvm/fedora/lib/security")
        view.link("/usr/lib/jvm/fedora/lib/security/cacerts", "../../../../../../etc/pki/java/cacerts")
        view.folder("/etc/pki/java")
        view.folder("/etc/ssl/certs/java")
        let plan = try plan(view, homes: ["/opt/jdk8"])
        let store = TrustStore.java.path
        #expect(plan.stores == [.bundle, .java])
        #expect(has(plan, .receive(slot: 1, into: store, limit: TrustStore.limit)))
        #expect(cover(plan, "/usr/lib/jvm/own/lib/security/cacerts") == store)
        #expect(cover(plan, "/opt/jdk8/jre/lib/security/cacerts") == store)
        #expect(has(plan, .link("/etc/pki/java/cacerts", to: store)))
        #expect(plan.steps.count { if case .bind(store, _, _, _, _) = $0.action { true } else { false } } == 2)
    }

    @Test func nssReadsTheBundleThroughP11Kit() throws {
        var view = FakeView.debian()
        let folder = "/usr/lib/x86_64-linux-gnu"
        view.file("\(folder)/libnssckbi.so")
        #expect(cover(try plan(view), "\(folder)/libnssckbi.so") == nil)
        view.file("\(folder)/pkcs11/p11-kit-trust.so")
        #expect(cover(try plan(view), "\(folder)/libnssckbi.so") == "\(folder)/pkcs11/p11-kit-trust.so")
    }
}
