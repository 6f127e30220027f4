#!/usr/bin/env python3
"""Exports a tiny decoder and a tiny vision block with PyTorch's tracing exporter, everything spelled out in plain operators.

Writes onnx/traced-decoder.onnx and onnx/traced-packed.onnx beside itself (PyTorch 1.13 and onnx 1.12).
Decoder: grouped-query attention with cache and rotary positions, RMS norms from ReduceMean, SwiGLU, tied head.
Packed: one linear for gate and up behind a split, one for q, k and v, Gemm weights, GELU from erf, biases.
"""
import math
import pathlib

import torch
from torch import nn

HIDDEN, HEADS, GROUPS, SIZE, WIDTH, VOCABULARY, LAYERS = 16, 4, 2, 8, 24, 40, 2
torch.manual_seed(0)


class Norm(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.weight = nn.Parameter(torch.rand(width) + 0.5)

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6))


class Layer(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v = (nn.Linear(HIDDEN, n * SIZE, bias=False) for n in (HEADS, GROUPS, GROUPS))
        self.o = nn.Linear(HEADS * SIZE, HIDDEN, bias=False)
        self.gate, self.up, self.down = nn.Linear(HIDDEN, WIDTH, bias=False), nn.Linear(HIDDEN, WIDTH, bias=False), nn.Linear(WIDTH, HIDDEN, bias=False)
        self.before, self.after, self.q_norm, self.k_norm = Norm(HIDDEN), Norm(HIDDEN), Norm(SIZE), Norm(SIZE)

    def forward(self, x, cos, sin, mask, key, value):
        batch, length, _ = x.shape

        def rotate(t):
            half = SIZE // 2
            return t * cos + torch.cat([-t[..., half:], t[..., :half]], -1) * sin

        def repeat(t):
            b, g, s, d = t.shape
            return t[:, :, None].expand(b, g, HEADS // GROUPS, s, d).reshape(b, HEADS, s, d)

        h = self.before(x)
        q = rotate(self.q_norm(self.q(h).view(batch, length, HEADS, SIZE)).transpose(1, 2))
        k = rotate(self.k_norm(self.k(h).view(batch, length, GROUPS, SIZE)).transpose(1, 2))
        key = torch.cat([key, k], 2)
        value = torch.cat([value, self.v(h).view(batch, length, GROUPS, SIZE).transpose(1, 2)], 2)
        scores = q @ repeat(key).transpose(2, 3) / math.sqrt(SIZE) + mask
        mixed = (torch.softmax(scores, -1) @ repeat(value)).transpose(1, 2).reshape(batch, length, HEADS * SIZE)
        x = x + self.o(mixed)
        h = self.after(x)
        return x + self.down(nn.functional.silu(self.gate(h)) * self.up(h)), key, value


class Decoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed, self.norm = nn.Embedding(VOCABULARY, HIDDEN), Norm(HIDDEN)
        self.layers = nn.ModuleList(Layer() for _ in range(LAYERS))
        self.register_buffer('frequencies', torch.pow(10000.0, -torch.arange(0, SIZE, 2).float() / SIZE))

    def forward(self, tokens, positions, *past):
        x, presents = self.embed(tokens), []
        angles = (self.frequencies[None, :, None] @ positions[:, None].float()).transpose(1, 2)
        cos, sin = (torch.cat([t, t], -1)[:, None] for t in (angles.cos(), angles.sin()))
        steps = torch.arange(tokens.shape[1] + past[0].shape[2])
        mask = (steps[None, :] > positions[0][:, None]).float() * -1e9
        for i, layer in enumerate(self.layers):
            x, key, value = layer(x, cos, sin, mask, past[2 * i], past[2 * i + 1])
            presents += [key, value]
        return (self.norm(x) @ self.embed.weight.T, *presents)


class Packed(nn.Module):
    def __init__(self):
        super().__init__()
        self.qkv, self.proj = nn.Linear(HIDDEN, 3 * HIDDEN), nn.Linear(HIDDEN, HIDDEN)
        self.gate_up, self.down = nn.Linear(HIDDEN, 2 * WIDTH, bias=False), nn.Linear(WIDTH, HIDDEN)
        self.one, self.two = nn.Linear(HIDDEN, WIDTH), nn.Linear(WIDTH, HIDDEN)
        self.norms = nn.ModuleList(nn.LayerNorm(HIDDEN) for _ in range(3))

    def attend(self, x):
        q, k, v = (t.view(1, -1, 4, 4).transpose(1, 2) for t in self.qkv(x).split([HIDDEN] * 3, -1))
        return self.proj((torch.softmax(q @ k.transpose(2, 3) / 2, -1) @ v).transpose(1, 2).reshape(1, -1, HIDDEN))

    def forward(self, x):
        x = x + self.attend(self.norms[0](x))
        gate, up = self.gate_up(self.norms[1](x)).split([WIDTH, WIDTH], -1)
        x = x + self.down(nn.functional.silu(gate) * up)
        flat = self.norms[2](x)[0]
        return self.two(nn.functional.gelu(self.one(flat)))


folder = pathlib.Path(__file__).with_name('onnx')
past = [torch.zeros(1, GROUPS, 3, SIZE) for _ in range(2 * LAYERS)]
names = [f'{kind}.{i}.{part}' for kind in ('past_key_values', 'present') for i in range(LAYERS) for part in ('key', 'value')]
inputs, outputs = ['input_ids', 'position_ids', *names[: 2 * LAYERS]], ['logits', *names[2 * LAYERS :]]
axes = {name: {0: 'batch', 1: 'sequence'} for name in inputs[:2]} | {name: {0: 'batch', 2: 'past'} for name in names[: 2 * LAYERS]}
with torch.no_grad():
    torch.onnx.export(Decoder().eval(), (torch.zeros(1, 4, dtype=torch.long), torch.arange(3, 7)[None], *past), str(folder / 'traced-decoder.onnx'),
                      input_names=inputs, output_names=outputs, dynamic_axes=axes, opset_version=16)
    torch.onnx.export(Packed().eval(), torch.zeros(1, 5, HIDDEN), str(folder / 'traced-packed.onnx'), input_names=['x'], output_names=['y'],
                      dynamic_axes={'x': {1: 'sequence'}}, opset_version=16)
