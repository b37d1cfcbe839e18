// Values, canonical form (RFC 8785) and the builder.

import JSONBytes
import TestKit
import Testing

@Suite struct ValueTests {
    private func parse(_ text: String) throws -> JSONValue { try JSONValue.parse(Array(text.utf8)) }
    private func canonical(_ text: String) throws -> String { String(decoding: try parse(text).canonical(), as: UTF8.self) }

    @Test func readsAll() throws {
        let value = try parse(
            #" {"s":"a\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00","i":-12,"f":1.5e2,"t":true,"n":null,"a":[1,[2]],"o":{"x":false}} "#)
        #expect(value["s"]?.stringValue == "a\"\\/\u{8}\u{c}\n\r\té😀")
        #expect(value["i"]?.intValue == -12)
        #expect(value["f"]?.intValue == nil)
        #expect(value["f"] == .number("1.5e2"))
        #expect(value["t"]?.boolValue == true)
        #expect(value["n"]?.isNull == true)
        #expect(value["a"]?[1]?.elements == [.integer(2)])
        #expect(value["o"]?["x"] == .bool(false))
        #expect(value["missing"] == nil)
        #expect(value.members?.map(\.key) == ["s", "i", "f", "t", "n", "a", "o"])
    }

    @Test func exactIntegers() throws {
        #expect(try parse("9223372036854775807").intValue == .max)
        #expect(try parse("9223372036854775808").intValue == nil)
        #expect(try parse("-0").intValue == 0)
    }

    /// RFC 8785 appendix B.
    @Test(
        arguments: [
            (0x0000_0000_0000_0000, "0"), (0x8000_0000_0000_0000, "0"), (0x0000_0000_0000_0001, "5e-324"),
            (0x8000_0000_0000_0001, "-5e-324"),
            (0x7fef_ffff_ffff_ffff, "1.7976931348623157e+308"), (0xffef_ffff_ffff_ffff, "-1.7976931348623157e+308"),
            (0x4340_0000_0000_0000, "9007199254740992"), (0xc340_0000_0000_0000, "-9007199254740992"),
            (0x4430_0000_0000_0000, "295147905179352830000"), (0x44b5_2d02_c7e1_4af5, "9.999999999999997e+22"),
            (0x44b5_2d02_c7e1_4af6, "1e+23"), (0x44b5_2d02_c7e1_4af7, "1.0000000000000001e+23"),
            (0x444b_1ae4_d6e2_ef4e, "999999999999999700000"),
            (0x444b_1ae4_d6e2_ef4f, "999999999999999900000"), (0x444b_1ae4_d6e2_ef50, "1e+21"),
            (0x3eb0_c6f7_a0b5_ed8c, "9.999999999999997e-7"),
            (0x3eb0_c6f7_a0b5_ed8d, "0.000001"), (0x41b3_de43_5555_5553, "333333333.3333332"),
            (0x41b3_de43_5555_5554, "333333333.33333325"),
            (0x41b3_de43_5555_5555, "333333333.3333333"), (0x41b3_de43_5555_5556, "333333333.3333334"),
            (0x41b3_de43_5555_5557, "333333333.33333343"),
            (0xbecb_f647_612f_3696, "-0.0000033333333333333333"), (0x4314_3ff3_c1cb_0959, "1424953923781206.2"),
        ] as [(UInt64, String)]) func numbers(bits: UInt64, text: String)
    {
        #expect(JSONNumber.canonical(Double(bitPattern: bits)) == text)
        #expect(JSONNumber.canonical(Double(bitPattern: bits).description) == text)
    }

    /// RFC 8785 §3.2.2 and §3.2.3.
    @Test func canonicalVectors() throws {
        let numbers =
            #"{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],"string":"\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/","literals":[null,true,false]}"#
        #expect(
            try canonical(numbers)
                == #"{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],"string":"€$\u000f\nA'B\"\\\\\"/"}"#
        )
        let order = #"{"\u20ac":1,"\r":2,"\ufb33":3,"1":4,"\ud83d\ude00":5,"\u0080":6,"\u00f6":7}"#
        #expect(
            try parse(order).canonical() == Array("{\"\\r\":2,\"1\":4,\"\u{80}\":6,\"ö\":7,\"€\":1,\"😀\":5,\"\u{fb33}\":3}".utf8))
    }

    @Test func canonicalIsAFixedPoint() throws {
        var random = SplitMix(seed: 7)
        for _ in 0..<500 {
            let value = random.value(depth: 4)
            let bytes = value.canonical()
            let again = try JSONValue.parse(bytes)
            #expect(again.canonical() == bytes)
            #expect(random.sorted(again) == random.sorted(value))
        }
    }

    @Test func builderWritesWhatTheTreeWrites() throws {
        let bytes = JSONBuilder.object { json in
            json.member(array: "a") {
                $0.integer(1)
                $0.string("x\n\"")
                $0.object { $0.member("k", true) }
                $0.null()
            }
            json.member("b", 12)
            json.member(object: "c") { $0.member("n", .null) }
            json.member("é", text: UInt64.max)
        }
        #expect(
            String(decoding: bytes, as: UTF8.self)
                == #"{"a":[1,"x\n\"",{"k":true},null],"b":12,"c":{"n":null},"é":"18446744073709551615"}"#)
        #expect(try JSONValue.parse(bytes).canonical() == bytes)
    }
}
