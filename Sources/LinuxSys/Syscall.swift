// The funnel every call goes through: repeats on EINTR, reads errno on the next line, names the call.

import Glibc

/// Runs `body` until it is not interrupted. Negative means failure, as libc's wrappers have it.
@discardableResult
@inline(__always)
public func syscall<Result: SignedInteger>(
    _ call: StaticString, on subject: @autoclosure () -> String? = nil, _ body: () -> Result
) throws(SysError) -> Result {
    while true {
        let result = body()
        if result >= 0 { return result }
        let code = errno
        if code == EINTR { continue }
        throw SysError("\(call)", code, on: subject())
    }
}
