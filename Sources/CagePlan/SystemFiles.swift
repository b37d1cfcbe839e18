// SystemFiles: the named set `system` — programs, libraries and the files of /etc that tell nothing about this host's
// people, keys or network — and the few files of /etc that the cage makes up.

enum SystemFiles {
    /// At the root, where a merged /usr has links and older systems folders.
    static let topLevel = ["/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32"]

    /// Bound if they are there. Never: shadow, sudoers, ssh, fstab, machine-id, anything that may hold a token (npmrc, pip.conf, gitconfig).
    static let harmless = [
        "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "alternatives", "localtime", "timezone", "mime.types", "magic", "magic.mime",
        "protocols", "services", "rpc", "networks", "ethertypes", "gai.conf", "host.conf", "terminfo", "inputrc", "locale.alias",
        "locale.conf", "os-release", "debian_version", "lsb-release", "redhat-release", "alpine-release", "fonts", "groff", "xml",
        "sgml",
        "perl", "shells", "crypto-policies",
    ]
    /// Folders of one runtime each, by the start of their name.
    static let harmlessPrefixes = ["java-", "python3", "openmpi"]

    static let maskedInProc = [
        "acpi", "asound", "config.gz", "interrupts", "iomem", "ioports", "kallsyms", "kcore", "key-users", "keys", "kmsg",
        "kpagecgroup",
        "kpagecount", "kpageflags", "latency_stats", "modules", "sched_debug", "schedstat", "scsi", "slabinfo", "softirqs", "swaps",
        "timer_list", "timer_stats", "vmallocinfo", "driver", "mtrr", "dynamic_debug",
    ]
    static let readOnlyInProc = ["bus", "fs", "irq", "sys", "sysrq-trigger", "pressure"]

    static let devices = ["null", "zero", "full", "random", "urandom", "tty"]

    static func generated(_ identity: Identity, shell: String) -> [(path: String, text: String)] {
        let name = identity.name
        return [
            (
                "/etc/passwd",
                """
                root:x:0:0:root:/root:/usr/sbin/nologin
                \(name):x:\(identity.uid):\(identity.gid)::\(identity.home):\(shell)
                nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin

                """
            ),
            ("/etc/group", "root:x:0:\n\(name):x:\(identity.gid):\nnogroup:x:65534:\n"),
            // localhost is 127.0.0.1 only: a client that tries ::1 first would find nothing there and wait.
            ("/etc/hosts", "127.0.0.1 localhost\n127.0.0.1 \(hostname)\n"),
            ("/etc/hostname", hostname + "\n"),
            ("/etc/resolv.conf", "nameserver 127.0.0.1\noptions timeout:5 attempts:2\n"),
            (
                "/etc/nsswitch.conf",
                "passwd: files\ngroup: files\nhosts: files dns\nnetworks: files\nprotocols: files\nservices: files\nethers: files\nrpc: files\n"
            ),
        ]
    }

    static let hostname = "akios"
}
