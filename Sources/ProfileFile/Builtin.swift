// Builtin: the profiles that are part of the program.

import CData

/// The shipped profiles.
public enum Builtin {
    public static let names = ["base", "standard", "strict"]

    /// The YAML bytes of a shipped profile, or nil.
    public static func yaml(_ name: String) -> [UInt8]? {
        switch name {
        case "base": bytes(akios_data_profile_base)
        case "standard": bytes(akios_data_profile_standard)
        case "strict": bytes(akios_data_profile_strict)
        default: nil
        }
    }

    /// profiles/schema/akios-v1.json.
    public static var schema: [UInt8] { bytes(akios_data_profile_schema) }

    private static func bytes(
        _ get: (UnsafeMutablePointer<UnsafePointer<UInt8>>, UnsafeMutablePointer<Int>) -> Void
    ) -> [UInt8] {
        var empty: UInt8 = 0
        return withUnsafePointer(to: &empty) { placeholder in
            var start = placeholder
            var count = 0
            get(&start, &count)
            return Array(UnsafeBufferPointer(start: start, count: count))
        }
    }
}
