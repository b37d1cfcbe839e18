"""Codex CLI, as openai-codex-cli-bin carries it. It asks for a WebSocket first, and over HTTP/2 when it gets none."""

from checks import expect, expect_equal
from stage import AGENTS, ASK, COMMAND, ELSEWHERE, KEY, Stage, check_budget, check_elsewhere, check_refusal, check_turn, python, script

HOST = "api.openai.com"
SHELL = script("exec_command", {"cmd": COMMAND})
# The cage is the sandbox: Codex' own needs user namespaces, which a cage has none of.
BYPASS = "--dangerously-bypass-approvals-and-sandbox"
CREDENTIALS = """    credentials:
      - {env: CODEX_API_KEY, from: {env: CODEX_API_KEY}, hosts: [api.openai.com]}
"""


def cli(*options):
    python("codex_cli_bin", AGENTS)
    path, = AGENTS.glob("lib/python3*/site-packages/codex_cli_bin/bin/codex")
    # It offers the provider's web search to every model: a server tool, which nobody granted.
    return [str(path), "exec", "--skip-git-repo-check", "-c", 'web_search="disabled"', "-m", "gpt-5.2-codex", *options, ASK]


def run(stage, governance="", options=(BYPASS,)):
    return stage.run(cli(*options), governance=CREDENTIALS + governance, env={"CODEX_API_KEY": KEY})


def register(suite):
    @suite.check("Codex CLI: a turn with a tool, streamed, after a WebSocket that is refused")
    def turn():
        with Stage(SHELL, [HOST]) as stage:
            return check_turn(stage, run(stage), "authorization")

    @suite.check("Codex CLI: the same under strict")
    def strict():
        with Stage(SHELL, [HOST], base="strict") as stage:
            return check_turn(stage, run(stage), "authorization")

    @suite.check("Codex CLI: a host that no rule names")
    def elsewhere():
        with Stage(SHELL, [HOST]) as stage:
            provider = f'model_providers.other={{name="other", base_url="https://{ELSEWHERE}/v1", env_key="CODEX_API_KEY", wire_api="responses"}}'
            return check_elsewhere(stage, run(stage, options=(BYPASS, "-c", provider, "-c", 'model_provider="other"')))

    @suite.check("Codex CLI: a model that is not granted")
    def refused():
        with Stage(SHELL, [HOST]) as stage:
            done = run(stage, "    providers: [{name: openai, models: [gpt-4o]}]\n")
            expect(not stage.asked(), "the refused model was asked")
            return check_refusal(done, HOST, "/v1/responses")

    @suite.check("Codex CLI: the budget ends the run")
    def budget():
        with Stage(SHELL, [HOST]) as stage:
            return check_budget(stage, run(stage, "    budget: {per_session: {max_requests: 1}}\n"))

    @suite.check("Codex CLI: its own sandbox cannot start here, which the model is told in words")
    def sandbox():
        told = {"match": "No permissions to create new namespace", "reply": "wombat: no sandbox in a sandbox"}
        with Stage([told, *SHELL], [HOST]) as stage:
            done = run(stage, options=())
            expect_equal(done.status, 0, done.tail())
            expect("wombat: no sandbox in a sandbox" in done.out, done.tail())
