#!/usr/bin/env python3
"""Least-squares refits of one layer by NumPy's SVD-based solver, on the activations themselves instead of their moments.

Writes least-squares-refit.json beside itself. The numbers come from a linear congruential generator that the test repeats.
"""
import json
import pathlib

import numpy as np

INPUTS, OUTPUTS, SAMPLES, RIDGE = 24, 10, 200, 1e-4
KEEP = [at for at in range(INPUTS) if at % 4 != 1]


def numbers(seed, count):
    out, state = [], seed
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out.append(state / 2**31 - 1)
    return np.array(out)


def solved(inputs, goal, start, ridge):
    """argmin ‖goal − inputs·W‖² + ridge·‖W − start‖²"""
    size = inputs.shape[1]
    left = np.vstack([inputs, np.sqrt(ridge) * np.eye(size)])
    right = np.vstack([goal, np.sqrt(ridge) * start])
    return np.linalg.lstsq(left, right, rcond=None)[0]


weights = numbers(1, INPUTS * OUTPUTS).reshape(INPUTS, OUTPUTS)
# Channels that are like their neighbours: what goes can be made up for.
mixed = np.eye(INPUTS) + 0.5 * np.eye(INPUTS, k=1) + 0.3 * np.eye(INPUTS, k=-2)
inputs = numbers(2, SAMPLES * INPUTS).reshape(SAMPLES, INPUTS) @ mixed
goal = inputs @ weights
ridge = RIDGE * np.mean((inputs**2).sum(axis=0))

rows = solved(inputs[:, KEEP], goal, weights[KEEP], ridge)

# Of every four inputs of an output the two smallest weights go.
order = np.argsort(np.abs(weights).reshape(INPUTS // 4, 4, OUTPUTS), axis=1)
mask = np.ones((INPUTS // 4, 4, OUTPUTS), bool)
np.put_along_axis(mask, order[:, :2], False, axis=1)
mask = mask.reshape(INPUTS, OUTPUTS)
masked = np.zeros_like(weights)
for output in range(OUTPUTS):
    kept = mask[:, output]
    masked[kept, output] = solved(inputs[:, kept], goal[:, output : output + 1], weights[kept][:, output : output + 1], ridge)[:, 0]

fed = inputs[:, :8] + 0.2 * numbers(3, SAMPLES * 8).reshape(SAMPLES, 8)
factor = solved(fed, goal, weights[:8], RIDGE * np.mean((fed**2).sum(axis=0)))

path = pathlib.Path(__file__).with_name('least-squares-refit.json')
path.write_text(
    json.dumps(
        {
            'inputs': INPUTS,
            'outputs': OUTPUTS,
            'samples': SAMPLES,
            'keep': KEEP,
            'mask': mask.astype(int).ravel().tolist(),
            'rows': rows.ravel().tolist(),
            'masked': masked.ravel().tolist(),
            'factor': factor.ravel().tolist(),
            'errors': {
                'cut': float(((goal - inputs[:, KEEP] @ weights[KEEP]) ** 2).sum()),
                'rows': float(((goal - inputs[:, KEEP] @ rows) ** 2).sum()),
                'mask': float(((goal - inputs @ (weights * mask)) ** 2).sum()),
                'masked': float(((goal - inputs @ masked) ** 2).sum()),
            },
        },
        indent=1,
    )
    + '\n'
)
