// akios profile: the profiles there are, what one comes to, what is wrong with one, the language.
// Results go to stdout, errors to stderr; exit 0 yes, 1 something is wrong, 2 usage.

public import ArgumentParser

public struct ProfileCommand: ParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "profile", abstract: "List, show and check profiles.",
        subcommands: [ProfileList.self, ProfileShow.self, ProfileLint.self, ProfileSchema.self])

    public init() {}
}
