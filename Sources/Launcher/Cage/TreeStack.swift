// TreeStack: the host trees a cage gets, opened, checked against the plan, cloned and mapped. All are undone together.

import CagePlan
import Glibc
import LinuxSys
import Vocabulary

struct TreeStack: ~Copyable {
    /// In the order of the plan's slots; closed with this value.
    private(set) var numbers: [Int32] = []

    init(_ plan: CagePlan, eyes: FileIdentity?) throws {
        var namespace: OwnedFD?
        if plan.attachments.contains(where: \.mapped) {
            namespace = try IdMap.namespace(users: plan.identity.mountUIDMap, groups: plan.identity.mountGIDMap)
        }
        for attachment in plan.attachments {
            let path = try openPath(attachment.path, as: eyes)
            var facts = stat()
            let number = path.raw
            try syscall("fstat", on: attachment.path) { fstat(number, &facts) }
            // What was planned is what is opened, or somebody swapped it in between.
            guard FileMark(device: UInt64(facts.st_dev), inode: UInt64(facts.st_ino)) == attachment.mark else {
                throw CageError(Complaint("\(attachment.path) changed while the cage was being made", hint: "start it again"))
            }
            let tree = try MountTree(cloning: path, subject: attachment.path)
            if attachment.mapped {
                switch namespace {
                case .some(let namespace): try tree.map(through: namespace, subject: attachment.path)
                case .none: throw CageError(Complaint("\(attachment.path): no id map was made"))
                }
            }
            keep(tree)
        }
    }

    private mutating func keep(_ tree: consuming MountTree) { numbers.append(tree.take().take()) }

    deinit { for number in numbers { _ = close(number) } }
}
