// LoadedProfile: the policy of this run, read with the right eyes, refused where it promises what is not enforced.

import Glibc
import LinuxSys
import LogStore
import Profile
import ProfileFile
import Vocabulary

struct LoadedProfile {
    let resolved: ResolvedProfile
    /// What egress gets and the digest covers.
    let canonical: [UInt8]
    /// `sha256:` and 64 hexadecimal digits.
    let digest: String

    var spec: Spec { resolved.spec }

    static func load(_ options: Options, invoker: Invoker) throws(Complaint) -> LoadedProfile {
        let eyes = invoker.eyes
        let resolved: ResolvedProfile
        do throws(ProfileError) {
            resolved = try ProfileFile.load(
                names: options.profiles.isEmpty ? ["standard"] : options.profiles, sets: options.sets,
                opener: { path in
                    do throws(SysError) {
                        return .success(try openForReading(path, as: eyes).take())
                    } catch { return .failure(OpenFailure(errno: error.number)) }
                },
                callerTrusted: !invoker.underSudo)
        } catch { throw Complaint("\(error.mark): \(error.message)", hints: error.hint.map { [$0] } ?? []) }
        let unenforced = resolved.unenforced
        guard unenforced.isEmpty else {
            throw Complaint(
                "the profile asks for what this release does not enforce; nothing was run",
                details: unenforced.map { "\($0.mark): \($0.key): \($0.message)" },
                hints: ["take these keys out, or wait for the release that has them", "akios profile lint shows all notes"])
        }
        let canonical = resolved.canonicalJSON()
        return LoadedProfile(resolved: resolved, canonical: canonical, digest: AuditCrypto.digestText(canonical))
    }

    /// Whose ids open a path of the profile: only a path that a document of root's names is root's to open.
    func eyes(for path: String, of invoker: Invoker) -> FileIdentity? {
        path.hasPrefix("/") && !resolved.callerPaths.contains(path) ? nil : invoker.eyes
    }

    /// The PEM files of `trust`, each opened as whoever wrote the document that names it.
    func trustedRoots(invoker: Invoker) throws(Complaint) -> String {
        var roots = ""
        for path in spec.network.trust {
            let text: String
            do throws(SysError) {
                text = String(decoding: try readFile(path, limit: 4 << 20, as: eyes(for: path, of: invoker)), as: UTF8.self)
            } catch { throw Complaint("trust: \(error)", hint: "the path is relative to the profile's own file") }
            guard text.contains("-----BEGIN CERTIFICATE-----") else {
                throw Complaint(
                    "trust: \(path) holds no PEM certificate", hint: "name a file of -----BEGIN CERTIFICATE----- blocks")
            }
            roots += text + "\n"
        }
        return roots
    }
}
