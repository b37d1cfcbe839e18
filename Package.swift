// swift-tools-version: 6.2
// The module map of docs/modules.md as targets. Arrows point down only: a pure target imports
// no I/O, an edge imports the pure ones, the three programs import edges.
import PackageDescription

let strict: [SwiftSetting] = [
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

/// A target of pure values: standard library only, unless `uses` says otherwise.
func swift(_ name: String, _ uses: [Target.Dependency] = [], path: String? = nil, linker: [LinkerSetting] = []) -> Target {
    .target(
        name: name, dependencies: uses, path: path ?? "Sources/\(name)", exclude: [], swiftSettings: strict, linkerSettings: linker)
}

func program(_ name: String, _ uses: [Target.Dependency], path: String? = nil, linker: [LinkerSetting] = []) -> Target {
    .executableTarget(
        name: name, dependencies: uses, path: path ?? "Sources/\(name)", swiftSettings: strict, linkerSettings: linker)
}

func tests(_ name: String, _ uses: [Target.Dependency], exclude: [String] = []) -> Target {
    .testTarget(name: name, dependencies: uses, path: "Tests/\(name)", exclude: exclude, swiftSettings: strict)
}

func nio(_ product: String) -> Target.Dependency { .product(name: product, package: "swift-nio") }
let nioSSL: Target.Dependency = .product(name: "NIOSSL", package: "swift-nio-ssl")
let nioHTTP2: Target.Dependency = .product(name: "NIOHTTP2", package: "swift-nio-http2")
let hpack: Target.Dependency = .product(name: "NIOHPACK", package: "swift-nio-http2")
let x509: Target.Dependency = .product(name: "X509", package: "swift-certificates")
let asn1: Target.Dependency = .product(name: "SwiftASN1", package: "swift-asn1")
let crypto: Target.Dependency = .product(name: "Crypto", package: "swift-crypto")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "akios-exec",
    products: [
        .executable(name: "akios-exec", targets: ["akios-exec"]),
        .executable(name: "akios-egress", targets: ["akios-egress"]),
        .executable(name: "akios-init", targets: ["akios-init"]),
        .executable(name: "akios", targets: ["akios"]),
        .executable(name: "akios-http", targets: ["akios-http"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-nio.git", from: "2.101.2"),
        .package(url: "https://github.com/apple/swift-nio-ssl.git", from: "2.37.6"),
        .package(url: "https://github.com/apple/swift-nio-http2.git", from: "1.46.0"),
        .package(url: "https://github.com/apple/swift-certificates.git", from: "1.21.1"),
        .package(url: "https://github.com/apple/swift-asn1.git", from: "1.7.4"),
        .package(url: "https://github.com/apple/swift-crypto.git", from: "4.5.2"),
        .package(url: "https://github.com/apple/swift-argument-parser.git", from: "1.8.2"),
    ],
    targets: [
        // C: only where Swift cannot, or where data enters a binary.
        .target(name: "CSpawn", path: "CShims/CSpawn"),
        .target(name: "CLinux", path: "CShims/CLinux"),
        .target(name: "CData", path: "CShims/CData"),
        .target(name: "CEgress", path: "CShims/CEgress"),
        .target(name: "CSecrets", path: "CShims/CSecrets"),
        .executableTarget(
            name: "akios-init", path: "CShims/CInit",
            // Static, so that it runs in a root that holds nothing yet and maps no library of the host.
            linkerSettings: [.unsafeFlags(["-static-executable", "-nostartfiles"]), .linkedLibrary("cap")]),
        .systemLibrary(name: "CSeccomp", path: "CShims/CSeccomp", pkgConfig: "libseccomp", providers: [.apt(["libseccomp-dev"])]),
        .systemLibrary(
            name: "CNft", path: "CShims/CNft", pkgConfig: "libnftnl", providers: [.apt(["libnftnl-dev", "libmnl-dev"])]),
        .systemLibrary(name: "CYaml", path: "CShims/CYaml", pkgConfig: "yaml-0.1", providers: [.apt(["libyaml-dev"])]),
        .systemLibrary(name: "CHyperscan", path: "CShims/CHyperscan", providers: [.apt(["libvectorscan-dev"])]),
        .systemLibrary(
            name: "CCoding", path: "CShims/CCoding", providers: [.apt(["zlib1g-dev", "libbrotli-dev", "libzstd-dev"])]),
        .systemLibrary(name: "CIdn", path: "CShims/CIdn", providers: [.apt(["libidn2-dev", "libunistring-dev"])]),
        .systemLibrary(name: "CAres", path: "CShims/CAres", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),

        // Pure.
        swift("Vocabulary"),
        swift("JSONBytes"),
        // The archives: tables and no more. Each before what it needs.
        swift("IDNA", ["Vocabulary", "CIdn"], linker: [.linkedLibrary(":libidn2.a"), .linkedLibrary(":libunistring.a")]),
        swift("Profile", ["IDNA", "Vocabulary"]),
        swift("Providers", ["Vocabulary", "JSONBytes"]),
        swift("Policy", ["Profile", "Providers", "Vocabulary"]),
        swift("Metering", ["Profile", "Providers", "Vocabulary", "Wire"]),
        swift("CagePlan", ["Profile", "Vocabulary"]),
        swift(
            "Redaction", ["Profile", "JSONBytes", "CHyperscan"],
            // The archive: the shared library costs 1 ms at start. Its objects are C++.
            linker: [.linkedLibrary(":libhs.a"), .linkedLibrary("stdc++")]),
        swift(
            "Coding", ["CCoding"],
            // The archives: egress maps nothing more. Each before what it needs.
            linker: [":libz.a", ":libbrotlienc.a", ":libbrotlidec.a", ":libbrotlicommon.a", ":libzstd.a"].map { .linkedLibrary($0) }
        ),
        swift("WebSocketFrames", ["Coding", "Vocabulary"]),
        swift("Events", ["Vocabulary", "JSONBytes"]),
        swift("Audit", ["Events", "JSONBytes", "Vocabulary"]),
        swift("Wire", ["Events", "JSONBytes", "Vocabulary"]),

        // Edges.
        swift("LinuxSys", ["CLinux", "CSpawn", "CSecrets", "CSeccomp", "CNft", "CData"]),
        swift("ProfileFile", ["Profile", "Vocabulary", "CYaml", "CData"]),
        swift("HostProbe", ["LinuxSys", "CagePlan", "CLinux"]),
        swift("LogStore", ["Audit", "Events", "JSONBytes", "LinuxSys", "Vocabulary", crypto]),
        swift(
            "Launcher",
            [
                "ProfileFile", "CagePlan", "HostProbe", "LogStore", "Wire", "CSpawn", "CLinux", "CData", "Metering", "Providers",
                "Events", "Audit", "JSONBytes", "LinuxSys", "Profile", "Vocabulary", crypto,
            ]),
        swift(
            "Egress",
            [
                "IDNA", "Policy", "Providers", "Metering", "Redaction", "Coding", "WebSocketFrames", "Events", "Wire", "JSONBytes",
                "Profile",
                "Vocabulary", "CEgress", "CSecrets", "CAres", "CData", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"),
                nio("NIOTLS"), nioSSL,
                nioHTTP2, hpack,
                x509, asn1, crypto,
            ]),
        swift(
            "Operator",
            [
                "ProfileFile", "Profile", "Audit", "Events", "LogStore", "Redaction", "HostProbe", "CagePlan", "JSONBytes", "Wire",
                "Vocabulary", "LinuxSys", "CData", arguments, crypto,
            ]),

        swift("WebRequest", ["Vocabulary", nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nioSSL]),

        // Programs: one short file each.
        program("akios-exec", ["Launcher"]),
        program("akios-egress", ["Egress"]),
        program("akios", ["Operator"]),
        // It runs in cages, where no toolchain's libraries are.
        program("akios-http", ["WebRequest"], linker: [.unsafeFlags(["-static-stdlib"])]),
        program("akios-patterns", ["Redaction", "JSONBytes", "Profile", "CHyperscan", "CData"]),

        // Never installed.
        program(
            "akios-upstream",
            [nio("NIOCore"), nio("NIOPosix"), nio("NIOHTTP1"), nioHTTP2, nioSSL, x509, asn1, crypto, arguments],
            path: "Tests/Upstream"),
        swift("TestKit", path: "Tests/TestKit"),
        tests("ProvidersTests", ["Providers", "JSONBytes", "Vocabulary", crypto]),
        tests("PolicyTests", ["TestKit", "Policy", "Providers", "Profile", "Vocabulary"]),
        tests("MeteringTests", ["TestKit", "Metering", "Providers", "Profile", "Vocabulary", "Wire", "CData"]),
        tests("EventsTests", ["Events", "JSONBytes", "Vocabulary"]),
        tests("AuditTests", ["Audit", "Events", "JSONBytes", "Vocabulary", crypto]),
        tests("LogStoreTests", ["LogStore", "Audit", "Events", "JSONBytes", "LinuxSys", "Vocabulary"], exclude: ["verify.py"]),
        tests("OperatorTests", ["Operator", "Events", "Wire", "Vocabulary", arguments]),
        tests("WebRequestTests", ["WebRequest", "Vocabulary"]),
        tests("WireTests", ["Wire", "Events", "JSONBytes", "Vocabulary"]),
        tests("JSONBytesTests", ["JSONBytes", "TestKit"]),
        tests("RedactionTests", ["TestKit", "Redaction", "JSONBytes", "Profile", "CData", "CHyperscan"]),
        tests("CodingTests", ["Coding", "TestKit"]),
        tests("WebSocketFramesTests", ["WebSocketFrames", "Coding", "TestKit"]),
        tests("VocabularyTests", ["Vocabulary"]),
        tests("IDNATests", ["IDNA", "Vocabulary"]),
        tests("ProfileTests", ["Profile", "Vocabulary"]),
        tests("ProfileFileTests", ["TestKit", "ProfileFile", "Profile", "Vocabulary"]),
        tests("LinuxSysTests", ["LinuxSys"]),
        tests("CagePlanTests", ["CagePlan", "Profile", "Vocabulary"]),
        tests("RootTests", ["Launcher", "LinuxSys", "CagePlan", "Profile", "Vocabulary"]),
        tests(
            "LauncherTests",
            ["Launcher", "CagePlan", "Vocabulary", "LogStore", "Audit", "Events", "Metering", "Profile", "Wire", "LinuxSys"]),
        tests(
            "EgressTests",
            [
                "TestKit", "Egress", "WebSocketFrames", "Coding", "CEgress", "CData", "Wire", "Vocabulary", "Profile", "Events",
                "JSONBytes",
                "Metering", "Redaction",
                "Providers",
                "Policy", nio("NIOCore"), nio("NIOPosix"), nio("NIOEmbedded"), nio("NIOHTTP1"), nio("NIOTLS"), nioSSL,
                nioHTTP2, hpack, x509, asn1, crypto,
            ]),
    ],
    swiftLanguageModes: [.v6]
)
