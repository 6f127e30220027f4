"""Writes serial-dependence.json: what the test of serial dependence is held against.

Lower tails of the rank von Neumann ratio: exact ones of up to 12 ranks, with ties too, by counting
all orders, and simulated ones of up to 36. Simulated tails of Spearman's correlation with the order,
and SciPy's p of it.

    python3 serial-dependence.py > serial-dependence.json      # needs NumPy and SciPy
"""
import json

import numpy as np
from scipy import stats


def distribution(scores):
    """Number of orders of whole-numbered scores by their sum of squared steps."""
    n = len(scores)
    most = (max(scores) - min(scores)) ** 2 * (n - 1)
    ways = {(1 << i, i): np.eye(1, most + 1, 0)[0] for i in range(n)}
    for _ in range(n - 1):
        longer = {}
        for (used, last), counts in ways.items():
            for i in range(n):
                if used >> i & 1:
                    continue
                step = (scores[i] - scores[last]) ** 2
                key = (used | 1 << i, i)
                moved = np.zeros(most + 1)
                moved[step:] = counts[: most + 1 - step]
                longer[key] = longer.get(key, 0) + moved
        ways = longer
    return sum(ways.values())


generator = np.random.default_rng(1)
levels = [0.01, 0.05, 0.1, 0.2, 0.5]
runs = 400_000


def orders_of(ranks):
    return generator.permuted(np.tile(ranks, (runs, 1)), axis=1)


def steps_of(orders):
    return (np.diff(orders, axis=1) ** 2).sum(axis=1)


def exact(ranks):
    """Orders at some levels of the lower tail, with their exact p."""
    counts = distribution(ranks)
    tail = np.cumsum(counts) / counts.sum()
    orders = orders_of(ranks)
    steps = steps_of(orders)
    places = [np.flatnonzero(steps >= np.searchsorted(tail, level)) for level in levels]
    chosen = [place[np.argmin(steps[place])] for place in places]
    return {"ranks": ranks, "tail": [{"order": orders[at].tolist(), "p": float(tail[steps[at]])} for at in chosen]}


def simulated(n):
    """Orders at some levels of the lower tail of the steps, and of the upper one of |rho|."""
    orders = orders_of(np.arange(1, n + 1))
    rho = np.abs((orders - (n + 1) / 2) @ (np.arange(n) - (n - 1) / 2))

    def tail(values):
        sorted_values = np.sort(values)
        chosen = np.argsort(values)[[int(level * runs) for level in levels]]
        return [{"order": orders[at].tolist(), "p": float(np.searchsorted(sorted_values, values[at], "right") / runs)} for at in chosen]

    return {"n": n, "neighbours": tail(steps_of(orders)), "trend": tail(-rho)}


# Mid-ranks, doubled so that they are whole numbers.
tied = [[3, 3, 7, 7, 10, 12, 14, 16, 19, 19], [5, 5, 5, 5, 10, 12, 14, 16, 18, 20]]
series = [[float(x) for x in np.round(generator.normal(size=n), 6)] for n in (7, 12, 24, 36)]
print(json.dumps({
    "exact": [exact(ranks) for ranks in [list(range(1, n + 1)) for n in (8, 10, 12)] + tied],
    "simulated": [simulated(n) for n in (12, 24, 36)],
    "spearman": [{"values": values, "p": float(stats.spearmanr(values, range(len(values))).pvalue)} for values in series],
}))
