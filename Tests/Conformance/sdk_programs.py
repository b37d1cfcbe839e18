"""One small agent per SDK, as its documentation writes them: asks, runs the tool that the model calls, tells its result, prints
the answer. Every answer is streamed. The model is the first argument; an error is printed as the SDK words it."""

from stage import ASK

COMMON = f'''
import json, subprocess, sys
ASK, MODEL = {ASK!r}, sys.argv[1]
SCHEMA = {{"type": "object", "properties": {{"command": {{"type": "string"}}}}, "required": ["command"]}}
def shell(arguments):
    arguments = json.loads(arguments) if isinstance(arguments, str) else arguments
    return subprocess.run(arguments["command"], shell=True, capture_output=True, text=True).stdout
def fail(kind, error, trace):
    print(f"{{kind.__module__}}.{{kind.__name__}}: {{error}}")
sys.excepthook = fail
'''

OPENAI_CHAT = COMMON + '''
from openai import OpenAI
client, messages = OpenAI(), [{"role": "user", "content": ASK}]
tools = [{"type": "function", "function": {"name": "shell", "description": "runs it", "parameters": SCHEMA}}]
while True:
    text, calls = "", {}
    for chunk in client.chat.completions.create(model=MODEL, messages=messages, tools=tools, stream=True):
        for choice in chunk.choices:
            text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(piece.index, {"id": piece.id, "type": "function", "function": {"name": piece.function.name, "arguments": ""}})
                call["function"]["arguments"] += piece.function.arguments or ""
    if not calls:
        break
    messages.append({"role": "assistant", "content": None, "tool_calls": list(calls.values())})
    messages += [{"role": "tool", "tool_call_id": c["id"], "content": shell(c["function"]["arguments"])} for c in calls.values()]
print(text)
'''

OPENAI_RESPONSES = COMMON + '''
from openai import OpenAI
client, items = OpenAI(), [{"role": "user", "content": ASK}]
tools = [{"type": "function", "name": "shell", "description": "runs it", "parameters": SCHEMA, "strict": False}]
while True:
    with client.responses.stream(model=MODEL, input=items, tools=tools, store=False) as stream:
        text = "".join(e.delta for e in stream if e.type == "response.output_text.delta")
        calls = [item for item in stream.get_final_response().output if item.type == "function_call"]
    if not calls:
        break
    for c in calls:
        items.append({"type": "function_call", "call_id": c.call_id, "name": c.name, "arguments": c.arguments})
        items.append({"type": "function_call_output", "call_id": c.call_id, "output": shell(c.arguments)})
print(text)
'''

LANGCHAIN = COMMON + '''
from langchain_core.messages import HumanMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
@tool("shell")
def run(command: str) -> str:
    """runs it"""
    return shell({"command": command})
model, messages = ChatOpenAI(model=MODEL).bind_tools([run]), [HumanMessage(ASK)]
while True:
    answer = None
    for chunk in model.stream(messages):
        answer = chunk if answer is None else answer + chunk
    if not answer.tool_calls:
        break
    messages += [answer, *(ToolMessage(run.invoke(c["args"]), tool_call_id=c["id"]) for c in answer.tool_calls)]
print(answer.text)
'''

AGENTS = COMMON + '''
import asyncio
from agents import Agent, Runner, function_tool
@function_tool(name_override="shell")
def run(command: str) -> str:
    """runs it"""
    return shell({"command": command})
async def main():
    answer = Runner.run_streamed(Agent(name="conform", model=MODEL, tools=[run]), ASK)
    async for event in answer.stream_events():
        if event.type == "raw_response_event" and event.data.type == "response.output_text.delta":
            print(event.data.delta, end="", flush=True)
    print()
asyncio.run(main())
'''

ANTHROPIC = COMMON + '''
from anthropic import Anthropic
client, messages = Anthropic(), [{"role": "user", "content": ASK}]
tools = [{"name": "shell", "description": "runs it", "input_schema": SCHEMA}]
while True:
    with client.messages.stream(model=MODEL, max_tokens=500, messages=messages, tools=tools) as stream:
        text = "".join(stream.text_stream)
        content = stream.get_final_message().content
    calls = [block for block in content if block.type == "tool_use"]
    if not calls:
        break
    messages.append({"role": "assistant", "content": [{"type": "tool_use", "id": c.id, "name": c.name, "input": c.input} for c in calls]})
    messages.append({"role": "user", "content": [{"type": "tool_result", "tool_use_id": c.id, "content": shell(c.input)} for c in calls]})
print(text)
'''

GEMINI = COMMON + '''
from google import genai
from google.genai import types
client, contents = genai.Client(), [types.Content(role="user", parts=[types.Part(text=ASK)])]
declared = types.FunctionDeclaration(name="shell", description="runs it", parameters_json_schema=SCHEMA)
config = types.GenerateContentConfig(tools=[types.Tool(function_declarations=[declared])])
while True:
    text, calls = "", []
    for chunk in client.models.generate_content_stream(model=MODEL, contents=contents, config=config):
        for part in chunk.candidates[0].content.parts:
            text += part.text or ""
            calls += [part.function_call] if part.function_call else []
    if not calls:
        break
    contents.append(types.Content(role="model", parts=[types.Part(function_call=c) for c in calls]))
    contents.append(types.Content(role="user", parts=[
        types.Part.from_function_response(name=c.name, response={"result": shell(c.args)}) for c in calls]))
print(text)
'''

MISTRAL = COMMON + '''
import os
from mistralai.client import Mistral
client = Mistral(api_key=os.environ["MISTRAL_API_KEY"], server_url=os.environ.get("MISTRAL_SERVER_URL"))
messages = [{"role": "user", "content": ASK}]
tools = [{"type": "function", "function": {"name": "shell", "description": "runs it", "parameters": SCHEMA}}]
while True:
    text, calls = "", {}
    for event in client.chat.stream(model=MODEL, messages=messages, tools=tools):
        for choice in event.data.choices:
            text += choice.delta.content or ""
            for piece in choice.delta.tool_calls or []:
                call = calls.setdefault(piece.index, {"id": piece.id, "function": {"name": piece.function.name, "arguments": ""}})
                call["function"]["arguments"] += piece.function.arguments or ""
    if not calls:
        break
    messages.append({"role": "assistant", "content": "", "tool_calls": list(calls.values())})
    messages += [{"role": "tool", "tool_call_id": c["id"], "name": "shell", "content": shell(c["function"]["arguments"])} for c in calls.values()]
print(text)
'''

OLLAMA = COMMON + '''
from ollama import Client
client, messages = Client(), [{"role": "user", "content": ASK}]
tools = [{"type": "function", "function": {"name": "shell", "description": "runs it", "parameters": SCHEMA}}]
while True:
    text, calls = "", []
    for chunk in client.chat(model=MODEL, messages=messages, tools=tools, stream=True):
        text += chunk.message.content or ""
        calls += chunk.message.tool_calls or []
    if not calls:
        break
    messages.append({"role": "assistant", "content": "", "tool_calls": calls})
    messages += [{"role": "tool", "tool_name": "shell", "content": shell(dict(c.function.arguments))} for c in calls]
print(text)
'''

BEDROCK = COMMON + '''
import boto3
client, messages = boto3.client("bedrock-runtime"), [{"role": "user", "content": [{"text": ASK}]}]
tools = {"tools": [{"toolSpec": {"name": "shell", "description": "runs it", "inputSchema": {"json": SCHEMA}}}]}
while True:
    text, calls = "", []
    for event in client.converse_stream(modelId=MODEL, messages=messages, toolConfig=tools)["stream"]:
        if "contentBlockStart" in event:
            calls.append({**event["contentBlockStart"]["start"]["toolUse"], "input": ""})
        delta = event.get("contentBlockDelta", {}).get("delta", {})
        text += delta.get("text", "")
        if "toolUse" in delta:
            calls[-1]["input"] += delta["toolUse"]["input"]
    if not calls:
        break
    messages.append({"role": "assistant", "content": [{"toolUse": {**c, "input": json.loads(c["input"])}} for c in calls]})
    messages.append({"role": "user", "content": [
        {"toolResult": {"toolUseId": c["toolUseId"], "content": [{"text": shell(c["input"])}]}} for c in calls]})
print(text)
# And once in one piece.
answer = client.converse(modelId=MODEL, messages=[{"role": "user", "content": [{"text": "heard?"}]}])
print(answer["output"]["message"]["content"][0]["text"])
'''
