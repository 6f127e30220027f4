"""A pruning of one's own as a command, in Python: ONNX in, ONNX out.

    python3 optimize/prune.py --model {model} --output {output} --ratio 0.25

Every dense feed-forward (gate and up projections, their product, the down projection) loses the channels whose rows of the
down projection are smallest, and its matrices really shrink. Needs the packages `onnx` and `numpy`. Deterministic: the same
model and options give the same bytes.
"""

import argparse
import os
import sys

import numpy
import onnx
from onnx import numpy_helper

MULTIPLE = 8  # widths stay a multiple of this: odd ones are slow on most hardware


class Graph:
    """The main graph with the look-ups that pruning needs."""

    def __init__(self, graph):
        self.weights = {tensor.name: tensor for tensor in graph.initializer}
        self.producer = {name: node for node in graph.node for name in node.output}
        self.matmuls = [node for node in graph.node if node.op_type == "MatMul" and node.input[1] in self.weights]
        self.readers = {}
        for node in graph.node:
            for name in node.input:
                self.readers[name] = self.readers.get(name, 0) + 1

    def matmuls_above(self, tensor):
        """The weighted MatMuls that feed a tensor through element-wise nodes, nearest first."""
        node = self.producer.get(tensor)
        if node is None:
            return []
        if node.op_type == "MatMul":
            return [node] if node.input[1] in self.weights else []
        if node.op_type not in ("Mul", "Sigmoid", "Silu", "Swish", "QuickGelu"):
            return []
        found = [each for name in node.input for each in self.matmuls_above(name)]
        return [each for at, each in enumerate(found) if each not in found[:at]]

    def feed_forwards(self):
        """(gate, up, down): two MatMuls of one input whose product is the input of a third."""
        for down in self.matmuls:
            above = self.matmuls_above(down.input[0])
            if len(above) == 2 and above[0].input[0] == above[1].input[0]:
                yield above[0], above[1], down

    def keep(self, node, axis, channels):
        """Cuts the matrix of a node ([inputs, outputs]) to some of its rows (axis 0) or columns (axis 1)."""
        tensor = self.weights[node.input[1]]
        if self.readers[tensor.name] > 1:
            raise ValueError(f"{tensor.name} is read by several nodes: it cannot be cut for one of them")
        tensor.CopyFrom(numpy_helper.from_array(numpy.take(numpy_helper.to_array(tensor), channels, axis), tensor.name))


def prune(model, ratio):
    """Cuts every feed-forward in place; returns how many channels went."""
    graph = Graph(model.graph)
    removed = 0
    for gate, up, down in graph.feed_forwards():
        matrix = numpy_helper.to_array(graph.weights[down.input[1]]).astype(numpy.float64)
        width = matrix.shape[0]
        left = max(MULTIPLE, round(width * (1 - ratio) / MULTIPLE) * MULTIPLE)
        if left >= width:
            continue
        order = numpy.argsort(-numpy.linalg.norm(matrix, axis=1), kind="stable")
        channels = numpy.sort(order[:left])
        graph.keep(down, 0, channels)
        graph.keep(gate, 1, channels)
        graph.keep(up, 1, channels)
        removed += width - left
    del model.graph.value_info[:]  # shapes of before
    return removed


def main():
    parser = argparse.ArgumentParser(description="Structured pruning of feed-forwards by magnitude.")
    parser.add_argument("--model", required=True, help="ONNX file to read; its data files lie beside it")
    parser.add_argument("--output", required=True, help="ONNX file to write")
    parser.add_argument("--ratio", type=float, default=0.25, help="share of the channels that goes")
    options = parser.parse_args()
    if not 0 <= options.ratio < 1:
        parser.error("--ratio must be at least 0 and below 1")
    model = onnx.load(options.model)
    removed = prune(model, options.ratio)
    if removed == 0 and options.ratio > 0:
        sys.exit("no feed-forward was found that can be pruned")
    # Weights go into one file beside the graph: a protobuf holds at most 2 GiB.
    data = os.path.basename(options.output) + ".data"
    onnx.save_model(model, options.output, save_as_external_data=True, location=data, size_threshold=1024)
    print(f"{removed} channels removed")


if __name__ == "__main__":
    main()
