// Folder: a temporary folder of profiles, and a way to load them as a person at a shell would.

import Foundation
import Profile
import ProfileFile

final class Folder: Sendable {
    let path: String

    init(_ files: [String: String] = [:]) throws {
        path = NSTemporaryDirectory() + "profile-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        for (name, text) in files { try write(name, text) }
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    func write(_ name: String, _ text: String) throws { try write(name, Array(text.utf8)) }

    func write(_ name: String, _ bytes: [UInt8]) throws {
        let file = URL(fileURLWithPath: path + "/" + name)
        try FileManager.default.createDirectory(
            at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file)
    }

    /// The host's own folder is `etc` in here.
    func load(_ names: String..., sets: [String] = [], callerTrusted: Bool = true)
        throws(ProfileError) -> ResolvedProfile
    {
        try ProfileFile.load(
            names: names, sets: sets, callerTrusted: callerTrusted, directory: path,
            systemFolder: path + "/etc")
    }

    /// What a person reads when `names` cannot be used; `no error` otherwise.
    func complaint(_ names: String..., sets: [String] = []) -> String {
        do throws(ProfileError) {
            _ = try ProfileFile.load(
                names: names, sets: sets, directory: path, systemFolder: path + "/etc")
            return "no error"
        } catch { return error.description.replacing(path, with: "HERE") }
    }
}

/// A document with this below `spec`, from line 3 on.
func policy(_ spec: String, extends: String? = nil) -> String {
    "apiVersion: akios/v1\n" + (extends.map { "extends: \($0)\n" } ?? "kind: AgentPolicy\n")
        + "spec:\n" + spec + "\n"
}
