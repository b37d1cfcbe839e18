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
            Console.result(json ? resolved.canonicalJSON() + [0x0a] : Array(resolved.yaml().utf8))
        } catch {
            throw CommandFailure(.no, ProfileOutput.complaint(error))
        }
    }
}

struct ProfileSchema: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "schema", abstract: "Print the JSON Schema of the profile language.")

    func run() { Console.result(Builtin.schema) }
}
