"""The runtimes of docs/trust.md and how each makes one request, by its default trust. `{url}`, `{host}`, `{port}`, `{origin}` and
`{work}`, the folder of `files`, are filled in."""

import pathlib
import shutil
from dataclasses import dataclass, field

from checks import Absent, Skip
from javaclass import fetch
from product import PYTHON, ROOT

VENV, AGENTS = ROOT / ".build-venv", ROOT / ".build-venv-agents"
ANSWER = '"ok":true'


@dataclass
class Runtime:
    title: str
    argv: list
    version: list
    # What is to be there: file paths, or modules of the virtual environment, and the target that installs them.
    needs: list = field(default_factory=list)
    target: str | None = "make deps"
    # Trusted by files alone, with no variable set.
    bare: bool = True
    # What it prints once it has been answered; None where the request's arrival is all there is to see.
    prints: str | None = ANSWER
    files: dict = field(default_factory=dict)
    variables: dict = field(default_factory=dict)
    # Folders it reads beyond the set `system`.
    reads: list = field(default_factory=list)

    def skip(self):
        """Raises Skip, naming what is missing."""
        for need in [self.argv[0], *self.needs]:
            here = pathlib.Path(need).exists() if need.startswith("/") else any(VENV.glob(f"lib/python3*/site-packages/{need}"))
            if not here:
                words = f"no {need}" + (f" ({self.target})" if self.target else "")
                raise Skip(words) if self.target == "make deps" else Absent(words)


def program(name):
    return shutil.which(name, path="/usr/local/bin:/usr/bin:/bin") or f"/usr/bin/{name}"


def python(title, code, *modules, version=None, **more):
    """A client of the virtual environment, or of Debian's Python where it needs no module."""
    own = str(VENV / "bin/python3") if modules else PYTHON
    name = modules[0] if modules else None
    ask = f"import importlib.metadata as m; print(m.version({version or name!r}))" if name else "import sys; print(sys.version.split()[0])"
    return Runtime(title, [own, "-c", code, "{url}"], [own, "-c", ask], list(modules), **more)


def packaged(title, pattern, words, variables, **more):
    """A command-line agent that comes inside of a Python package."""
    found = next(AGENTS.glob(f"lib/python3*/site-packages/{pattern}"), AGENTS / pattern)
    return Runtime(title, [str(found), *words], [str(found), "--version"], target="make deps-agents", prints=None, variables=variables, **more)


PYTHONS = [
    python("Python urllib", "import sys, urllib.request; print(urllib.request.urlopen(sys.argv[1], timeout=20).read().decode())"),
    python("Python httpx", "import sys, httpx; print(httpx.get(sys.argv[1], timeout=20).text)", "httpx"),
    python("Python requests", "import sys, requests; print(requests.get(sys.argv[1], timeout=20).text)", "requests"),
    python("Python aiohttp", """
import aiohttp, asyncio, sys
async def main():
    async with aiohttp.ClientSession() as session, session.get(sys.argv[1]) as answer: print(await answer.text())
asyncio.run(main())""", "aiohttp"),
    python("Python boto3", """
import sys, boto3, urllib.parse
origin = urllib.parse.urlsplit(sys.argv[1])
s3 = boto3.client("s3", endpoint_url=f"https://{origin.netloc}", region_name="eu-west-1", aws_access_key_id="x", aws_secret_access_key="y",
                  config=boto3.session.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}))
print(s3.get_object(Bucket="trust", Key="object")["Body"].read().decode())""", "boto3"),
    python("Python grpc", """
import sys, grpc, urllib.parse
origin = urllib.parse.urlsplit(sys.argv[1])
with grpc.secure_channel(f"{origin.hostname}:{origin.port or 443}", grpc.ssl_channel_credentials()) as channel:
    try: channel.unary_unary("/trust.Trust/Ask")(b"", timeout=10)
    except grpc.RpcError as error: print(error.code(), error.details())""", "grpc", version="grpcio", prints=None),
    python("Python ollama", """
import sys, ollama, urllib.parse
origin = urllib.parse.urlsplit(sys.argv[1])
ollama.Client(host=f"https://{origin.netloc}").list()""", "ollama", prints=None),
    python("Python httplib2", "import sys, httplib2; print(httplib2.Http().request(sys.argv[1])[1].decode())", "httplib2"),
    Runtime("pip", [str(VENV / "bin/pip"), "--disable-pip-version-check", "--retries", "0", "--no-cache-dir", "download", "-q", "--no-deps",
                    "--index-url", "{origin}/simple", "-d", "/tmp/out", "nothing"],
            [str(VENV / "bin/pip"), "--version"], ["pip"], prints=None),
]

NODE = "then(async a => console.log(await (a.text ? a.text() : a.body.text()))).catch(e => { console.error(e, e.cause); process.exit(1) })"
SYSTEM = [
    Runtime("OpenSSL s_client", [program("openssl"), "s_client", "-connect", "{host}:{port}", "-servername", "{host}", "-verify_return_error",
                                 "-verify_hostname", "{host}", "-quiet"], [program("openssl"), "version"]),
    Runtime("OpenSSL, folder of hashed names", [program("openssl"), "s_client", "-connect", "{host}:{port}", "-servername", "{host}", "-verify_return_error",
                                 "-verify_hostname", "{host}", "-quiet", "-no-CAfile", "-CApath", "/etc/ssl/certs"], [program("openssl"), "version"]),
    Runtime("curl (OpenSSL)", [program("curl"), "-sS", "{url}"], [program("curl"), "--version"]),
    Runtime("wget (GnuTLS)", [program("wget"), "-qO-", "-t", "1", "{url}"], [program("wget"), "--version"]),
    Runtime("NSS tstclnt", [program("tstclnt"), "-D", "-b", "-h", "{host}", "-p", "{port}", "-A", "{work}/request"],
            ["dpkg-query", "-W", "-f", "${Version}", "libnss3"], ["/usr/lib/x86_64-linux-gnu/pkcs11/p11-kit-trust.so"]),
    Runtime("git", [program("git"), "ls-remote", "{url}"], [program("git"), "--version"], prints=None),
    Runtime("cargo", [next((str(p) for p in [pathlib.Path("/usr/bin/cargo"), *pathlib.Path.home().glob(".rustup/toolchains/stable-*/bin/cargo")]
                            if p.exists()), "/usr/bin/cargo"),
                      "search", "--index", "sparse+{origin}/index/", "nothing"], ["cargo", "--version"], target=None, prints=None,
            variables={"CARGO_HOME": "/tmp/cargo"}, reads=[str(pathlib.Path.home() / ".rustup/toolchains") + "?"]),
    Runtime("Go net/http (hub)", [program("hub"), "api", "{url}"], ["dpkg-query", "-W", "-f", "${Version}", "hub"], variables={"GITHUB_TOKEN": "x", "GITHUB_HOST": "{host}"}),
    Runtime("Java, the default trust store", [program("java"), "-Xmx64m", "-cp", "{work}", "Fetch", "{url}"], [program("java"), "--version"],
            files={"Fetch.class": fetch()}),
    Runtime("Ruby net/http", [program("ruby"), "-ropen-uri", "-e", "puts URI.open(ARGV[0]).read", "{url}"], [program("ruby"), "--version"]),
    Runtime("PHP streams", [program("php"), "-r", "echo file_get_contents($argv[1]);", "{url}"], [program("php"), "--version"]),
    Runtime("PHP curl", [program("php"), "-r", "$c = curl_init($argv[1]); curl_exec($c) or die(curl_error($c));", "{url}"],
            [program("php"), "--version"]),
    Runtime("Perl LWP", [program("perl"), "-MLWP::UserAgent", "-e", "my $a = LWP::UserAgent->new->get($ARGV[0]); print $a->decoded_content; exit !$a->is_success",
                         "{url}"], [program("perl"), "-MLWP", "-e", "print $LWP::VERSION"], ["/usr/share/perl5/LWP/Protocol/https.pm"]),
    Runtime("Perl HTTP::Tiny", [program("perl"), "-MHTTP::Tiny", "-e",
                                "my $a = HTTP::Tiny->new(verify_SSL => 1)->get($ARGV[0]); print $a->{content}; exit !$a->{success}", "{url}"],
            [program("perl"), "-MHTTP::Tiny", "-e", "print $HTTP::Tiny::VERSION"], ["/usr/share/perl5/IO/Socket/SSL.pm"]),
    Runtime("Node fetch", [program("node"), "-e", f"fetch(process.argv[1]).{NODE}", "{url}"], [program("node"), "--version"], bare=False),
    Runtime("Node undici", [program("node"), "-e", f"require('/usr/share/nodejs/undici').request(process.argv[1]).{NODE}", "{url}"],
            [program("node"), "-p", "require('/usr/share/nodejs/undici/package.json').version"], ["/usr/share/nodejs/undici/index.js"], bare=False,
            variables={"NODE_PATH": "/usr/share/nodejs"}),
]

COMMAND_LINES = [
    packaged("Claude CLI", "claude_agent_sdk/_bundled/claude", ["-p", "hello"],
             {"ANTHROPIC_BASE_URL": "{origin}", "ANTHROPIC_API_KEY": "sk-ant-x"}),
    packaged("Codex CLI", "codex_cli_bin/bin/codex", [
        "exec", "--skip-git-repo-check", "-c", "model_provider=range", "-c",
        'model_providers.range={name="range",base_url="{origin}/v1",env_key="RANGE_KEY",wire_api="responses",request_max_retries=0,stream_max_retries=0}',
        "hello"], {"RANGE_KEY": "sk-x"}),
]

ALL = PYTHONS + SYSTEM + COMMAND_LINES
