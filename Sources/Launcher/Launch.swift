// Launch: from the command line to the exit status, as a recipe. Each line may end it with words for a person; what
// was made by then is undone by its owner going out of scope.

import Audit
import CagePlan
import Events
import Glibc
import JSONBytes
import LinuxSys
import LogStore
import Metering
import Profile
import Vocabulary
import Wire

public enum Launcher {
    /// The exit status of akios-exec.
    public static func main() -> Int32 {
        // Root's groups would open files to `accessing(as:)` that the caller cannot read.
        if geteuid() == 0 { _ = setgroups(0, nil) }
        do throws(CageError) {
            try failing { () throws(Complaint) in try Inheritance.putRight() }
            let arguments = try failing { () throws(Complaint) in try Surroundings.arguments() }
            return try launch(arguments)
        } catch {
            Console.complain(error.complaint)
            return error.status
        }
    }

    private static func launch(_ arguments: [String]) throws(CageError) -> Int32 {
        let options = try failing { () throws(Complaint) in try Options.parse(arguments) }
        switch options.action {
        case .help:
            Console.say(Options.usage)
            return 0
        case .version:
            Console.say("akios-exec \(Release.version)\n")
            return 0
        case .plan, .run: break
        }
        // Before any descriptor of ours could have its number.
        let status = try failing { () throws(Complaint) in try StatusLine(options.statusFD) }
        let invoker = try failing { () throws(Complaint) in
            try Invoker.current(environment: Surroundings.environment(Invoker.variables.contains))
        }
        if let eyes = invoker.eyes, !canAccess(as: eyes) {
            throw CageError(
                Complaint("files cannot be opened as user \(eyes.uid)", hint: "give this root CAP_SETUID and CAP_SETGID"))
        }
        if let user = options.user { try failing { () throws(Complaint) in try invoker.check(user: user) } }
        let profile = try failing { () throws(Complaint) in try LoadedProfile.load(options, invoker: invoker) }
        let host = try failing { () throws(Complaint) in try HostStanding.decide(options, profile.spec, invoker: invoker) }
        let keys = CredentialSources.variables(of: profile.spec)
        let environment = Surroundings.environment { !keys.contains($0) }
        let sources = CredentialSources(profile, invoker, environment: environment)
        let run = Run(options: options, invoker: invoker, profile: profile, host: host, sources: sources, status: status)
        let begun = options.action == .run ? try run.begin() : nil
        var request = try cageRequest(options, profile, invoker, environment, sources)
        // What cannot be planned fails here, before there is a session.
        let plan = try request.plan()
        guard let begun else {
            Console.say(PlanText.render(plan, profile: profile, host: host))
            return 0
        }
        return try run.carryOut(&request, begun)
    }

    /// What the cage is made from; files that do not depend on this run's processes only.
    private static func cageRequest(
        _ options: Options, _ profile: LoadedProfile, _ invoker: Invoker, _ environment: [String: String],
        _ sources: CredentialSources
    ) throws(CageError) -> CageRequest {
        let spec = profile.spec
        let caller = invoker.caller(environment: environment)
        var request = CageRequest(
            sandbox: spec.sandbox, caller: caller, privileged: invoker.privileged, directory: Surroundings.directory,
            command: options.command, environment: environment, initProgram: try Programs.path(of: "akios-init"))
        if let workspace = options.workspace { request.workspace = workspace }
        request.takesTerminal = ControllingTerminal.isInteractive && ControllingTerminal.weAreInFront
        request.ignoredSignals = Surroundings.ignoredSignals
        request.umask = Surroundings.fileMask
        request.intercepts = true
        do {
            request.ruleset = try CageRuleset.batch(services: spec.network.hostServices)
            // Executable memory files are forbidden by a sysctl of the cage's own; who may not set it gets no memory files.
            request.memoryFiles = invoker.privileged && access("/proc/sys/vm/memfd_noexec", F_OK) == 0
            let filter = AgentFilter(
                base: spec.sandbox.syscalls.base == .strict ? .strict : .standard, allow: spec.sandbox.syscalls.allow,
                deny: spec.sandbox.syscalls.deny, unixSockets: spec.sandbox.unixSockets,
                memoryFiles: request.memoryFiles)
            let filters = try filter.watched(.embedded())
            request.agentFilter = filters.agent
            request.socketFilter = filters.sockets
            request.initFilter = try InitFilter.program()
        } catch {
            throw CageError(Complaint("the cage's filters cannot be made: \(error)", hint: "akios profile lint; akios doctor"))
        }
        request.placeholders = Credentials.placeholders(for: spec.credentials, from: sources, random: Surroundings.randomByte)
        return request
    }

    private static func failing<Value>(_ body: () throws(Complaint) -> Value) throws(CageError) -> Value {
        do throws(Complaint) { return try body() } catch { throw CageError(error) }
    }
}
