"""The SDKs, each driven by a small agent that streams, runs a tool and tells its result."""

from collections import namedtuple

import sdk_programs as programs
from checks import expect
from stage import COMMAND, ELSEWHERE, KEY, TRUST, VENV, Stage, check_budget, check_elsewhere, check_refusal, check_turn, python, script

# `key`: the variable that the SDK reads its key from; `header`: where it puts it; `base`: the variable that sends it to another
# host; `extra`: what else its budget needs.
Library = namedtuple("Library", "title module program provider host path model key header value base extra venv", defaults=["", VENV])
BEARER = ("authorization", KEY)
OPENAI = ("openai", "api.openai.com")
LIBRARIES = [
    Library("openai, chat", "openai", programs.OPENAI_CHAT, *OPENAI, "/v1/chat/completions", "gpt-4o-mini", "OPENAI_API_KEY", *BEARER,
            "OPENAI_BASE_URL"),
    Library("openai, responses", "openai", programs.OPENAI_RESPONSES, *OPENAI, "/v1/responses", "gpt-5-mini", "OPENAI_API_KEY", *BEARER,
            "OPENAI_BASE_URL"),
    Library("langchain-openai", "langchain_openai", programs.LANGCHAIN, *OPENAI, "/v1/chat/completions", "gpt-4o-mini", "OPENAI_API_KEY",
            *BEARER, "OPENAI_BASE_URL"),
    # It sends traces of its own to the provider as well; those are refused, which it takes for what they are.
    Library("openai-agents", "agents", programs.AGENTS, *OPENAI, "/v1/responses", "gpt-5-mini", "OPENAI_API_KEY", *BEARER, "OPENAI_BASE_URL"),
    Library("anthropic", "anthropic", programs.ANTHROPIC, "anthropic", "api.anthropic.com", "/v1/messages", "claude-haiku-4-5",
            "ANTHROPIC_API_KEY", "x-api-key authorization", KEY, "ANTHROPIC_BASE_URL"),
    Library("google-genai", "google", programs.GEMINI, "gemini", "generativelanguage.googleapis.com", "/v1/models/", "gemini-2.5-flash",
            "GEMINI_API_KEY", "x-goog-api-key", KEY, "GOOGLE_GEMINI_BASE_URL"),
    Library("mistralai", "mistralai", programs.MISTRAL, "mistral", "api.mistral.ai", "/v1/chat/completions", "mistral-small-latest",
            "MISTRAL_API_KEY", *BEARER, "MISTRAL_SERVER_URL"),
    # Its models have no price but the operator's.
    Library("ollama", "ollama", programs.OLLAMA, "ollama", "ollama.com", "/api/chat", "gpt-oss:20b", "OLLAMA_API_KEY", *BEARER,
            "OLLAMA_HOST", "unknown_model: allow, "),
    Library("boto3, converse", "boto3", programs.BEDROCK, "bedrock", "bedrock-runtime.us-east-1.amazonaws.com", "/model/", "amazon.nova-lite-v1:0",
            "AWS_BEARER_TOKEN_BEDROCK", *BEARER, "AWS_ENDPOINT_URL", venv=TRUST),
]


def run(stage, library, models="all", limits="", variables=None):
    governance = f"""    providers: [{{name: {library.provider}, models: {models}}}]
    credentials: [{{env: {library.key}, from: {{env: {library.key}}}, hosts: [{library.host}]}}]
    budget: {{{library.extra}per_session: {{max_cost_usd: 1.00{limits}}}}}
"""
    variables = {"OLLAMA_HOST": "https://ollama.com", "AWS_DEFAULT_REGION": "us-east-1", **(variables or {})}
    agent = [python(library.module, library.venv), "-c", library.program, library.model]
    return stage.run(agent, governance=governance, variables=variables, env={library.key: KEY})


def register_one(suite, library):
    answers = script("shell", {"command": COMMAND})

    @suite.check(f"{library.title}: a turn with a tool, streamed")
    def turn():
        with Stage(answers, [library.host]) as stage:
            return check_turn(stage, run(stage, library), library.header, library.value)

    @suite.check(f"{library.title}: the same under strict")
    def strict():
        with Stage(answers, [library.host], base="strict") as stage:
            return check_turn(stage, run(stage, library), library.header, library.value)

    @suite.check(f"{library.title}: a host that no rule names")
    def elsewhere():
        with Stage(answers, [library.host]) as stage:
            url = f"https://{ELSEWHERE}" + ("/v1" if "OPENAI" in library.base else "")
            return check_elsewhere(stage, run(stage, library, variables={library.base: url}))

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
