// Language, `spec.sandbox`: files, system calls, resources, environment.

extension Language {
    static let sandbox: [Row] = [
        Row(
            "filesystem", .map(filesystem),
            "What the agent sees of the disk. What is not granted is not there."),
        Row(
            "syscalls",
            .map([
                Row(
                    "base", .scalar(.choice(["strict", "standard"])), "The table of permitted system calls.",
                    default: "strict",
                    looser: .later),
                Row("allow", .list(.scalar(.syscall)), "Further names or @groups.", looser: .grant),
                Row(
                    "deny", .list(.scalar(.syscall)), "Names or @groups that are refused; wins over allow.",
                    looser: .removal),
            ]), "The seccomp filter. Set-id bits and user namespaces are refused whatever stands here."),
        Row(
            "resources", .map(resources),
            "Limits of the whole process tree. Absent: not limited by the profile."),
        Row(
            "environment",
            .map([
                Row(
                    "pass", .list(.scalar(.passedVariable)), "Variables of the caller that the agent gets.",
                    looser: .grant),
                Row(
                    "set", .table(.passedVariable, .scalar(.opaque(32_768))),
                    "Variables with a value of the profile's.", looser: .grant),
            ]), "PATH, HOME and USER are made; everything else is left out."),
    ]

    private static let filesystem: [Row] = [
        Row(
            "workspace",
            .map([
                Row(
                    "path", .scalar(.text(4096)), "A folder, relative to where you stand.", default: ".",
                    looser: .change),
                Row(
                    "mode", .scalar(.choice(["none", "ro", "rw"])), "How the agent sees it.", default: "none",
                    looser: .later),
            ]), "The folder the agent works in."),
        Row(
            "read", .list(.scalar(.grant(["system", "command"]))),
            "Read-only paths, or the sets `system` and `command`. `path?`: if it is there.",
            looser: .grant),
        Row(
            "write", .list(.scalar(.path(optional: true))),
            "Writable paths besides the workspace and /tmp.", looser: .grant),
        Row(
            "exec", .list(.scalar(.grant(["system", "command", "workspace"]))),
            "Where programs may start; each must be readable too.",
            looser: .grant),
        Row(
            "protect", .list(.scalar(.pattern)),
            "Read-only in the workspace; what is not there at the start is named if it appears.",
            looser: .removal),
        Row("hide", .list(.scalar(.pattern)), "Not there, whatever is granted.", looser: .removal),
        Row("tmp_size", .scalar(.bytes), "Size of the private /tmp.", default: "256M", looser: .more),
    ]

    private static let resources: [Row] = [
        Row("memory", .scalar(.bytes), "Over it the whole tree dies (137).", looser: .more),
        Row("swap", .scalar(.bytes), "Swap besides memory.", looser: .more),
        Row("cpu", .scalar(.cpu), "Per cent of one core.", looser: .more),
        Row("pids", .scalar(.integer(1...4_194_304)), "Processes and threads.", looser: .more),
        Row(
            "open_files", .scalar(.integer(16...1_048_576)), "Descriptors of one process.", looser: .more),
        Row(
            "disk_write", .scalar(.bytes), "Size of one file; /tmp as a whole has tmp_size.", looser: .more),
        Row("wall_time", .scalar(.span), "Time from start to the end (124).", looser: .more),
    ]
}
