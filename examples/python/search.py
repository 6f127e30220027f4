"""A search in Python: a program that stays and answers each JSON line with one JSON line (`serve:`, `like: automl`).

It changes one option after the other and keeps what is faster within the bound on the loss. Standard library only.
"""

import json
import sys


class Search:
    def __init__(self, setting):
        self.setting = setting
        self.best = {option["id"]: option["values"][0] for option in setting["options"]}
        self.latency = None
        self.rest = [(option["id"], value) for option in setting["options"] for value in option["values"][1:]]

    def next(self, observation):
        within = observation["nll-delta"] <= self.setting["nll-bound"]
        # The first observation is of the default, which is always allowed.
        if self.latency is None or (within and observation["latency"] < self.latency):
            self.best, self.latency = observation["configuration"], observation["latency"]
        if observation["left"] == 0 or not self.rest:
            return {"found": self.best}
        option, value = self.rest.pop(0)
        return {"try": {**self.best, option: value}, "calls": self.setting["calls"]}


def answers(lines):
    search = None
    for line in lines:
        request = json.loads(line)
        kind = request["do"]
        if kind == "hello":
            yield {"ok": {"contract": 1}}
        elif kind == "start":
            search = Search(request["episode"]["setting"])
            yield {"ok": None}
        elif kind == "next" and search is not None:
            yield {"ok": search.next(request["observation"])}
        else:
            yield {"error": f"cannot answer {kind!r}"}


for answer in answers(sys.stdin):
    print(json.dumps(answer), flush=True)
