#!/usr/bin/env python3
"""Optimal truncation errors (Eckart-Young) of a plain and of an activation-weighed matrix, by NumPy's LAPACK.

Writes truncated-svd.json beside itself. The numbers come from a linear congruential generator that the test repeats.
"""
import json
import pathlib

import numpy as np

ROWS, COLUMNS, SAMPLES, RANKS = 40, 64, 200, [4, 8, 16, 24]


def numbers(seed, count):
    out, state = [], seed
    for _ in range(count):
        state = (1664525 * state + 1013904223) % 2**32
        out.append(state / 2**31 - 1)
    return np.array(out)


def decaying(seed, rows, columns, power):
    """Random, with columns that matter less and less, so that truncation has something to do."""
    return numbers(seed, rows * columns).reshape(rows, columns) * (1.0 + np.arange(rows)[:, None]) ** -power


weights = decaying(1, ROWS, COLUMNS, 0.7)
inputs = decaying(2, ROWS, SAMPLES, 0.5).T
moment = inputs.T @ inputs / SAMPLES
moment[np.diag_indices(ROWS)] += np.trace(moment) / ROWS * 1e-4
weighed = np.linalg.cholesky(moment).T @ weights


def tails(matrix):
    values = np.linalg.svd(matrix, compute_uv=False)
    return {'singular': values.tolist(), 'errors': {str(rank): float(np.sqrt((values[rank:] ** 2).sum())) for rank in RANKS}}


path = pathlib.Path(__file__).with_name('truncated-svd.json')
path.write_text(json.dumps({'rows': ROWS, 'columns': COLUMNS, 'samples': SAMPLES, 'plain': tails(weights), 'weighed': tails(weighed)}, indent=1) + '\n')
