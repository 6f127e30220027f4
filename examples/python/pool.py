"""A pool in Python: it builds the variants, searches them and serves (`serve:`, `like: architecture-search`).

Every variant is cut as `prune.py` cuts, which must lie beside this file: widths only, so the pool of the benchmark needs depth 1
(`like-with: { pool: [{ depth: 1, width: 0.75 }] }`). Needs the packages `onnx` and `numpy`.
"""

import json
import os
import sys

import onnx
import prune


def build(request):
    """Writes one member of the pool; every other graph of the model is taken over as it is."""
    shape = request["variant"]["options"]
    if shape["depth"] != 1:
        raise ValueError(f"{request['variant']['name']}: no layer goes here; say a pool of depth 1 under like-with")
    for stage in request["input"]["stages"]:
        model = onnx.load(os.path.join(request["input"]["folder"], stage["graph"]))
        if stage["id"] == "decoder":
            prune.prune(model, 1 - shape["width"])
        output = os.path.join(request["output"], stage["graph"])
        onnx.save_model(model, output, save_as_external_data=True, location=stage["graph"] + ".data", size_threshold=1024)
    return {"stages": request["input"]["stages"]}


class Search:
    """Tries one member after the other, as many as it may, and offers all that it has seen."""

    def __init__(self, setting):
        self.names = [member["name"] for member in setting["members"]]
        self.seen = 1

    def next(self, observation):
        if observation["left"] == 0 or self.seen == len(self.names):
            return {"offer": self.names[: self.seen]}
        self.seen += 1
        return {"try": self.names[self.seen - 1]}


class Serve:
    """The best answers that the latency budget allows; where it allows none, the fastest."""

    def __init__(self, setting):
        self.members = sorted(setting["members"], key=lambda member: member["nll-delta"])

    def next(self, observation):
        for member in self.members:
            if member["latency"] <= observation["budget"]:
                return {"serve": member["name"]}
        return {"serve": min(self.members, key=lambda member: member["latency"])["name"]}


def answers(lines):
    policy = None
    for line in lines:
        request = json.loads(line)
        kind = request["do"]
        if kind == "hello":
            yield {"ok": {"contract": 1}}
        elif kind == "build":
            try:
                yield {"ok": build(request)}
            except (OSError, ValueError) as error:
                yield {"error": str(error), "code": "build-failed"}
        elif kind == "start":
            setting = request["episode"]["setting"]
            policy = Search(setting) if setting["task"] == "search" else Serve(setting)
            yield {"ok": None}
        elif kind == "next" and policy is not None:
            yield {"ok": policy.next(request["observation"])}
        else:
            yield {"error": f"cannot answer {kind!r}"}


for answer in answers(sys.stdin):
    print(json.dumps(answer), flush=True)
