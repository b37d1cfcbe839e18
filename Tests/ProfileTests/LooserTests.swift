// What counts as looser, row by row, and that every default of the table is the one that decoding uses.

import Testing
import Vocabulary

@testable import Profile

private let mark = Mark(file: "t", line: 1, column: 1)

/// A tree from canonical JSON with apostrophes for quotation marks.
private func tree(_ json: String) throws -> Node {
    let root = try CanonicalJSONReader.read(Array(json.replacing("'", with: "\"").utf8))
    var document = Node(.mapping([]), mark: mark)
    document.set(["apiVersion"], .text("akios/v1", mark: mark), keyMark: mark)
    document.set(["spec"], root, keyMark: mark)
    return try ProfileDocument(document, source: ProfileSource(id: "t", name: "t", trusted: true), folder: "/here").tree
}

private func governance(_ network: String) -> String { "{'governance':{'network_access':\(network)}}" }

@Suite struct LooserTests {
    static let looser: [(String, String, String)] = [
        ("{'require':'full'}", "{'require':'strong'}", "require: full → strong"),
        (
            "{'sandbox':{'resources':{'memory':'1G'}}}", "{'sandbox':{'resources':{'memory':'1025M'}}}",
            "sandbox.resources.memory: 1G → 1025M"
        ),
        ("{'sandbox':{'resources':{'memory':'1G'}}}", "{}", "sandbox.resources.memory: 1G → no limit"),
        (
            "{}", "{'governance':{'budget':{'per_session':{'max_cost_usd':'1.01'}}}}",
            "governance.budget.per_session.max_cost_usd: 1.00 → 1.01"
        ),
        ("{'audit':{'sync':'always'}}", "{}", "audit.sync: always → batch"),
        (
            "{}", "{'governance':{'pii_handling':{'mode':'detect'}}}",
            "governance.pii_handling.mode: redact_before_inference → detect"
        ),
        ("{}", "{'governance':{'pii_handling':{'direction':'out'}}}", "governance.pii_handling.direction: both → out"),
        ("{}", "{'governance':{'pii_handling':{'types':['EMAIL']}}}", "governance.pii_handling.types: all → EMAIL"),
        (
            "{'governance':{'pii_handling':{'types':['EMAIL','SSN']}}}", "{'governance':{'pii_handling':{'types':['EMAIL']}}}",
            "governance.pii_handling.types: leaves out SSN"
        ),
        ("{}", "{'sandbox':{'filesystem':{'workspace':{'mode':'ro'}}}}", "sandbox.filesystem.workspace.mode: none → ro"),
        ("{}", "{'sandbox':{'filesystem':{'read':['/srv']}}}", "sandbox.filesystem.read: adds /srv"),
        (
            "{'sandbox':{'filesystem':{'read':['/srv/a']}}}", "{'sandbox':{'filesystem':{'read':['/srv/ab']}}}",
            "sandbox.filesystem.read: adds /srv/ab"
        ),
        ("{'sandbox':{'syscalls':{'deny':['ptrace']}}}", "{}", "sandbox.syscalls.deny: leaves out ptrace"),
        ("{}", "{'sandbox':{'environment':{'set':{'A':'1'}}}}", "sandbox.environment.set.A: adds A"),
        (
            governance("{'allowlist':[{'host':'a.com'}]}"), governance("{'allowlist':[{'host':'a.com','methods':['POST']}]}"),
            "governance.network_access.allowlist: adds a.com"
        ),
        (
            governance("{'allowlist':[{'host':'a.com','paths':['/v1/**']}]}"), governance("{'allowlist':[{'host':'a.com'}]}"),
            "governance.network_access.allowlist: adds a.com"
        ),
        (
            governance("{'allowlist':[{'host':'a.com'}]}"), governance("{'allowlist':[{'host':'a.com','tls':'passthrough'}]}"),
            "governance.network_access.allowlist: adds a.com"
        ),
        (governance("{'denylist':['a.com']}"), governance("{}"), "governance.network_access.denylist: leaves out a.com"),
        (
            governance("{}"), governance("{'private_networks':['10.0.0.0/8']}"),
            "governance.network_access.private_networks: adds 10.0.0.0/8"
        ),
        (
            governance("{'resolve':{'a.com':'10.0.0.1'}}"), governance("{'resolve':{'a.com':'10.0.0.2'}}"),
            "governance.network_access.resolve.a.com: changes a.com"
        ),
        (
            governance("{}"), governance("{'upstream_proxy':'http://proxy:3128'}"),
            "governance.network_access.upstream_proxy: none → http://proxy:3128"
        ),
        (
            governance("{'upstream_proxy':'http://proxy:3128'}"), governance("{'upstream_proxy':'none'}"),
            "governance.network_access.upstream_proxy: http://proxy:3128 → none"
        ),
        (
            governance("{'upstream_proxy':'http://proxy:3128'}"),
            governance("{'upstream_proxy':{'except':['a.com'],'url':'http://proxy:3128'}}"),
            "governance.network_access.upstream_proxy: changes http://proxy:3128"
        ),
        ("{}", "{'governance':{'providers':['openai']}}", "governance.providers: adds openai"),
        (
            "{'governance':{'providers':['openai']}}", "{'governance':{'providers':[{'keys':'any','name':'openai'}]}}",
            "governance.providers.openai.keys: pinned → any"
        ),
        (
            "{'governance':{'providers':[{'models':['a'],'name':'openai'}]}}", "{'governance':{'providers':['openai']}}",
            "governance.providers.openai.models: a → all"
        ),
    ]

    @Test(arguments: looser)
    func names(_ parent: String, _ child: String, _ words: String) throws {
        let findings = Looser.compare(try tree(parent), try tree(child), fallback: mark)
        #expect(findings.map { "\($0.key): \($0.words)" } == [words])
    }

    static let notLooser: [(String, String)] = [
        ("{'require':'strong'}", "{'require':'full'}"),
        ("{'sandbox':{'resources':{'memory':'1G'}}}", "{'sandbox':{'resources':{'memory':'1024M'}}}"),
        ("{}", "{'sandbox':{'resources':{'memory':'64G'}}}"),
        ("{}", "{'governance':{'budget':{'per_minute':{'action_on_exceed':'alert'}}}}"),
        ("{'sandbox':{'filesystem':{'read':['/srv']}}}", "{'sandbox':{'filesystem':{'read':['/srv','/srv/a/b?']}}}"),
        ("{'sandbox':{'filesystem':{'read':['/srv/']}}}", "{'sandbox':{'filesystem':{'read':['/srv/','/srv/a']}}}"),
        ("{'sandbox':{'filesystem':{'read':['/']}}}", "{'sandbox':{'filesystem':{'read':['/','/srv/a']}}}"),
        ("{'governance':{'pii_handling':{'types':['EMAIL']}}}", "{'governance':{'pii_handling':{'types':['EMAIL','all']}}}"),
        (governance("{'private_networks':['10.0.0.0/8']}"), governance("{'private_networks':['10.1.0.0/16']}")),
        (governance("{'private_networks':['10.0.0.0/8']}"), governance("{'private_networks':'deny'}")),
        (
            governance("{'allowlist':['.a.com']}"),
            governance("{'allowlist':['.a.com','x.a.com',{'host':'.b.a.com','methods':['GET']}]}")
        ),
        (
            governance("{'allowlist':[{'host':'a.com','paths':['/**']}]}"),
            governance("{'allowlist':[{'host':'a.com','paths':['/x','/y/**']}]}")
        ),
        (governance("{}"), governance("{'denylist':['a.com']}")),
        (
            governance("{'upstream_proxy':'http://proxy:3128'}"),
            governance("{'upstream_proxy':{'url':'http://proxy:3128'}}")
        ),
        (
            "{'governance':{'providers':[{'keys':'any','name':'openai'}]}}",
            "{'governance':{'providers':[{'keys':'broker','name':'openai'}]}}"
        ),
    ]

    @Test(arguments: notLooser)
    func isSilent(_ parent: String, _ child: String) throws {
        #expect(Looser.compare(try tree(parent), try tree(child), fallback: mark).map(\.words) == [])
    }

    @Test func aFloorIsSilentAboutWhatItDoesNotName() throws {
        let (floor, child) = (
            try tree("{'require':'strong'}"), try tree("{'require':'full','sandbox':{'filesystem':{'read':['/']}}}")
        )
        #expect(Looser.compare(floor, child, fallback: mark, onlyNamed: true).isEmpty)
        #expect(!Looser.compare(floor, child, fallback: mark).isEmpty)
    }

    /// A default of the table spelt out changes nothing.
    @Test func defaultsAreThoseOfTheTable() throws {
        let plain = try Spec(tree: try tree("{}"))
        var checked = 0
        func walk(_ rows: [Row], _ path: [String]) throws {
            for row in rows where row.alias == nil {
                if case .map(let inner, _) = row.shape { try walk(inner, path + [row.key]) }
                guard let text = row.standsFor, path.first != "scheduling", !path.contains("per_day") else { continue }
                var spec = Node(.mapping([]), mark: mark)
                var value = Node.text(text, mark: mark)
                if case .list = row.shape { value = Node(.sequence([value]), mark: mark) }
                spec.set(path + [row.key], value, keyMark: mark)
                let json = String(decoding: CanonicalJSON.write(spec), as: UTF8.self)
                #expect(try Spec(tree: try tree(json)) == plain, "\(path + [row.key])")
                checked += 1
            }
        }
        try walk(Language.spec, [])
        #expect(checked > 20)
    }
}
