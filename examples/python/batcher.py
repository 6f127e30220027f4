"""A batching policy in Python: a program that stays and answers each JSON line with one JSON line (`serve:`, `like: adaptive-batching`).

It serves the largest batch that still meets the deadline of its oldest request, by the load test that the setting holds and the pace
of the machine since then. Standard library only.
"""

import bisect
import json
import sys

MEMORY = 0.9  # what the known pace still weighs after the next batch


class Batcher:
    def __init__(self, setting):
        self.setting = setting
        self.pace = 1.0

    def expected(self, requests, longest):
        """Milliseconds of a batch by the load test: the next larger row and column that it has."""
        service = self.setting["service"]
        row = min(bisect.bisect_left(service["lengths"], longest), len(service["lengths"]) - 1)
        column = min(bisect.bisect_left(service["batches"], requests), len(service["batches"]) - 1)
        return service["ms"][row][column]

    def next(self, observation):
        last = observation["last"]
        if last is not None:
            pace = last["ms"] / self.expected(last["requests"], last["longest"])
            self.pace = MEMORY * self.pace + (1 - MEMORY) * pace
        tokens = observation["tokens"]
        left = self.setting["objective"] - observation["ages"][0]
        most = min(len(tokens), self.setting["maximum"])
        in_time = [size for size in range(1, most + 1) if self.pace * self.expected(size, max(tokens[:size])) <= left]
        # Where the oldest is late in any case, the largest batch clears the queue soonest.
        return {"batch": in_time[-1] if in_time else most}


def answers(lines):
    batcher = None
    for line in lines:
        request = json.loads(line)
        kind = request["do"]
        if kind == "hello":
            yield {"ok": {"contract": 1}}
        elif kind == "start":
            batcher = Batcher(request["episode"]["setting"])
            yield {"ok": None}
        elif kind == "next" and batcher is not None:
            yield {"ok": batcher.next(request["observation"])}
        else:
            yield {"error": f"cannot answer {kind!r}"}


for answer in answers(sys.stdin):
    print(json.dumps(answer), flush=True)
