// Reading: back-pressure on a channel.

import NIOCore

extension Channel {
    /// Stops or resumes reading. It fails on a closed channel only, which reads nothing any more.
    func setReading(_ on: Bool) {
        try? syncOptions?.setOption(.autoRead, value: on)
        if on { read() }
    }
}
