// Keys and folders: who may read them, who is believed.

import Audit
import Events
import Foundation
import LinuxSys
import LogStore
import Testing

@Suite struct KeyTests {
    private func mode(_ path: String) throws -> Int {
        try #require(try FileManager.default.attributesOfItem(atPath: path)[.posixPermissions] as? Int)
    }

    @Test func theKeyIsMadeOnceAndIsPrivate() throws {
        let fixture = try Fixture()
        let state = fixture.folders.state
        #expect(try mode(state + "/keys") == 0o700)
        #expect(try mode(state + "/keys/log.ed25519") == 0o600)
        #expect(try KeyStore.signingKey(state: try fixture.folders.openState()).noteKey == fixture.key.noteKey)
        #expect(try FileManager.default.contentsOfDirectory(atPath: state + "/keys") == ["log.ed25519"])
        #expect(try SessionStore(fixture.folders).trustedKeys().contains(fixture.key.noteKey))
    }

    /// Who made the key may have died before its public half was written; without it no log of this host verifies.
    @Test func thePublicHalfIsThereWhereverTheKeyIs() throws {
        let fixture = try Fixture()
        let pub = fixture.folders.state + "/pub"
        for gone in [pub + "/" + (try #require(FileManager.default.contentsOfDirectory(atPath: pub).first)), pub] {
            try FileManager.default.removeItem(atPath: gone)
            // Beside those of this host, if it has any.
            #expect(try !SessionStore(fixture.folders).trustedKeys().contains(fixture.key.noteKey))
            _ = try KeyStore.signingKey(state: try fixture.folders.openState())
            #expect(try SessionStore(fixture.folders).trustedKeys().contains(fixture.key.noteKey))
        }
    }

    @Test(.enabled(if: geteuid() == 0)) func whatCouldNotBeMadeIsNamed() throws {
        let nobody = FileIdentity(uid: 65534, gid: 65534)
        for path in ["/usr/akios-none", "/usr/akios-none/below"] {
            #expect(throws: SysError("mkdir", EACCES, on: "/usr/akios-none")) {
                try accessing(as: nobody) { () throws(SysError) in _ = try Folder.make(path, mode: 0o750) }
            }
        }
    }

    @Test func aKeyThatOthersMayReadIsNotUsed() throws {
        let fixture = try Fixture()
        let key = fixture.folders.state + "/keys/log.ed25519"
        chmod(key, 0o640)
        #expect(throws: LogError.keyExposed(path: key)) { try KeyStore.signingKey(state: try fixture.folders.openState()) }
        chmod(key, 0o600)
        chmod(fixture.folders.state + "/keys", 0o755)
        #expect(throws: LogError.keyExposed(path: fixture.folders.state + "/keys")) {
            try KeyStore.signingKey(state: try fixture.folders.openState())
        }
    }

    @Test func aDamagedKeyIsNotReplaced() throws {
        let fixture = try Fixture()
        let key = fixture.folders.state + "/keys/log.ed25519"
        try Data([1, 2, 3]).write(to: URL(fileURLWithPath: key))
        chmod(key, 0o600)
        #expect(throws: LogError.keyMalformed(path: key)) { try KeyStore.signingKey(state: try fixture.folders.openState()) }
        #expect(try Data(contentsOf: URL(fileURLWithPath: key)).count == 3)
    }

    @Test func aFolderThatOthersMayWriteIsNotBelieved() throws {
        let fixture = try Fixture()
        chmod(fixture.folders.state + "/pub", 0o777)
        #expect(throws: LogError.keyExposed(path: fixture.folders.state + "/pub")) {
            try SessionStore(fixture.folders).trustedKeys()
        }
    }

    @Test func aKeySaysNothingOfItself() throws {
        let fixture = try Fixture()
        let seed = try Data(contentsOf: URL(fileURLWithPath: fixture.folders.state + "/keys/log.ed25519"))
        var dumped = ""
        dump(fixture.key, to: &dumped)
        let texts = dumped + String(describing: fixture.key) + String(reflecting: fixture.key)
        #expect(!texts.contains(seed.map { String(format: "%02x", $0) }.joined()) && !texts.contains("PrivateKey"))
    }

    @Test func whereStateIs() throws {
        func folders(_ euid: UInt32, _ variables: [String: String]) -> StateFolders? {
            StateFolders(.init(euid: euid) { variables[$0] })
        }
        let root = try #require(folders(0, [:]))
        #expect(root.state == "/var/lib/akios" && root.run == "/run/akios" && root.trusted == ["/var/lib/akios/pub"])
        #expect(folders(0, ["AKIOS_STATE_DIR": "/x", "AKIOS_RUN_DIR": "/y"])?.state == "/x")
        #expect(folders(0, ["AKIOS_STATE_DIR": "/x", "AKIOS_RUN_DIR": "/y"])?.runs == ["/y"])
        #expect(folders(0, ["AKIOS_STATE_DIR": "/x"])?.runs == ["/x/run"] && folders(0, ["AKIOS_STATE_DIR": "/x"])?.run == "/x/run")
        let sudo = try #require(folders(0, ["AKIOS_STATE_DIR": "/x", "AKIOS_RUN_DIR": "/y", "SUDO_UID": "1000"]))
        #expect(sudo.state == "/var/lib/akios" && sudo.run == "/run/akios" && sudo.runs == ["/run/akios"])
        let user = try #require(folders(1000, ["HOME": "/home/u", "XDG_RUNTIME_DIR": "/run/user/1000"]))
        #expect(user.state == "/home/u/.local/state/akios" && user.run == "/run/user/1000/akios")
        #expect(user.runs == ["/run/user/1000/akios", "/run/akios"])
        #expect(folders(1000, ["HOME": "/home/u"])?.run == "/home/u/.local/state/akios/run")
        #expect(user.trusted == ["/home/u/.local/state/akios/pub", "/var/lib/akios/pub"])
        #expect(folders(1000, ["HOME": "/home/u", "XDG_STATE_HOME": "/s"])?.state == "/s/akios")
        #expect(folders(1000, ["HOME": "/home/u", "AKIOS_STATE_DIR": "relative"])?.state == "/home/u/.local/state/akios")
        #expect(folders(1000, [:]) == nil)
    }

    /// A session's agent sees no session's control socket, also not of one that was started with other variables or under sudo.
    @Test func whereControlSocketsMayBe() throws {
        let variables = [
            "AKIOS_STATE_DIR": "/x", "AKIOS_RUN_DIR": "/y", "HOME": "/h", "XDG_RUNTIME_DIR": "/r", "XDG_STATE_HOME": "/s",
            "SUDO_UID": "1000",
        ]
        for (euid, names, own) in [
            (1000, [], ["/h/.local/state/akios/run"]), (1000, ["XDG_RUNTIME_DIR"], ["/r/akios"]),
            (1000, ["XDG_STATE_HOME"], ["/s/akios/run"]), (1000, ["AKIOS_STATE_DIR"], ["/x/run"]),
            (1000, ["AKIOS_RUN_DIR", "XDG_RUNTIME_DIR"], ["/y", "/r/akios"]), (0, ["SUDO_UID"], []),
        ] as [(UInt32, [String], [String])] {
            let said = variables.filter { $0.key == "HOME" || names.contains($0.key) }
            let folders = try #require(StateFolders(.init(euid: euid) { said[$0] }))
            let every = own + ["/run/akios", "/run/user/1000/akios", "/home/u/.local/state/akios/run"]
            #expect(folders.controls(uid: 1000, home: "/home/u").isSuperset(of: every), "\(names)")
        }
    }
}
