"""Claude CLI, as claude-agent-sdk carries it, and the SDK that drives it."""

from checks import expect
from stage import AGENTS, ASK, COMMAND, ELSEWHERE, KEY, Stage, check_budget, check_elsewhere, check_refusal, check_turn, python, script

HOST = "api.anthropic.com"
BASH = script("Bash", {"command": COMMAND, "description": "look"})
# strict takes keys from files of root's.
KEYS = "    credentials: [{env: ANTHROPIC_API_KEY, from: {env: ANTHROPIC_API_KEY}, hosts: [api.anthropic.com]}]"
SDK = f'''
import asyncio
from claude_agent_sdk import AssistantMessage, ClaudeAgentOptions, TextBlock, query
async def main():
    options = ClaudeAgentOptions(model="claude-sonnet-4-5", allowed_tools=["Bash"], max_turns=4)
    async for message in query(prompt={ASK!r}, options=options):
        if isinstance(message, AssistantMessage):
            print("".join(b.text for b in message.content if isinstance(b, TextBlock)))
asyncio.run(main())
'''


def cli(*options, model="claude-sonnet-4-5"):
    python("claude_agent_sdk", AGENTS)
    path, = AGENTS.glob("lib/python3*/site-packages/claude_agent_sdk/_bundled/claude")
    return [str(path), "-p", ASK, "--model", model, *options]


def register(suite):
    @suite.check("Claude CLI: a turn with a tool, streamed")
    def turn():
        with Stage(BASH, [HOST]) as stage:
            return check_turn(stage, stage.run(cli("--allowedTools", "Bash")), "x-api-key")

    @suite.check("Claude CLI: the same under strict")
    def strict():
        with Stage(BASH, [HOST], base="strict") as stage:
            run = stage.run(cli("--allowedTools", "Bash"), governance=KEYS, env={"ANTHROPIC_API_KEY": KEY})
            return check_turn(stage, run, "x-api-key")

    @suite.check("Claude CLI: a host that no rule names")
    def elsewhere():
        with Stage(BASH, [HOST]) as stage:
            return check_elsewhere(stage, stage.run(cli(), variables={"ANTHROPIC_BASE_URL": f"https://{ELSEWHERE}"}))

    @suite.check("Claude CLI: a model that is not granted")
    def refused():
        with Stage(BASH, [HOST]) as stage:
            run = stage.run(cli(), governance="    providers: [{name: anthropic, models: [claude-haiku-4-5]}]")
            expect(not stage.asked(), "the refused model was asked")
            return check_refusal(run, HOST, "/v1/messages")

    @suite.check("Claude CLI: the budget ends the run")
    def budget():
        with Stage(BASH, [HOST]) as stage:
            run = stage.run(cli("--allowedTools", "Bash"), governance="    budget: {per_session: {max_requests: 1}}")
            return check_budget(stage, run)

    @suite.check("claude-agent-sdk: a turn with a tool, streamed")
    def sdk():
        with Stage(BASH, [HOST]) as stage:
            return check_turn(stage, stage.run([python("claude_agent_sdk", AGENTS), "-c", SDK]), "x-api-key")
