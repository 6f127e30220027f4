"""Writes __tests__/oracles/onnx/: small models made by the reference ONNX package and by torch's TorchScript exporter.

Run with a Python that has onnx 1.12 and torch 1.13 or newer: python3 make-onnx-fixtures.py
"""
import json
import os
import shutil

import numpy as np
import onnx
import torch
from onnx import TensorProto, helper, numpy_helper

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "onnx")
VALUES = [1.0, -2.5, 0.1, 65504.0, 3e-7, -0.0, 100.25, 7.0]
INTEGERS = [0, 1, 2, 3, 100, 127, 5, 6]
TYPES = {
    "float": TensorProto.FLOAT, "double": TensorProto.DOUBLE, "float16": TensorProto.FLOAT16, "bfloat16": TensorProto.BFLOAT16,
    "int8": TensorProto.INT8, "uint8": TensorProto.UINT8, "int16": TensorProto.INT16, "uint16": TensorProto.UINT16,
    "int32": TensorProto.INT32, "uint32": TensorProto.UINT32, "int64": TensorProto.INT64, "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
}


def identity_model(tensors):
    outputs = [helper.make_tensor_value_info("out_" + t.name, t.data_type, list(t.dims)) for t in tensors]
    nodes = [helper.make_node("Identity", [t.name], ["out_" + t.name]) for t in tensors]
    graph = helper.make_graph(nodes, "types", [], outputs, initializer=tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def types():
    typed, expected = [], {}
    for name, code in TYPES.items():
        values = VALUES if name in ("float", "double", "float16", "bfloat16") else INTEGERS
        if name == "bool":
            values = [v % 2 for v in INTEGERS]
        tensor = helper.make_tensor(name, code, [2, 4], values)
        typed.append(tensor)
        read = numpy_helper.to_array(tensor).astype(np.float32).reshape(-1)
        expected[name] = [float(v) for v in read]
    onnx.save(identity_model(typed), os.path.join(HERE, "typed.onnx"))
    raw = []
    for tensor in typed:
        if tensor.data_type == TensorProto.BFLOAT16:
            bits = np.array(tensor.int32_data, dtype=np.uint16)
            raw.append(helper.make_tensor(tensor.name, tensor.data_type, [2, 4], bits.tobytes(), raw=True))
        else:
            raw.append(numpy_helper.from_array(numpy_helper.to_array(tensor), tensor.name))
    onnx.save(identity_model(raw), os.path.join(HERE, "raw.onnx"))
    with open(os.path.join(HERE, "types.json"), "w") as file:
        json.dump(expected, file, indent=1)
        file.write("\n")


class Block(torch.nn.Module):
    """One pre-norm attention layer and one feed-forward layer over embedded tokens."""

    def __init__(self):
        super().__init__()
        self.embed = torch.nn.Embedding(50, 32)
        self.q, self.k, self.v, self.o = (torch.nn.Linear(32, 32, bias=False) for _ in range(4))
        self.up, self.down = torch.nn.Linear(32, 96), torch.nn.Linear(96, 32)
        self.head = torch.nn.Linear(32, 50, bias=False)

    def forward(self, input_ids):
        x = self.embed(input_ids)
        batch, length, _ = x.shape
        q, k, v = (f(x).view(batch, length, 4, 8).transpose(1, 2) for f in (self.q, self.k, self.v))
        scores = torch.softmax(q @ k.transpose(-1, -2) / 8**0.5, -1)
        x = x + self.o((scores @ v).transpose(1, 2).reshape(batch, length, 32))
        x = x + self.down(torch.nn.functional.gelu(self.up(x)))
        return self.head(x)


def block():
    torch.manual_seed(7)
    path = os.path.join(HERE, "block.onnx")
    axes = {"input_ids": {0: "batch", 1: "sequence"}, "logits": {0: "batch", 1: "sequence"}}
    sample = torch.randint(0, 50, (2, 5))
    module = Block().eval()
    torch.onnx.export(module, (sample,), path, input_names=["input_ids"], output_names=["logits"], dynamic_axes=axes, opset_version=17)
    model = onnx.load(path)
    with open(os.path.join(HERE, "block.json"), "w") as file:
        logits = module(sample).detach().numpy().reshape(-1)
        json.dump({"input_ids": sample.tolist(), "logits": [round(float(v), 6) for v in logits]}, file)
        file.write("\n")
    folder = os.path.join(HERE, "external")
    shutil.rmtree(folder, ignore_errors=True)
    os.mkdir(folder)
    onnx.save_model(model, os.path.join(folder, "block.onnx"), save_as_external_data=True, location="weights.bin", size_threshold=0)


def branch():
    """An If whose branches read the outer tensor `doubled`."""
    def arm(name, operator):
        node = helper.make_node(operator, ["doubled", "one"], [name])
        return helper.make_graph([node], name, [], [helper.make_tensor_value_info(name, TensorProto.FLOAT, [3])])

    nodes = [
        helper.make_node("Add", ["x", "x"], ["doubled"]),
        helper.make_node("If", ["flag"], ["y"], then_branch=arm("added", "Add"), else_branch=arm("taken", "Sub")),
    ]
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, [3]), helper.make_tensor_value_info("flag", TensorProto.BOOL, [])]
    one = numpy_helper.from_array(np.ones(3, dtype=np.float32), "one")
    graph = helper.make_graph(nodes, "branch", inputs, [helper.make_tensor_value_info("y", TensorProto.FLOAT, [3])], initializer=[one])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.checker.check_model(model)
    onnx.save(model, os.path.join(HERE, "branch.onnx"))


if __name__ == "__main__":
    os.makedirs(HERE, exist_ok=True)
    types()
    block()
    branch()
