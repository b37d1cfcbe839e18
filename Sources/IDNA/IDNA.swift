// IDNA: names of other letters as the A-labels that the wire has (UTS #46, non-transitional, as clients do it), and back. The
// tables are libidn2's, compiled in: no file, no locale.

import CIdn
public import Vocabulary

public enum IDNA {
    /// Why a name is none.
    public enum Fault: Error, Sendable, Hashable {
        /// A character that names do not have: symbols, emoji, what is not assigned.
        case character
        /// A joiner or a mark where its neighbours do not call for it.
        case context
        /// Letters of both writing directions in a label, or a digit at the wrong end of one.
        case direction
        case hyphen
        /// An `xn--` label that no name encodes to.
        case encoding
        case other

        /// A clause for a hint.
        public var words: String {
            switch self {
            case .character: "it has a character that names do not have, such as a symbol or an emoji"
            case .context: "it has a joiner or a mark where none may stand"
            case .direction: "it mixes the directions of writing within a label"
            case .hyphen: "a label begins or ends with a hyphen, or has two in its third and fourth place"
            case .encoding: "an xn-- label in it is the encoding of no name"
            case .other: "letters, digits, hyphens, dots; an address is no name"
            }
        }
    }

    private static let prefix = "xn--"
    private static let flags = Int32(IDN2_NFC_INPUT.rawValue | IDN2_NONTRANSITIONAL.rawValue)

    /// The name that clients look up for `text`.
    public static func name(_ text: some StringProtocol) throws(Fault) -> HostName {
        guard text.utf8.count <= 1024 else { throw .other }
        var labels: [String] = []
        for label in text.split(separator: ".", omittingEmptySubsequences: false) { labels.append(try ascii(String(label))) }
        guard let name = HostName(labels.joined(separator: ".")) else { throw .other }
        return name
    }

    /// Whether each `xn--` label of a name is what its letters encode to: otherwise two names would look the same to people, or
    /// mean one host to one resolver and another to the next.
    public static func isWellFormed(_ name: HostName) -> Bool {
        name.text.split(separator: ".").allSatisfy { label in
            guard label.hasPrefix(prefix) else { return true }
            do throws(Fault) { return try ascii(String(label)) == label } catch { return false }
        }
    }

    /// A plain label as it is: libidn2 has rules for ASCII that names in use break (two hyphens in the third place).
    private static func ascii(_ label: String) throws(Fault) -> String {
        let isPlain = label.utf8.allSatisfy { $0 < 0x80 } && !label.lowercased().hasPrefix(prefix)
        guard !isPlain, !label.utf8.contains(0) else { return label }
        var found: UnsafeMutablePointer<UInt8>?
        let code = Array(label.utf8 + [0]).withUnsafeBufferPointer { idn2_lookup_u8($0.baseAddress, &found, flags) }
        defer { idn2_free(found) }
        guard code == IDN2_OK.rawValue, let found else {
            let fault = fault(code)
            // What was written in letters is no encoding yet.
            throw fault == .encoding && !label.lowercased().hasPrefix(prefix) ? .character : fault
        }
        return String(cString: found)
    }

    private static func fault(_ code: Int32) -> Fault {
        switch code {
        case IDN2_DISALLOWED.rawValue, IDN2_UNASSIGNED.rawValue, IDN2_LEADING_COMBINING.rawValue: .character
        case IDN2_CONTEXTJ.rawValue, IDN2_CONTEXTJ_NO_RULE.rawValue, IDN2_CONTEXTO.rawValue, IDN2_CONTEXTO_NO_RULE.rawValue:
            .context
        case IDN2_BIDI.rawValue: .direction
        case IDN2_2HYPHEN.rawValue, IDN2_HYPHEN_STARTEND.rawValue: .hyphen
        case IDN2_PUNYCODE_BAD_INPUT.rawValue, IDN2_PUNYCODE_OVERFLOW.rawValue, IDN2_ALABEL_ROUNDTRIP_FAILED.rawValue,
            IDN2_INVALID_ALABEL.rawValue, IDN2_INVALID_NONTRANSITIONAL.rawValue:
            .encoding
        default: .other
        }
    }

    /// A label's letters; those of a plain label are its own.
    static func letters(_ label: some StringProtocol) -> [Unicode.Scalar] {
        guard label.hasPrefix(prefix) else { return Array(label.unicodeScalars) }
        var found: UnsafeMutablePointer<UInt32>?
        let code = String(label).withCString { idn2_to_unicode_8z4z($0, &found, flags) }
        defer { idn2_free(found) }
        guard code == IDN2_OK.rawValue, let found else { return Array(label.unicodeScalars) }
        var scalars: [Unicode.Scalar] = []
        var at = found
        while at.pointee != 0 {
            if let scalar = Unicode.Scalar(at.pointee) { scalars.append(scalar) }
            at += 1
        }
        return scalars
    }

    /// A name in its own letters, for people.
    public static func unicode(_ name: HostName) -> String {
        name.text.split(separator: ".").map { label in
            var text = String.UnicodeScalarView()
            text.append(contentsOf: letters(label))
            return String(text)
        }.joined(separator: ".")
    }
}
