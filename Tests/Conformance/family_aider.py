"""aider, in an environment of its own, for its pins are other SDKs' old versions. Its tools are files and commands, not calls:
the model's answer is written into a file, the test's output is told to the model."""

from checks import expect, expect_equal
from product import ROOT
from stage import ANSWER, ASK, COMMAND, ELSEWHERE, RESULT, Stage, check_budget, check_elsewhere, check_refusal, check_turn, python

HOST, PATH = "api.openai.com", "/v1/chat/completions"
VENV = ROOT / ".build-venv-aider"
# strict takes keys from files of root's.
KEYS = "    credentials: [{env: OPENAI_API_KEY, from: {env: OPENAI_API_KEY}, hosts: [api.openai.com]}]\n"
ANSWERS = [
    {"match": RESULT, "pieces": ANSWER, "usage": [300, 40]},
    {"match": "Quokka", "pieces": ["note.txt\n```\nfrom the ", "model\n```\n"], "usage": [200, 30]},
    {"reply": "yes", "usage": [20, 2]},
]


def run(stage, governance="", variables=None):
    python("aider", VENV)
    words = ["--model", "openai/gpt-4o-mini", "--edit-format", "whole", "--yes-always", "--no-git", "--auto-test",
             "--test-cmd", f"{COMMAND}; false", "--message", ASK, "note.txt"]
    return stage.run([str(VENV / "bin/aider"), *words], governance=KEYS + governance, variables=variables, files={"note.txt": "old\n"})


def register(suite):
    @suite.check("aider: a turn that edits a file and runs the test, streamed")
    def turn():
        with Stage(ANSWERS, [HOST]) as stage:
            said = check_turn(stage, run(stage), "authorization")
            expect_equal((stage.work / "note.txt").read_text(), "from the model\n", "the file that the model wrote")
            return said

    @suite.check("aider: the same under strict")
    def strict():
        with Stage(ANSWERS, [HOST], base="strict") as stage:
            return check_turn(stage, run(stage), "authorization")

    @suite.check("aider: a host that no rule names")
    def elsewhere():
        with Stage(ANSWERS, [HOST]) as stage:
            return check_elsewhere(stage, run(stage, variables={"OPENAI_API_BASE": f"https://{ELSEWHERE}/v1"}))

    @suite.check("aider: a model that is not granted")
    def refused():
        with Stage(ANSWERS, [HOST]) as stage:
            done = run(stage, "    providers: [{name: openai, models: [gpt-4o]}]\n")
            expect(not stage.asked(), "the refused model was asked")
            return check_refusal(done, HOST, PATH)

    @suite.check("aider: the budget ends the run")
    def budget():
        with Stage(ANSWERS, [HOST]) as stage:
            return check_budget(stage, run(stage, "    budget: {per_session: {max_requests: 1}}\n"))
