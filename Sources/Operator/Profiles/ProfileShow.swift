// akios profile show: what profiles come to once they are merged, as a profile of its own.

import ArgumentParser
import Profile
import ProfileFile

struct ProfileShow: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "show", abstract: "Print what one or more profiles come to, merged.")

    @Argument(help: "Names or files, merged in this order.") var profiles: [String]
    @Option(name: .customLong("set"), help: "KEY=VALUE below spec; may be repeated.") var sets: [String] = []
    @Flag(help: "Print the canonical JSON that the profile digest covers.") var json = false

    func run() throws {
        do throws(ProfileError) {
            let resolved = try ProfileFile.load(names: profiles, sets: sets)
            print(json ? String(decoding: resolved.canonicalJSON(), as: UTF8.self) + "\n" : resolved.yaml(), terminator: "")
        } catch {
            ProfileOutput.complain("\(error)")
            throw ExitCode(1)
        }
    }
}

struct ProfileSchema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the profile language.")

    func run() { print(String(decoding: Builtin.schema, as: UTF8.self), terminator: "") }
}
