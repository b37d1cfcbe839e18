"""boto3 with an AWS signature: the agent signs with placeholders, the broker signs anew what really leaves. Whether the new signature
is one is decided by AWS' own code, on what arrived."""

import json
import subprocess

import sdk_programs as programs
from checks import expect, expect_equal
from stage import COMMAND, TRUST, Stage, check_budget, check_refusal, check_turn, python, script

HOST = "bedrock-runtime.us-east-1.amazonaws.com"
MODEL = "amazon.nova-lite-v1:0"
# Of a key's shape, and nobody's.
REAL = {
    "AWS_ACCESS_KEY_ID": "AKIA" + "CONFORMANCE2" + "7QZX", "AWS_SECRET_ACCESS_KEY": "c0nf0rm" + "Zq7/" * 8 + "k",
    "AWS_SESSION_TOKEN": "token/" + "Zq7+" * 20 + "=="}
# Prints, for each request of standard input, whether its signature is that of the real key over what arrived.
JUDGE = r'''
import json, re, sys
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
real = json.loads(sys.argv[1])
for seen in json.load(sys.stdin):
    fields = {name.lower(): value for name, value in seen["headers"]}
    said = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d+)/([^/]+)/([^/]+)/aws4_request, SignedHeaders=([^,]+), Signature=(\w+)", fields["authorization"])
    signer = SigV4Auth(Credentials(real["AWS_ACCESS_KEY_ID"], real["AWS_SECRET_ACCESS_KEY"]), said[4], said[3])
    signed = {name: fields[name] for name in said[5].split(";")}
    request = AWSRequest(seen["method"], "https://" + seen["host"] + seen["path"], signed, seen["body"].encode())
    request.context["timestamp"] = fields["x-amz-date"]
    right = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    good = said[6] == right and said[1] == real["AWS_ACCESS_KEY_ID"] and fields["x-amz-security-token"] == real["AWS_SESSION_TOKEN"]
    print("good" if good and "x-amz-security-token" in signed else f"not the signature of what arrived: {said[0]}")
'''


def run(stage, models="all", limits=""):
    entries = ", ".join(f"{{env: {name}, from: {{env: {name}}}, hosts: [{HOST}]}}" for name in REAL)
    governance = f"""    providers: [{{name: bedrock, models: {models}}}]
    credentials: [{entries}]
    budget: {{per_session: {{max_cost_usd: 1.00{limits}}}}}
"""
    agent = [python("boto3", TRUST), "-c", programs.BEDROCK, MODEL]
    return stage.run(agent, governance=governance, variables={"AWS_DEFAULT_REGION": "us-east-1"}, env=REAL)


def judge(stage):
    """What AWS' code says of each request that arrived."""
    words = [python("boto3", TRUST), "-c", JUDGE, json.dumps(REAL)]
    return subprocess.run(words, input=json.dumps(stage.upstream.seen()), capture_output=True, text=True, check=True, timeout=60).stdout.splitlines()


def register(suite):
    answers = script("shell", {"command": COMMAND})

    @suite.check("boto3, signed: a turn with a tool, streamed, each request signed anew")
    def turn():
        with Stage(answers, [HOST]) as stage:
            said = check_turn(stage, run(stage), "x-amz-security-token", REAL["AWS_SESSION_TOKEN"])
            expect_equal(judge(stage), ["good"] * 3, "signatures")
            return said

    @suite.check("boto3, signed: a model that is not granted")
    def refused():
        with Stage(answers, [HOST]) as stage:
            done = run(stage, models="[another]")
            expect(not stage.upstream.seen(), "the refused model was asked")
            return check_refusal(done, HOST, "/model/")

    @suite.check("boto3, signed: the budget ends the run")
    def budget():
        with Stage(answers, [HOST]) as stage:
            return check_budget(stage, run(stage, limits=", max_requests: 1"))
