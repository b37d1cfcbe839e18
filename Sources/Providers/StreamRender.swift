// StreamRender: one event through the redactors and back into bytes, so that the order of held-back text
// and closing events is decided in one place.

import JSONBytes

extension StreamReader {
    /// Reads an event and gives what the client gets instead, or nil where the event is not readable.
    /// - Parameters:
    ///   - feed: gives the text that may go out now for a piece of a channel (held-back text comes later).
    ///   - finish: gives what a channel still holds; called once, when it ends.
    ///   - whole: scans a text that is complete in itself.
    public mutating func render(
        _ event: any StreamFrame, feed: (StreamChannel, String) -> String, finish: (StreamChannel) -> String,
        whole: (StreamText) -> String
    ) -> [UInt8]? {
        guard let data = event.data else { return event.raw }
        let meaning = read(data, name: event.name)
        switch meaning.disposition {
        case .unreadable: return nil
        case .drop: return []
        case .pass: break
        }
        var edits = meaning.edits
        var before: [UInt8] = []
        for channel in meaning.closes where !meaning.texts.contains(where: { $0.channel == channel }) {
            let held = finish(channel)
            if !held.isEmpty { before += flushEvent(channel, text: held) }
        }
        for text in meaning.texts {
            let last = text.channel.map { channel in
                meaning.closes.contains(channel) && meaning.texts.last { $0.channel == channel } == text
            }
            var out: String
            if let channel = text.channel {
                out = feed(channel, text.text)
                // The channel ends in the event that also brings text: the rest belongs behind it, in the same string.
                if last == true { out += finish(channel) }
            } else {
                out = whole(text)
            }
            if out != text.text || out.utf8.count != text.text.utf8.count { edits.append(BodyEdit(text.range, jsonQuoted(out))) }
        }
        guard !edits.isEmpty else { return before + event.raw }
        guard let changed = BodyEdit.apply(edits, to: data) else { return nil }
        return before + event.bytes(data: changed)
    }
}
