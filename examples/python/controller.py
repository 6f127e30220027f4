"""A policy in any language: a program that stays and answers each JSON line with one JSON line (`serve:`, `like: feedback-control`).

It steers the batch so that the mean latency of a step stays at the set-point, by an integral controller. Standard library only.
"""

import json
import sys

GAIN = 0.4


class Controller:
    def __init__(self, setting):
        self.setting = setting
        self.batch = setting["initial"]

    def next(self, observation):
        # The slope turns an error in milliseconds into one in requests.
        error = (self.setting["setPoint"] - observation["latency"]) / self.setting["slope"]
        batch = self.batch + GAIN * error
        self.batch = min(self.setting["maximum"], max(self.setting["minimum"], batch))
        return {"batch": self.batch}


def answers(lines):
    controller = None
    for line in lines:
        request = json.loads(line)
        kind = request["do"]
        if kind == "hello":
            yield {"ok": {"contract": 1}}
        elif kind == "start":
            controller = Controller(request["episode"]["setting"])
            yield {"ok": None}
        elif kind == "next" and controller is not None:
            yield {"ok": controller.next(request["observation"])}
        else:
            yield {"error": f"cannot answer {kind!r}"}


for answer in answers(sys.stdin):
    print(json.dumps(answer), flush=True)
