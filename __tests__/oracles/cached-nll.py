#!/usr/bin/env python3
"""Loss behind a cache of mini-qwen3-dense, of the reference and of streaming, by a forward pass in NumPy.

Writes cached-nll.json beside itself. Everything is in float64, from config.json, the weights and the held-out text. Written from
docs/metrics.md and the published model (Qwen3; StreamingLLM, arXiv 2309.17453), not from the program. Here a cache holds keys before
they are turned. Each call turns all of them by the places that they have in the cache.
"""
import json
import pathlib

import numpy as np

HERE = pathlib.Path(__file__).parent
MODEL = HERE.parents[1] / 'models' / 'mini-qwen3-dense'
WINDOWS, STEPS = 8, 128
# The defaults of the options of streaming.
SINKS, KEEP_LAST, CHUNK = 4, 60, 32


def tensors(path):
    """Tensors of a safetensors file: the length of a JSON header, the header, the bytes."""
    data = path.read_bytes()
    start = 8 + int.from_bytes(data[:8], 'little')
    header = json.loads(data[8:start])
    header.pop('__metadata__', None)
    types = {'F16': '<f2', 'U16': '<u2'}
    return {
        name: np.frombuffer(data[start + each['data_offsets'][0] : start + each['data_offsets'][1]], types[each['dtype']]).reshape(each['shape'])
        for name, each in header.items()
    }


config = json.loads((MODEL / 'config.json').read_text())
weights = {name: values.astype(np.float64) for name, values in tensors(MODEL / 'model.safetensors').items()}
text = tensors(MODEL / 'evaluation.safetensors')['tokens'][:WINDOWS].astype(int)

LAYERS, HEADS, KV_HEADS, SIZE = (config[key] for key in ('num_hidden_layers', 'num_attention_heads', 'num_key_value_heads', 'head_dim'))


def norm(x, weight):
    return x / np.sqrt((x**2).mean(-1, keepdims=True) + config['rms_norm_eps']) * weight


def turned(x, places):
    """Rotary positions: the pair (i, i + half) of each head turns by place · theta ** (-2 i / size)."""
    angles = places[:, None] * config['rope_theta'] ** (-2 * np.arange(SIZE // 2) / SIZE)
    pairs = x[..., : SIZE // 2] + 1j * x[..., SIZE // 2 :]
    pairs = pairs * np.exp(1j * angles)[None, :, None, :]
    return np.concatenate([pairs.real, pairs.imag], -1)


def attend(q, k, v):
    """Each query sees the keys up to its own place, the last of which is the newest; query heads share keys in groups."""
    rows, new, _, _ = q.shape
    held = k.shape[1]
    grouped = q.reshape(rows, new, KV_HEADS, HEADS // KV_HEADS, SIZE)
    scores = np.einsum('rqhgd,rkhd->rhgqk', grouped, k) / np.sqrt(SIZE)
    scores[..., np.arange(held)[None, :] > np.arange(held - new, held)[:, None]] = -np.inf
    shares = np.exp(scores - scores.max(-1, keepdims=True))
    shares /= shares.sum(-1, keepdims=True)
    return np.einsum('rhgqk,rkhd->rqhgd', shares, v).reshape(rows, new, HEADS * SIZE)


def call(tokens, cache):
    """Logits of some tokens behind a cache, and the cache with them: for each layer the keys, not turned, and the values."""
    x = weights['model.embed_tokens.weight'][tokens]
    after = []
    for layer in range(LAYERS):
        def linear(name, y):
            return y @ weights[f'model.layers.{layer}.{name}.weight'].T

        def scale(name):
            return weights[f'model.layers.{layer}.{name}.weight']

        normed = norm(x, scale('input_layernorm'))
        q, k, v = (linear(f'self_attn.{part}_proj', normed).reshape(*tokens.shape, -1, SIZE) for part in 'qkv')
        q, k = norm(q, scale('self_attn.q_norm')), norm(k, scale('self_attn.k_norm'))
        if cache is not None:
            k, v = (np.concatenate([old, new], 1) for old, new in zip(cache[layer], (k, v)))
        after.append((k, v))
        places = np.arange(k.shape[1])
        x = x + linear('self_attn.o_proj', attend(turned(q, places[-tokens.shape[1] :]), turned(k, places), v))
        normed = norm(x, scale('post_attention_layernorm'))
        gate = linear('mlp.gate_proj', normed)
        x = x + linear('mlp.down_proj', gate / (1 + np.exp(-gate)) * linear('mlp.up_proj', normed))
    return norm(x, weights['model.norm.weight']) @ weights['model.embed_tokens.weight'].T, after


def bounded(cache, incoming):
    """Room for what comes: a cache of at most SINKS + KEEP_LAST + CHUNK keeps its first SINKS and its newest KEEP_LAST positions."""
    if cache is None or cache[0][0].shape[1] + incoming <= SINKS + KEEP_LAST + CHUNK:
        return cache
    return [tuple(np.concatenate([part[:, :SINKS], part[:, -KEEP_LAST:]], 1) for part in layer) for layer in cache]


def log_shares(logits):
    largest = logits.max(-1, keepdims=True)
    return logits - largest - np.log(np.exp(logits - largest).sum(-1, keepdims=True))


def generated(chunk, room):
    """Log-probabilities at the last position of what is read first, which gives the first token, and at each step after it."""
    # After the last token of a window nothing is predicted: it is never read.
    read = text[:, :-1]
    first = read.shape[1] - STEPS
    cache = None
    for at in range(0, first, chunk):
        part = read[:, at : min(first, at + chunk)]
        logits, cache = call(part, room(cache, part.shape[1]))
    steps = [logits[:, -1:]]
    for at in range(first, read.shape[1]):
        logits, cache = call(read[:, at : at + 1], room(cache, 1))
        steps.append(logits)
    return log_shares(np.concatenate(steps, 1))


def losses(logs):
    return -np.take_along_axis(logs, text[:, -(STEPS + 1) :, None], -1)[..., 0]


whole = log_shares(call(text[:, :-1], None)[0][:, -(STEPS + 1) :])
arms = {
    'reference': generated(text.shape[1], lambda cache, incoming: cache),
    'streaming': generated(CHUNK, bounded),
}

oracle = {
    name: {
        'cached-nll': losses(logs).mean(1).tolist(),
        # KL from one call of the reference over the whole window.
        'agreement': (np.exp(whole) * (whole - logs)).sum(-1).mean(1).clip(0).round(12).tolist(),
    }
    for name, logs in arms.items()
}
(HERE / 'cached-nll.json').write_text(json.dumps(oracle, indent=1) + '\n')
