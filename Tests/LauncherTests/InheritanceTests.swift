// What the caller hands over: standard streams, a descriptor for the status, files for copies.

import Glibc
import LinuxSys
import Testing
import Vocabulary

@testable import Launcher

@Suite struct InheritanceTests {
    @Test func aFolderAndANetworkSocketAreDoors() {
        let folder = open("/", O_RDONLY | O_CLOEXEC)
        let stream = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        let datagram = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        defer { for number in [folder, stream, datagram] { close(number) } }
        #expect(Inheritance.door(folder) != nil)
        #expect(Inheritance.door(stream) != nil)
        #expect(Inheritance.door(datagram) != nil)
    }

    @Test func pipesFilesAndPairsAreNot() {
        var pair: [Int32] = [0, 0]
        var pipes: [Int32] = [0, 0]
        #expect(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &pair) == 0 && pipe(&pipes) == 0)
        let file = open("/dev/null", O_RDWR | O_CLOEXEC)
        defer { for number in pair + pipes + [file] { close(number) } }
        for number in pair + pipes + [file] { #expect(Inheritance.door(number) == nil) }
    }

    @Test func theStatusGoesToAnOpenDescriptorOnly() throws {
        let closed = open("/dev/null", O_WRONLY)
        close(closed)
        #expect(throws: Complaint.self) { try StatusLine(closed) }
        let readOnly = open("/dev/null", O_RDONLY | O_CLOEXEC)
        defer { close(readOnly) }
        #expect(throws: Complaint.self) { try StatusLine(readOnly) }
        _ = try StatusLine(nil)
    }

    @Test func aCopyGoesWhereItsFolderWasNotWhereALinkLeads() throws {
        let scratch = try Scratch()
        mkdir(scratch.path + "/results", 0o755)
        mkdir(scratch.path + "/elsewhere", 0o755)
        let copy = try CallersFile(scratch.path + "/results/out.json", as: nil)
        rename(scratch.path + "/results", scratch.path + "/moved")
        symlink(scratch.path + "/elsewhere", scratch.path + "/results")
        try copy.write(Array("{}".utf8))
        #expect(scratch.read("moved/out.json") == "{}")
        #expect(scratch.read("elsewhere/out.json") == nil)
    }

    @Test func aLinkOrFifoInTheCopysPlaceIsRefused() throws {
        let scratch = try Scratch()
        try scratch.write("victim", "old")
        symlink(scratch.path + "/victim", scratch.path + "/link")
        mkfifo(scratch.path + "/fifo", 0o600)
        for name in ["link", "fifo"] {
            #expect(throws: SysError.self) { try CallersFile("\(scratch.path)/\(name)", as: nil).write([1]) }
        }
        #expect(scratch.read("victim") == "old")
        #expect(throws: SysError.self) { try CallersFile("\(scratch.path)/none/out.json", as: nil) }
    }
}
