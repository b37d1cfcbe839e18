// akios-patterns: builds the pattern database that CData embeds, and measures the scanner. Never installed.
//
//   akios-patterns FILE          writes the database; `make patterns`
//   akios-patterns bench FILE…   throughput of the scanner over the files, one core, each file as one body

import Glibc

let arguments = CommandLine.arguments.dropFirst()
switch arguments.first {
case "bench"? where arguments.count > 1: exit(bench(Array(arguments.dropFirst())))
case let path? where arguments.count == 1 && !path.hasPrefix("-"): exit(build(path))
default:
    complain("error: usage: akios-patterns FILE | akios-patterns bench FILE…")
    exit(2)
}
