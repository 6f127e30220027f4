#!/usr/bin/env python3
"""Metrics of adaptive batching from one table of service times, by a queue that is replayed from docs/metrics.md.

Reads batch-replay-input.json, writes batch-replay.json beside itself: what follows from the table, and the metrics and batches of the
choices that were recorded, of the best fixed batch and of batch 1.
"""
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
LOADS, LARGEST = [0.7, 0.95, 1.2], 16
given = json.loads((HERE / 'batch-replay-input.json').read_text())
service = given['service']
lengths, sizes, table, decode = (np.array(service[key]) for key in ('lengths', 'batches', 'ms', 'decode'))


def takes(requests, longest):
    """Milliseconds of a batch by the table, in a straight line between its sizes."""
    return np.interp(longest, lengths, [np.interp(requests, sizes, row) for row in table])


alone = takes(1, lengths.mean())
objective = 3 * alone
# Requests per second of the batch that takes half of the objective at the longest prompt. The last row rises, so that there is one.
capacity = 1000 * np.interp(objective / 2, table[-1], sizes) / (objective / 2)


def serve(arrivals, choices, luck):
    """Batches of a first-come-first-served queue: (when it began, how many waited, how many it took, its longest prompt, its end)."""
    times, tokens = (np.array(column) for column in zip(*arrivals))
    batches, served, free = [], 0, 0.0
    while served < len(times):
        start = max(free, times[served])
        waiting = int((times <= start).sum()) - served
        taken = min(choices[len(batches)], waiting, LARGEST)
        longest = tokens[served : served + taken].max()
        free = start + takes(taken, longest) * luck[len(batches)]
        batches.append((start, waiting, taken, longest, free))
        served += taken
    return batches


def latencies(arrivals, batches):
    """From arrival to the last token, request by request."""
    ends = np.repeat([end for *_, end in batches], [taken for _, _, taken, _, _ in batches])
    return ends - np.array([time for time, _ in arrivals])


def goodput(traces):
    """Requests in time per second. Each load takes from 0 to the end of its last batch, idle time included."""
    in_time = sum(int((latencies(arrivals, batches) <= objective).sum()) for arrivals, batches in traces)
    return 1000 * in_time / sum(batches[-1][-1] for _, batches in traces)


def metrics(traces):
    waits = np.concatenate([latencies(*trace) for trace in traces])
    asked = sum(tokens + decode for arrivals, _ in traces for _, tokens in arrivals)
    # Milliseconds of a token in the batch of the table that takes least for one, and of the batches as the table has them.
    least = (table / (sizes * (lengths[:, None] + decode))).min()
    spent = sum(takes(taken, longest) for _, batches in traces for _, _, taken, longest, _ in batches)
    return {
        'goodput': goodput(traces),
        'latency-p50': np.percentile(waits, 50),
        'latency-p99': np.percentile(waits, 99),
        'slo-attainment': 100 * (waits <= objective).mean(),
        'utilization': 100 * asked * least / spent,
    }


def fixed_goodput(batch, sweeps):
    """Mean over draws, each batch as long as the table says."""
    return np.mean([goodput([(arrivals, serve(arrivals, [batch] * 24, [1.0] * 24)) for arrivals in loads]) for loads in sweeps])


def always(batch):
    return [[batch] * 24] * len(LOADS)


def replayed(replay, choices):
    traces = [(arrivals, serve(arrivals, own, luck)) for arrivals, own, luck in zip(replay['arrivals'], choices, replay['luck'])]
    return {**metrics(traces), 'batches': [[[start, waiting, taken] for start, waiting, taken, _, _ in batches] for _, batches in traces]}


# The draws keep to what the page says of them.
for replay in given['replays'].values():
    for loads in [replay['arrivals'], *replay['sweeps']]:
        for load, arrivals in zip(LOADS, loads, strict=True):
            times = [time for time, _ in arrivals]
            assert len(times) == 24 and times == sorted(times) and 0 <= times[0] and times[-1] <= 1000 * 24 / (load * capacity)
            assert {tokens for _, tokens in arrivals} <= set(lengths.tolist())
    for luck in np.array(replay['luck']):
        # One pace within ± 20 % from which no batch is farther than ± 3 %.
        assert max(0.8, luck.max() / 1.03) <= min(1.2, luck.min() / 0.97)

shapes = {}
for shape, replay in given['replays'].items():
    best = max(range(1, LARGEST + 1), key=lambda batch: fixed_goodput(batch, replay['sweeps']))
    shapes[shape] = {
        'fixed': best,
        'chosen': replayed(replay, replay['chosen']),
        'best': replayed(replay, always(best)),
        'single': replayed(replay, always(1)),
    }

oracle = {'alone': alone, 'objective': objective, 'capacity': capacity, 'shapes': shapes}
(HERE / 'batch-replay.json').write_text(json.dumps(oracle, default=lambda value: value.item()) + '\n')
