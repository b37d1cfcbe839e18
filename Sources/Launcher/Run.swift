// Run: one session, start to end. The order is docs/process-model.md's; every line that depends on an earlier one says so.

import Audit
import CData
import CagePlan
import Events
import Glibc
import LinuxSys
import LogStore
import Metering
import Profile
import Providers
import Vocabulary
import Wire

struct Run {
    let options: Options
    let invoker: Invoker
    let profile: LoadedProfile
    let host: HostStanding
    let sources: CredentialSources
    let status: StatusLine

    /// What is started before the plan is made. Leaving it ends it: nothing of it has run on anybody's behalf.
    struct Begun: ~Copyable {
        let started: Moment
        let id: SessionID
        let group: SessionGroup
        let egress: LaunchedEgress
    }

    /// Starts egress, whose own start takes the longest: it makes its keys while plan, session and cage are made. It is born
    /// without configuration, secret or socket, and ends when its channel closes.
    func begin() throws(CageError) -> Begun {
        let started = Moment.now
        let id = SessionID.fresh(at: started.wall)
        // Before any child: a group that was handed over to us is ours only while nobody else is in it.
        let group = try words { () throws(Complaint) in try host.makeGroup(session: id.text, profile.spec.sandbox.resources) }
        let program = try Programs.path(of: "akios-egress")
        let egress = try words { () throws(Complaint) in
            try LaunchedEgress.start(program: program, privileged: invoker.privileged)
        }
        return Begun(started: started, id: id, group: group, egress: egress)
    }

    func carryOut(_ request: inout CageRequest, _ begun: consuming Begun) throws(CageError) -> Int32 {
        let ways = try words { () throws(Complaint) in try AlertWays.make(profile.spec.audit.alerts, as: invoker.eyes) }
        let files = HostFiles.read()
        let trust = try words { () throws(Complaint) in try profile.trustedRoots(invoker: invoker) }
        let signals: SignalQueue
        do throws(SysError) { signals = try SignalQueue() } catch { throw CageError(Complaint("signals cannot be read: \(error)")) }
        let copies = try words { () throws(Complaint) in try Copies(options, invoker) }
        let session = try words { () throws(Complaint) in
            try Session.open(
                begun.id, at: options.sessionDir, started: begun.started, invoker: invoker, profile.spec)
        }
        do throws(CageError) {
            return try carryOut(&request, begun, session, files, trust, signals, copies, ways)
        } catch {
            abandon(session, error.status, copies)
            throw error
        }
    }

    private func carryOut(
        _ request: inout CageRequest, _ begun: consuming Begun, _ session: borrowing Session, _ files: HostFiles, _ trust: String,
        _ signals: consuming SignalQueue, _ copies: Copies, _ ways: [AlertSender.Way]
    ) throws(CageError) -> Int32 {
        let spec = profile.spec
        let group = begun.group
        var egress = begun.egress
        let filter = try words { () throws(Complaint) in try LaunchedEgress.filter() }
        request.cgroup = group.descriptor
        request.records = session.records
        // Again, because only now it is known where the records are.
        let plan = try request.plan()
        try words { () throws(Complaint) in try AlertWays.check(ways, against: plan) }
        // What the agent may change is read before it can.
        let changeable = plan.grantsWriting(plan.programPath)
        let before = changeable ? Self.digest(of: plan.programPath, invoker) : nil
        // A copy of our memory exists between clone and exec of init: no secret is loaded before it is gone.
        var cage = try request.start(plan)
        let credentials = try words { () throws(Complaint) in
            try Credentials.load(
                spec.credentials, proxy: spec.network.upstreamProxy, placeholders: request.placeholders, from: sources)
        }
        let secrets = credentials.secrets
        try configure(egress, filter, session, files, trust, credentials)
        // Not earlier: rootless, the id maps of both children are ours to write only while we are dumpable.
        do throws(SysError) { try setDumpable(false) } catch { throw CageError(Complaint("\(error)")) }
        let prepared = try Preparation.complete(
            &cage, &egress.channel, signals, trust: TrustStores(plan.stores, roots: files.roots + [0x0a] + Array(trust.utf8)))
        // Egress has mapped them: from here on it has them alone.
        credentials.pages.handedOver()
        try words { () throws(Complaint) in try egress.detachRoot() }
        let start = record(plan, secrets, prepared, group)
        do throws(LogError) {
            try session.log.append(start, at: .now)
            try session.log.commit()
        } catch { throw CageError(error.complaint) }
        if options.verbose { Console.note(PlanText.layers(session.id.text, start)) }
        status.started(session: session.id.text, tier: start.tierEnforced)

        let budget = BudgetState(spec.budget, now: Supervisor.milliseconds(.now))
        var supervisor = Supervisor(
            cage: cage, egress: egress, signals: signals, group: group, log: session.log,
            admissions: Admissions(
                log: session.log, budget: budget, profile: spec.name, approvals: ApprovalQueue(timeout: spec.approvals.timeout)),
            job: JobControl(
                hasTerminal: ControllingTerminal.isThere, interactive: ControllingTerminal.isInteractive,
                weAreInFront: ControllingTerminal.weAreInFront),
            control: session.control,
            alerts: AlertSender(ways, as: invoker.privileged ? FileIdentity(uid: invoker.uid, gid: invoker.gid) : nil),
            killAfter: options.killAfter, wallTime: spec.sandbox.resources.wallTime)
        let outcome = supervisor.run()
        let number = finish(
            session, start, changeable ? before : Self.digest(of: plan.programPath, invoker), outcome, supervisor.admissions,
            appeared: supervisor.cage.protectedThatAppeared(), copies)
        // Last: it was killed when its channel closed, and the kernel takes its memory down beside all this.
        supervisor.egress.process.reap()
        return number
    }

    private func configure(
        _ egress: borrowing LaunchedEgress, _ filter: [UInt8], _ session: borrowing Session, _ files: HostFiles, _ trust: String,
        _ credentials: borrowing Credentials
    ) throws(CageError) {
        let configuration = EgressConfiguration(
            session: session.id.text, profileName: profile.spec.name, profile: profile.canonical, hostRoots: files.roots,
            profileRoots: trust.isEmpty ? [] : [trust], nameServers: files.nameServers, hosts: files.hosts,
            secrets: credentials.secrets, proxyPassword: credentials.proxyPassword)
        do throws(Complaint) {
            try egress.configure(configuration.encoded(), filter: filter, secrets: credentials.pages)
        } catch { throw CageError(error) }
    }

    /// The first record: what was asked for, and what stands.
    private func record(
        _ plan: CagePlan, _ secrets: [EgressConfiguration.Secret], _ prepared: Preparation.Result, _ group: borrowing SessionGroup
    ) -> SessionStart {
        let spec = profile.spec
        let controls = Controls.list(spec, plan, absent: prepared.absent, group: group, host: host)
        let arguments: [UInt8] = options.command.flatMap { (word: String) -> [UInt8] in Array(word.utf8) + [0] }
        return SessionStart(
            profile: spec.name, profileDigest: profile.digest,
            command: .init(
                program: plan.programPath, arguments: options.command.count - 1, digest: AuditCrypto.digestText(arguments)),
            tierRequested: spec.require, tierEnforced: host.tier, controls: controls,
            versions: [
                "akios-exec": Release.version, "linux": host.kernel, "price_book": String(cString: akios_data_prices_date()),
            ],
            caFingerprint: PEM.fingerprint(prepared.caPEM), hostDigest: host.digest,
            loosened: profile.resolved.loosened.map(\.key),
            unbrokered: Self.unbrokered(spec, secrets))
    }

    /// Providers whose hosts may be sent a key that is not the broker's.
    private static func unbrokered(_ spec: Spec, _ secrets: [EgressConfiguration.Secret]) -> [String] {
        let held = Set(secrets.filter { !$0.range.isEmpty }.flatMap(\.hosts))
        return spec.providers.filter { grant in
            // A provider whose customers have hosts of their own names none: nothing is known of their keys.
            let hosts = Providers.preset(grant.id)?.hosts ?? []
            return grant.keys != .broker && (hosts.isEmpty || !hosts.allSatisfy(held.contains))
        }.map(\.id.rawValue)
    }

    private func finish(
        _ session: borrowing Session, _ start: SessionStart, _ agentDigest: TreeHash?, _ outcome: Supervisor.Outcome,
        _ admissions: borrowing Admissions, appeared: [String], _ copies: Copies
    ) -> Int32 {
        var exit = outcome.exit
        let spent = admissions.budget.totals
        let evidence = Evidence(
            session: session.id, started: session.started, start: start, agentDigest: agentDigest,
            limit: profile.spec.budget.perSession.maxCost)
        var sealed: SealedLog?
        do throws(LogError) { sealed = try evidence.seal(session.log, exit, outcome.totals, spent) } catch {
            exit = ExitStatus(by: .akios, ran: exit.ran, status: 125, reason: "log_failed")
            Console.complain(error.complaint)
        }
        let output = evidence.output(exit, outcome.totals, spent, sealed: sealed).bytes()
        let receipt = evidence.receipt(exit, spent, sealed: sealed, key: session.key)
        var failed: [String] = []
        // The receipt before output.json: who waits for the latter finds all of the session there.
        if let receipt { keep(receipt, "receipt.json", in: session.folder, &failed) }
        // Beside a log without a seal output.json would say that one was taken off: there the next sweep writes both.
        if sealed != nil { keep(output, "output.json", in: session.folder, &failed) }
        if let receipt { give(receipt, copies.receipt, &failed) }
        give(output, copies.output, &failed)
        if let complaint = outcome.complaint(program: start.command.program, session: session.id) { Console.complain(complaint) }
        if !options.quiet {
            Console.note(evidence.summary(exit, outcome.totals, spent, refusals: admissions.refusals, stop: outcome.stop))
        }
        for path in appeared {
            Console.note(
                "akios-exec: the agent made \(RefusalDigest.printable(path)), which the profile protects; look at it before you use it\n"
            )
        }
        for what in failed { Console.complain(Complaint(what, hint: "free space, or name another place")) }
        status.ended(session: session.id.text, exit: exit)
        return Int32(exit.status)
    }

    /// For scripts, who find an output.json whatever happened. A log that holds a record already is the sweep's to finish.
    private func abandon(_ session: borrowing Session, _ exitStatus: Int32, _ copies: Copies) {
        guard session.log.count == 0 else { return }
        let exit = ExitStatus(by: .akios, ran: false, status: Int(exitStatus), reason: "not_started")
        var document = OutputDocument(session: session.id, profile: profile.spec.name, exit: exit)
        document.started = session.started.wall
        document.ended = Moment.now.wall
        var failed: [String] = []
        keep(document.bytes(), "output.json", in: session.folder, &failed)
        give(document.bytes(), copies.output, &failed)
        status.ended(session: session.id.text, exit: exit)
    }

    private func keep(_ bytes: [UInt8], _ name: String, in folder: borrowing Folder, _ failed: inout [String]) {
        do throws(SysError) { try folder.replace(name, with: bytes, mode: 0o640) } catch { failed.append("\(name): \(error)") }
    }

    /// Where the caller asked for a copy, made with their ids.
    private func give(_ bytes: [UInt8], _ copy: CallersFile?, _ failed: inout [String]) {
        do throws(SysError) { try copy?.write(bytes) } catch { failed.append("\(error)") }
    }

    /// Of the program file as the caller sees it; nil when it is gone or too large to be one.
    private static func digest(of program: String, _ invoker: Invoker) -> TreeHash? {
        guard let bytes = try? readFile(program, limit: 512 << 20, as: invoker.eyes) else { return nil }
        return AuditCrypto.sha256(bytes)
    }

    private func words<Value: ~Copyable>(_ body: () throws(Complaint) -> Value) throws(CageError) -> Value {
        do throws(Complaint) { return try body() } catch { throw CageError(error) }
    }
}
