"""An agent in a loop that nobody watches: it asks and asks."""

import time

from openai import APIStatusError, OpenAI

client = OpenAI()
for turn in range(500):
    try:
        client.chat.completions.create(model="gpt-4o", messages=[{"role": "user", "content": f"turn {turn}:" + " and again?" * 100}])
        print("turn:", turn + 1, flush=True)
    except APIStatusError as error:
        print("refused:", error.message, flush=True)
        time.sleep(30)
