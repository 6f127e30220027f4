#!/usr/bin/env python3
"""Metrics of feedback control from the latencies of some loops, judged anew from docs/metrics.md.

Reads loop-response-input.json, writes loop-response.json beside itself. The latencies are replayed too, from the plant, the noise that was drawn
and the batches that were decided on: a series that is not what the page describes stops the script.
"""
import json
import math
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
STEPS, BATCHES, LARGEST = 60, 16, 16
CALM, DISTURBED = 8, 16
given = json.loads((HERE / 'loop-response-input.json').read_text())
plant = given['plant']


def takes(requests, tokens):
    return plant['fixed'] + requests * (plant['request'] + plant['token'] * tokens)


def course(point):
    """Tokens of the prompts of each step, and which of them the machine is overloaded or has slack in."""
    step = np.arange(STEPS)
    if point == 'saturation':
        fifth = step // (STEPS // 5)
        return np.full(STEPS, CALM), fifth == 1, fifth == 3
    disturbed = step >= STEPS // 3
    if point == 'burst':
        disturbed &= step < 2 * STEPS // 3
    # A ramp has all of its height after a fifth of the steps, the first of which rises already.
    height = np.minimum(1, (step - STEPS // 3 + 1) / (STEPS // 5)) if point == 'ramp' else 1
    tokens = CALM + np.where(disturbed, height * (DISTURBED - CALM), 0)
    never = np.zeros(STEPS, bool)
    return np.round(tokens), never, never


def stretches(point):
    """First and last step of what has to settle, and the side to which the disturbance pushes the latency there; 0: nothing pushes."""
    third, fifth = STEPS // 3, STEPS // 5
    if point == 'saturation':
        # After an overload the batch is small, so that the latency is too low; after slack it is large.
        return [(0, fifth, 0), (2 * fifth, 3 * fifth, -1), (4 * fifth, STEPS, 1)]
    if point == 'burst':
        return [(0, third, 0), (third, 2 * third, 1), (2 * third, STEPS, -1)]
    return [(0, third, 0), (third, STEPS, 1)]


def set_point(point):
    return takes({'low': 4, 'high': 12}.get(point, 8), CALM)


def replayed(point, decided):
    """Mean latency and batch of each step."""
    tokens, overload, slack = course(point)
    noise = np.array(given['noise']).reshape(STEPS, BATCHES)
    target = set_point(point)
    wanted = [{'low': 4, 'high': 12}.get(point, 8), *decided]
    asked, given_out, wait, means = 0.0, 0, 0.0, []
    for step in range(STEPS):
        pace = 1.5 * target / takes(1, CALM) if overload[step] else 0.6 * target / takes(LARGEST, CALM) if slack[step] else 1.0
        latencies, batches = [], []
        for each in noise[step]:
            # Whole batches that add up to what was asked for.
            asked += wanted[step]
            batch = max(1, math.floor(asked - given_out + 0.5))
            given_out += batch
            took = pace * takes(batch, tokens[step]) * (1 + 0.03 * each)
            latencies.append(wait + took)
            batches.append(batch)
            # The next one comes when a batch of the set-point would have kept the server busy for 85 % of the time.
            wait = max(0.0, wait + took - target / 0.85) if point == 'queue' else 0.0
        means.append((np.mean(latencies), np.mean(batches)))
    return np.array(means).T


def metrics(point, latency, batch):
    deviations = [(100 * (latency[first:end] / set_point(point) - 1), side) for first, end, side in stretches(point)]
    longest = max(len(errors) for errors, _ in deviations)
    settled, overshoots, left, swings = [], [], [], []
    for errors, side in deviations:
        outside = np.flatnonzero(np.abs(errors) > 5)
        # Counted from 1: a loop that is never outside has settled with its first step.
        first_within = 1 if len(outside) == 0 else outside[-1] + 2
        settled.append(first_within if first_within <= len(errors) else longest + 1)
        overshoots.append(max(0, (-side * errors).max()) if side else 0)
        tail = errors[-math.ceil(len(errors) / 3) :]
        left.append(abs(tail.mean()))
        swings.append(tail.max() - tail.min())
    moves = np.diff(batch)
    turns = np.diff(np.sign(moves[np.abs(moves) >= 0.5]))
    return {
        'settling-steps': max(settled),
        'overshoot': max(overshoots),
        'tracking-accuracy': 100 - np.mean(left),
        'ripple': max(swings) / 2,
        'reversals': 100 * np.count_nonzero(turns) / STEPS,
        'stable': int(max(swings) <= 20),
    }


oracle = []
for loop in given['loops']:
    latency, batch = np.array(loop['latency']), np.array(loop['batch'])
    again = replayed(loop['point'], loop['decided'])
    assert np.allclose(again, [latency, batch], rtol=1e-9, atol=0), (loop['point'], loop['name'], np.abs(again - [latency, batch]).max(1))
    oracle.append({'point': loop['point'], 'name': loop['name'], 'values': metrics(loop['point'], latency, batch)})
(HERE / 'loop-response.json').write_text(json.dumps(oracle, indent=1, default=lambda value: value.item()) + '\n')
