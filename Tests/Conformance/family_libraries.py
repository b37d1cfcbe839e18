"""The SDKs, each driven by a small agent that streams, runs a tool and tells its result."""

from collections import namedtuple

import sdk_programs as programs
from checks import expect
from stage import COMMAND, KEY, Stage, check_budget, check_refusal, check_turn, python, script

Library = namedtuple("Library", "title module program provider host path model header value")

OPENAI = ("openai", "api.openai.com")
LIBRARIES = [
    Library("openai, chat", "openai", programs.OPENAI_CHAT, *OPENAI, "/v1/chat/completions", "gpt-4o-mini", "authorization", f"Bearer {KEY}"),
    Library("openai, responses", "openai", programs.OPENAI_RESPONSES, *OPENAI, "/v1/responses", "gpt-5-mini", "authorization", f"Bearer {KEY}"),
    Library("langchain-openai", "langchain_openai", programs.LANGCHAIN, *OPENAI, "/v1/chat/completions", "gpt-4o-mini", "authorization",
            f"Bearer {KEY}"),
    Library("anthropic", "anthropic", programs.ANTHROPIC, "anthropic", "api.anthropic.com", "/v1/messages", "claude-haiku-4-5", "x-api-key", KEY),
]


def agent(library):
    return [python(library.module), "-c", library.program, library.model]


def register_one(suite, library):
    answers = script("shell", {"command": COMMAND})

    @suite.check(f"{library.title}: a turn with a tool, streamed")
    def turn():
        with Stage(answers, [library.host]) as stage:
            return check_turn(stage, stage.run(agent(library)), library.header, library.value)

    @suite.check(f"{library.title}: a model that is not granted")
    def refused():
        with Stage(answers, [library.host]) as stage:
            run = stage.run(agent(library), governance=f"    providers: [{{name: {library.provider}, models: [another]}}]\n")
            expect(not stage.asked(), "the refused model was asked")
            return check_refusal(run, library.host, library.path)

    @suite.check(f"{library.title}: the budget ends the run")
    def budget():
        with Stage(answers, [library.host]) as stage:
            return check_budget(stage, stage.run(agent(library), governance="    budget: {per_session: {max_requests: 1}}\n"))


def register(suite):
    for library in LIBRARIES:
        register_one(suite, library)
