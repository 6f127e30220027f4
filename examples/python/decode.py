"""An external measurement: a program that measures by itself (`measure:`) and answers each line `round N` with one JSON line.

What it times stands for one's own engine (PyTorch, vLLM, a CUDA binary): here a loop over a table. Standard library only.
"""

import json
import sys
import time

TABLE = [index * 7919 % 4093 for index in range(40_000)]


def decode_step():
    return sum(value * value for value in TABLE) % 65_521


for line in sys.stdin:
    started = time.perf_counter()
    token = decode_step()
    milliseconds = 1000 * (time.perf_counter() - started)
    print(json.dumps({"decode-latency": milliseconds, "table-bytes": sys.getsizeof(TABLE), "token": token}), flush=True)
