// Release: the version that every program and every record names.

public enum Release {
    public static let version = "0.1.0"
}
