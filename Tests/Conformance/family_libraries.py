"""The SDKs, each driven by a small agent that streams, runs a tool and tells its result."""

from collections import namedtuple

import sdk_programs as programs
from checks import expect
from stage import COMMAND, KEY, Stage, check_budget, check_refusal, check_turn, python, script

# `key`: the variable that the SDK reads its key from; `header`: where it puts it; `extra`: what else its budget needs.
Library = namedtuple("Library", "title module program provider host path model key header value extra", defaults=[""])
BEARER = ("authorization", f"Bearer {KEY}")
OPENAI = ("openai", "api.openai.com")
LIBRARIES = [
    Library("openai, chat", "openai", programs.OPENAI_CHAT, *OPENAI, "/v1/chat/completions", "gpt-4o-mini", "OPENAI_API_KEY", *BEARER),
    Library("openai, responses", "openai", programs.OPENAI_RESPONSES, *OPENAI, "/v1/responses", "gpt-5-mini", "OPENAI_API_KEY", *BEARER),
    Library("langchain-openai", "langchain_openai", programs.LANGCHAIN, *OPENAI, "/v1/chat/completions", "gpt-4o-mini", "OPENAI_API_KEY",
            *BEARER),
    Library("anthropic", "anthropic", programs.ANTHROPIC, "anthropic", "api.anthropic.com", "/v1/messages", "claude-haiku-4-5",
            "ANTHROPIC_API_KEY", "x-api-key", KEY),
    Library("google-genai", "google", programs.GEMINI, "gemini", "generativelanguage.googleapis.com", "/v1/models/", "gemini-2.5-flash",
            "GEMINI_API_KEY", "x-goog-api-key", KEY),
    Library("mistralai", "mistralai", programs.MISTRAL, "mistral", "api.mistral.ai", "/v1/chat/completions", "mistral-small-latest",
            "MISTRAL_API_KEY", *BEARER),
    # Its models have no price but the operator's.
    Library("ollama", "ollama", programs.OLLAMA, "ollama", "ollama.com", "/api/chat", "gpt-oss:20b", "OLLAMA_API_KEY", *BEARER,
            "unknown_model: allow, "),
]


def run(stage, library, models="all", limits=""):
    governance = f"""    providers: [{{name: {library.provider}, models: {models}}}]
    credentials: [{{env: {library.key}, from: {{env: {library.key}}}, hosts: [{library.host}]}}]
    budget: {{{library.extra}per_session: {{max_cost_usd: 1.00{limits}}}}}
"""
    sandbox = '  sandbox: {environment: {set: {OLLAMA_HOST: "https://ollama.com"}}}'
    agent = [python(library.module), "-c", library.program, library.model]
    return stage.run(agent, governance=governance, sandbox=sandbox, env={library.key: KEY})


def register_one(suite, library):
    answers = script("shell", {"command": COMMAND})

    @suite.check(f"{library.title}: a turn with a tool, streamed")
    def turn():
        with Stage(answers, [library.host]) as stage:
            return check_turn(stage, run(stage, library), library.header, library.value)

    @suite.check(f"{library.title}: a model that is not granted")
    def refused():
        with Stage(answers, [library.host]) as stage:
            done = run(stage, library, models="[another]")
            expect(not stage.asked(), "the refused model was asked")
            return check_refusal(done, library.host, library.path)

    @suite.check(f"{library.title}: the budget ends the run")
    def budget():
        with Stage(answers, [library.host]) as stage:
            return check_budget(stage, run(stage, library, limits=", max_requests: 1"))


def register(suite):
    for library in LIBRARIES:
        register_one(suite, library)
