#!/usr/bin/env python3
"""Trains, scores and documents the four miniature models that optimization-gate measures.

  train-miniatures.py train FAMILY [--out models]     weights, config, tokenizer, windows, card (<= 30 min on one core)
  train-miniatures.py score FAMILY [--out models]     the card's quality figures, again, from the committed files
  train-miniatures.py oracle FAMILY [--out models] FILE   PyTorch logits on fixed inputs, the parity oracle of the tests

FAMILY: mini-qwen3-dense | mini-qwen3-moe | mini-glm4-moe-lite | mini-qwen3-vl

Plain tensor operations only (PyTorch 1.13 and 2.x, CPU, one thread), fixed seeds and fixed step counts: no stop depends on
the clock. The architectures follow the published models tensor by tensor (same parameter names as on the model hub), so the
same graph builder serves these and the full-size models; they are not scaled-down copies of anybody's weights.

Text: six public-domain novels (Debian package r-cran-janeaustenr); five train, "Northanger Abbey" is held out whole.
Vision: scenes drawn here, with exact captions.
"""
import argparse, bz2, gzip, hashlib, json, lzma, math, os, re, struct, sys, time, zlib
from collections import Counter

import numpy as np
import torch
import torch.nn.functional as F

torch.set_num_threads(1)
TEXT_VOCABULARY = 1024
HELD_OUT = 'northangerabbey'
TRAINING_BOOKS = ['emma', 'mansfieldpark', 'persuasion', 'prideprejudice', 'sensesensibility']
EVALUATION_WINDOWS, EVALUATION_LENGTH = 64, 512
CALIBRATION_WINDOWS, CALIBRATION_LENGTH = 16, 256

TEXT = dict(vocab_size=TEXT_VOCABULARY, hidden_size=128, num_hidden_layers=4, max_position_embeddings=2048, hidden_act='silu')
FAMILIES = {
    'mini-qwen3-dense': dict(steps=2600, rate=3e-3, config=dict(
        **TEXT, model_type='qwen3', architectures=['Qwen3ForCausalLM'], num_attention_heads=4, num_key_value_heads=2, head_dim=32,
        intermediate_size=512, rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=True)),
    'mini-qwen3-moe': dict(steps=2400, rate=3e-3, config=dict(
        **TEXT, model_type='qwen3_moe', architectures=['Qwen3MoeForCausalLM'], num_attention_heads=4, num_key_value_heads=2, head_dim=32,
        intermediate_size=384, moe_intermediate_size=96, num_experts=8, num_experts_per_tok=2, norm_topk_prob=True, decoder_sparse_step=1,
        mlp_only_layers=[], rms_norm_eps=1e-6, rope_theta=10000.0, tie_word_embeddings=False)),
    'mini-glm4-moe-lite': dict(steps=2400, rate=3e-3, config=dict(
        **TEXT, model_type='glm4_moe_lite', architectures=['Glm4MoeLiteForCausalLM'], num_attention_heads=4, num_key_value_heads=4,
        q_lora_rank=64, kv_lora_rank=48, qk_rope_head_dim=16, qk_nope_head_dim=24, v_head_dim=32, intermediate_size=384,
        moe_intermediate_size=96, n_routed_experts=8, n_shared_experts=1, num_experts_per_tok=2, n_group=1, topk_group=1,
        norm_topk_prob=True, routed_scaling_factor=1.8, first_k_dense_replace=1, rms_norm_eps=1e-5, rope_theta=10000.0, tie_word_embeddings=False)),
    'mini-qwen3-vl': dict(steps=2000, rate=1.5e-3, config=dict(
        model_type='qwen3_vl', architectures=['Qwen3VLForConditionalGeneration'], tie_word_embeddings=True,
        image_token_id=257, vision_start_token_id=258, vision_end_token_id=259, bos_token_id=260, eos_token_id=261,
        text_config=dict(model_type='qwen3_vl_text', vocab_size=264, hidden_size=96, num_hidden_layers=4, num_attention_heads=4, num_key_value_heads=2,
                         head_dim=32, intermediate_size=384, rms_norm_eps=1e-6, rope_theta=10000.0, max_position_embeddings=2048,
                         hidden_act='silu', rope_scaling=dict(rope_type='default', mrope_section=[6, 5, 5], mrope_interleaved=True)),
        vision_config=dict(model_type='qwen3_vl', depth=4, hidden_size=64, intermediate_size=256, num_heads=4, patch_size=8, temporal_patch_size=2,
                           spatial_merge_size=2, in_channels=3, out_hidden_size=96, num_position_embeddings=64, deepstack_visual_indexes=[0, 1, 2],
                           hidden_act='gelu_pytorch_tanh'))),
}


# ── text ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
class RObject:
    """Reader of R's XDR serialization: just the types that a lazy-load database of character vectors holds."""

    def __init__(self, data):
        assert data[:2] == b'X\n', 'not an XDR serialization'
        self.data, self.at, self.references = data, 2, []
        version, _, _ = self.int(), self.int(), self.int()
        if version == 3:
            encoding = self.int()
            self.at += encoding

    def int(self):
        self.at += 4
        return struct.unpack('>i', self.data[self.at - 4:self.at])[0]

    def item(self):
        flags = self.int()
        kind, attributes = flags & 0xFF, flags & 0x200
        if kind == 254:
            return None
        if kind == 255:
            return self.references[(flags >> 8) - 1]
        if kind == 9:  # CHARSXP
            length = self.int()
            self.at += max(length, 0)
            return None if length < 0 else self.data[self.at - length:self.at].decode('utf8', 'replace')
        if kind == 1:  # SYMSXP
            self.references.append(self.item())
            return self.references[-1]
        if kind == 2:  # LISTSXP, flattened to pairs
            if attributes:
                self.item()
            tag = self.item() if flags & 0x400 else None
            return [(tag, self.item())] + (self.item() or [])
        if kind in (10, 13):
            count = self.int()
            self.at += 4 * count
            value = list(struct.unpack('>%di' % count, self.data[self.at - 4 * count:self.at]))
        elif kind in (16, 19):
            value = [self.item() for _ in range(self.int())]
        else:
            raise ValueError('R type %d is not read here' % kind)
        if attributes:
            names = dict(self.item()).get('names')
            return dict(zip(names, value)) if names else value
        return value


def read_books(folder):
    with open(os.path.join(folder, 'Rdata.rdb'), 'rb') as file:
        blobs = file.read()
    with open(os.path.join(folder, 'Rdata.rdx'), 'rb') as file:
        raw = file.read()
    index = RObject(gzip.decompress(raw) if raw[:2] == b'\x1f\x8b' else bz2.decompress(raw)).item()['variables']
    books = {}
    for name, (offset, length) in index.items():
        kind, blob = blobs[offset + 4:offset + 5], blobs[offset:offset + length]
        body = {b'Z': lambda: lzma.decompress(blob[5:]), b'2': lambda: bz2.decompress(blob[5:])}.get(kind, lambda: zlib.decompress(blob[4:]))()
        text = '\n'.join(line or '' for line in RObject(body).item()) + '\n'
        books[name] = '\n'.join(re.sub(r'\s+', ' ', p).strip() for p in re.split(r'\n\s*\n', text) if p.strip()) + '\n'
    return books


SPLIT = r"'(?:[sdmt]|ll|ve|re)| ?[A-Za-z]+| ?[0-9]+| ?[^\sA-Za-z0-9]+|\s+"


def byte_alphabet():
    """The printable stand-in of each byte that byte-level BPE vocabularies use (GPT-2's table)."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in plain]
    return {**{b: chr(b) for b in plain}, **{b: chr(256 + i) for i, b in enumerate(rest)}}


def train_tokenizer(text, size):
    letters = byte_alphabet()
    words = Counter(tuple(letters[b] for b in w.encode()) for w in re.findall(SPLIT, text))
    vocabulary, merges = sorted(letters.values()), []
    words = [(list(w), n) for w, n in sorted(words.items())]
    while len(vocabulary) < size:
        pairs = Counter()
        for symbols, count in words:
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += count
        best = max(pairs.items(), key=lambda item: (item[1], item[0]))[0]
        merges.append(best)
        vocabulary.append(best[0] + best[1])
        for symbols, _ in words:
            i = 0
            while i < len(symbols) - 1:
                if (symbols[i], symbols[i + 1]) == best:
                    symbols[i:i + 2] = [best[0] + best[1]]
                i += 1
    return dict(version='1.0', pre_tokenizer=dict(type='Sequence', pretokenizers=[
        dict(type='Split', pattern=dict(Regex=SPLIT), behavior='Isolated', invert=False),
        dict(type='ByteLevel', add_prefix_space=False, trim_offsets=False, use_regex=False)]),
        decoder=dict(type='ByteLevel'), model=dict(type='BPE', vocab={v: i for i, v in enumerate(vocabulary)}, merges=[' '.join(m) for m in merges]))


def encode(tokenizer, text):
    letters, vocabulary, cache = byte_alphabet(), tokenizer['model']['vocab'], {}
    rank = {tuple(m.split(' ')): i for i, m in enumerate(tokenizer['model']['merges'])}
    ids = []
    for word in re.findall(SPLIT, text):
        if word not in cache:
            symbols = [letters[b] for b in word.encode()]
            while len(symbols) > 1:
                i = min(range(len(symbols) - 1), key=lambda k: rank.get((symbols[k], symbols[k + 1]), 1 << 30))
                if (symbols[i], symbols[i + 1]) not in rank:
                    break
                symbols[i:i + 2] = [symbols[i] + symbols[i + 1]]
            cache[word] = [vocabulary[s] for s in symbols]
        ids.extend(cache[word])
    return np.array(ids, np.int64)


# ── scenes ───────────────────────────────────────────────────────────────────────────────────────────────────────────
COLOURS = dict(r=(220, 40, 40), g=(40, 180, 60), b=(50, 80, 220), y=(230, 210, 50), w=(240, 240, 240), p=(150, 60, 190), o=(240, 140, 30), c=(60, 200, 210))
SHAPES = 'shvx'  # square, horizontal bar, vertical bar, cross
SIDE, CELL = 64, 16
ROWS, COLUMNS = np.meshgrid(np.arange(SIDE), np.arange(SIDE), indexing='ij')


def draw_scene(seed):
    """
    uint8 [3, 64, 64] and its exact caption: two shapes in two of the 4 x 4 cells of a noisy background. The caption names them in
    reading order, each by colour, shape, column and row (`rs12bx43`): terse, so that every character must be seen to be known.
    """
    r = np.random.RandomState(seed)
    image = np.clip(r.randint(0, 60) + r.normal(0, 8, (3, SIDE, SIDE)), 0, 255)
    caption = ''
    for cell in sorted(r.choice((SIDE // CELL) ** 2, 2, replace=False)):
        row, column = divmod(int(cell), SIDE // CELL)
        colour, kind = 'rgbywpoc'[r.randint(8)], SHAPES[r.randint(4)]
        radius, cx, cy = 6 + r.randint(2), column * CELL + 7 + r.randint(3), row * CELL + 7 + r.randint(3)
        dx, dy = abs(COLUMNS - cx), abs(ROWS - cy)
        wide, tall = (dx < radius) & (3 * dy < radius), (dy < radius) & (3 * dx < radius)
        mask = {'s': (dx < radius) & (dy < radius), 'h': wide, 'v': tall, 'x': wide | tall}[kind]
        image = np.where(mask[None], np.array(COLOURS[colour])[:, None, None], image)
        caption += '%s%s%d%d' % (colour, kind, column + 1, row + 1)
    return image.astype(np.uint8), caption


def scene_batch(config, seeds):
    """pixels uint8 [n,3,64,64], tokens int64 [n,L] (padded with eos), scored bool [n,L] (True where the token is a target)."""
    vision = config['vision_config']
    cells = SIDE // vision['patch_size'] // vision['spatial_merge_size']
    prefix = [config['bos_token_id'], config['vision_start_token_id']] + [config['image_token_id']] * cells ** 2 + [config['vision_end_token_id']]
    drawn = [draw_scene(s) for s in seeds]
    rows = [prefix + list(caption.encode()) + [config['eos_token_id']] for _, caption in drawn]
    width = max(map(len, rows))
    tokens = np.array([r + [config['eos_token_id']] * (width - len(r)) for r in rows], np.int64)
    scored = np.array([[len(prefix) <= i < len(r) for i in range(width)] for r in rows])
    return np.stack([image for image, _ in drawn]), tokens, scored


# ── the four architectures, as functions of hub-named parameters ────────────────────────────────────────────────────
def shapes(config):
    """name -> shape of every parameter, named as on the model hub."""
    kind, out = config['model_type'], {}
    text = config.get('text_config', config)
    root = 'model.language_model.' if kind == 'qwen3_vl' else 'model.'
    hidden, heads = text['hidden_size'], text['num_attention_heads']
    out[root + 'embed_tokens.weight'] = (text['vocab_size'], hidden)

    def mlp(at, width):
        out[at + 'gate_proj.weight'] = out[at + 'up_proj.weight'] = (width, hidden)
        out[at + 'down_proj.weight'] = (hidden, width)

    for i in range(text['num_hidden_layers']):
        layer = '%slayers.%d.' % (root, i)
        attention = layer + 'self_attn.'
        out[layer + 'input_layernorm.weight'] = out[layer + 'post_attention_layernorm.weight'] = (hidden,)
        if kind == 'glm4_moe_lite':
            nope, rope, value, q_rank, kv_rank = (text[k] for k in ('qk_nope_head_dim', 'qk_rope_head_dim', 'v_head_dim', 'q_lora_rank', 'kv_lora_rank'))
            out[attention + 'q_a_proj.weight'], out[attention + 'q_a_layernorm.weight'] = (q_rank, hidden), (q_rank,)
            out[attention + 'q_b_proj.weight'] = (heads * (nope + rope), q_rank)
            out[attention + 'kv_a_proj_with_mqa.weight'], out[attention + 'kv_a_layernorm.weight'] = (kv_rank + rope, hidden), (kv_rank,)
            out[attention + 'kv_b_proj.weight'] = (heads * (nope + value), kv_rank)
            out[attention + 'o_proj.weight'] = (hidden, heads * value)
        else:
            size, groups = text['head_dim'], text['num_key_value_heads']
            out[attention + 'q_proj.weight'], out[attention + 'o_proj.weight'] = (heads * size, hidden), (hidden, heads * size)
            out[attention + 'k_proj.weight'] = out[attention + 'v_proj.weight'] = (groups * size, hidden)
            out[attention + 'q_norm.weight'] = out[attention + 'k_norm.weight'] = (size,)
        experts = text.get('num_experts', text.get('n_routed_experts', 0))
        if experts == 0 or i < text.get('first_k_dense_replace', 0):
            mlp(layer + 'mlp.', text['intermediate_size'])
            continue
        out[layer + 'mlp.gate.weight'] = (experts, hidden)
        if kind == 'glm4_moe_lite':
            out[layer + 'mlp.gate.e_score_correction_bias'] = (experts,)
            mlp(layer + 'mlp.shared_experts.', text['moe_intermediate_size'] * text['n_shared_experts'])
        for e in range(experts):
            mlp('%smlp.experts.%d.' % (layer, e), text['moe_intermediate_size'])
    out[root + 'norm.weight'] = (hidden,)
    if not config['tie_word_embeddings']:
        out['lm_head.weight'] = (text['vocab_size'], hidden)
    if kind == 'qwen3_vl':
        v, at = config['vision_config'], 'model.visual.'
        width, merged = v['hidden_size'], v['hidden_size'] * v['spatial_merge_size'] ** 2

        def linear(name, rows, columns):
            out[name + '.weight'], out[name + '.bias'] = (rows, columns), (rows,)

        def norm(name, size):
            out[name + '.weight'] = out[name + '.bias'] = (size,)

        out[at + 'patch_embed.proj.weight'] = (width, v['in_channels'], v['temporal_patch_size'], v['patch_size'], v['patch_size'])
        out[at + 'patch_embed.proj.bias'], out[at + 'pos_embed.weight'] = (width,), (v['num_position_embeddings'], width)
        for i in range(v['depth']):
            block = '%sblocks.%d.' % (at, i)
            norm(block + 'norm1', width), norm(block + 'norm2', width)
            linear(block + 'attn.qkv', 3 * width, width), linear(block + 'attn.proj', width, width)
            linear(block + 'mlp.linear_fc1', v['intermediate_size'], width), linear(block + 'mlp.linear_fc2', width, v['intermediate_size'])
        for name, size in [('merger', width)] + [('deepstack_merger_list.%d' % i, merged) for i in range(len(v['deepstack_visual_indexes']))]:
            norm(at + name + '.norm', size)
            linear(at + name + '.linear_fc1', merged, merged), linear(at + name + '.linear_fc2', v['out_hidden_size'], merged)
    return out


def initial(config):
    weights = {}
    for name, shape in shapes(config).items():
        if name.endswith('bias'):
            weights[name] = torch.zeros(shape)
        elif len(shape) == 1:
            weights[name] = torch.ones(shape)
        else:
            scale = 0.02 / math.sqrt(2 * 4) if name.endswith(('o_proj.weight', 'down_proj.weight')) else 0.02
            weights[name] = torch.randn(shape) * (scale if '.visual.' not in name else 1 / math.sqrt(np.prod(shape[1:])))
    return weights


def rms(x, weight, epsilon):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon) * weight


def rotate(x, cos, sin):
    half = x.shape[-1] // 2
    return x * cos + torch.cat([-x[..., half:], x[..., :half]], -1) * sin


def frequencies(size, theta):
    return 1.0 / theta ** (torch.arange(0, size, 2).float() / size)


def attend(q, k, v, scale, causal=True):
    scores = q @ k.transpose(-1, -2) * scale
    if causal:
        scores = scores + torch.full(scores.shape[-2:], float('-inf')).triu(1)
    return torch.softmax(scores, -1) @ v


def swiglu(x, weights, at):
    return F.linear(F.silu(F.linear(x, weights[at + 'gate_proj.weight'])) * F.linear(x, weights[at + 'up_proj.weight']), weights[at + 'down_proj.weight'])


def grouped_attention(text, weights, at, x, cos, sin):
    batch, length, _ = x.shape
    heads, groups, size = text['num_attention_heads'], text['num_key_value_heads'], text['head_dim']
    q, k, v = (F.linear(x, weights[at + n + '_proj.weight']).view(batch, length, -1, size) for n in 'qkv')
    q = rotate(rms(q, weights[at + 'q_norm.weight'], text['rms_norm_eps']).transpose(1, 2), cos, sin)
    k = rotate(rms(k, weights[at + 'k_norm.weight'], text['rms_norm_eps']).transpose(1, 2), cos, sin)
    k, v = (t.repeat_interleave(heads // groups, 1) for t in (k, v.transpose(1, 2)))
    return F.linear(attend(q, k, v, size ** -0.5).transpose(1, 2).reshape(batch, length, -1), weights[at + 'o_proj.weight'])


def latent_attention(text, weights, at, x, cos, sin):
    """MLA, expanded form: rotary pairs are interleaved (2i, 2i+1), one rotary key is shared by all heads."""
    batch, length, _ = x.shape
    heads, nope, rope, value = (text[k] for k in ('num_attention_heads', 'qk_nope_head_dim', 'qk_rope_head_dim', 'v_head_dim'))
    epsilon = text['rms_norm_eps']

    def turn(t):
        return rotate(torch.cat([t[..., 0::2], t[..., 1::2]], -1), cos, sin)

    q = F.linear(rms(F.linear(x, weights[at + 'q_a_proj.weight']), weights[at + 'q_a_layernorm.weight'], epsilon), weights[at + 'q_b_proj.weight'])
    q_nope, q_rope = q.view(batch, length, heads, nope + rope).transpose(1, 2).split([nope, rope], -1)
    latent, k_rope = F.linear(x, weights[at + 'kv_a_proj_with_mqa.weight']).split([text['kv_lora_rank'], rope], -1)
    kv = F.linear(rms(latent, weights[at + 'kv_a_layernorm.weight'], epsilon), weights[at + 'kv_b_proj.weight'])
    k_nope, v = kv.view(batch, length, heads, nope + value).transpose(1, 2).split([nope, value], -1)
    k = torch.cat([k_nope, turn(k_rope.unsqueeze(1)).expand(-1, heads, -1, -1)], -1)
    out = attend(torch.cat([q_nope, turn(q_rope)], -1), k, v, (nope + rope) ** -0.5)
    return F.linear(out.transpose(1, 2).reshape(batch, length, -1), weights[at + 'o_proj.weight'])


def mixture(text, weights, at, x, loads):
    flat = x.reshape(-1, x.shape[-1])
    logits, top = F.linear(flat, weights[at + 'gate.weight']), text['num_experts_per_tok']
    if 'n_routed_experts' in text:  # sigmoid router; the correction bias takes part in the choice only
        scores = torch.sigmoid(logits)
        chosen = (scores + weights[at + 'gate.e_score_correction_bias']).topk(top, -1).indices
    else:
        scores = torch.softmax(logits, -1)
        chosen = scores.topk(top, -1).indices
    share = scores.gather(-1, chosen)
    share = share / share.sum(-1, keepdim=True) * text.get('routed_scaling_factor', 1.0)
    out, experts = torch.zeros_like(flat), logits.shape[-1]
    for e in range(experts):
        token, slot = (chosen == e).nonzero(as_tuple=True)
        if len(token):
            out = out.index_add(0, token, swiglu(flat[token], weights, '%sexperts.%d.' % (at, e)) * share[token, slot].unsqueeze(-1))
    if loads is not None:
        count = torch.bincount(chosen.reshape(-1), minlength=experts).float() / chosen.numel()
        loads.append((at, count, experts * (count * (scores / scores.sum(-1, keepdim=True)).mean(0)).sum()))
    if 'n_routed_experts' in text:
        out = out + swiglu(flat, weights, at + 'shared_experts.')
    return out.view(x.shape)


def decoder(config, weights, x, angles, loads=None, deepstack=(), visual=None):
    """x [b,s,hidden]; angles [b|1,s,d/2]. Returns logits [b,s,vocabulary]."""
    text, kind = config.get('text_config', config), config['model_type']
    root = 'model.language_model.' if kind == 'qwen3_vl' else 'model.'
    cos, sin = (torch.cat([t, t], -1).unsqueeze(1) for t in (angles.cos(), angles.sin()))
    epsilon = text['rms_norm_eps']
    for i in range(text['num_hidden_layers']):
        at = '%slayers.%d.' % (root, i)
        attention = latent_attention if kind == 'glm4_moe_lite' else grouped_attention
        x = x + attention(text, weights, at + 'self_attn.', rms(x, weights[at + 'input_layernorm.weight'], epsilon), cos, sin)
        normed = rms(x, weights[at + 'post_attention_layernorm.weight'], epsilon)
        x = x + (mixture(text, weights, at + 'mlp.', normed, loads) if at + 'mlp.gate.weight' in weights else swiglu(normed, weights, at + 'mlp.'))
        if i < len(deepstack):
            x = x.index_put(visual, x[visual] + deepstack[i].reshape(-1, x.shape[-1]))
    x = rms(x, weights[root + 'norm.weight'], epsilon)
    return F.linear(x, weights.get('lm_head.weight', weights[root + 'embed_tokens.weight']))


def text_logits(config, weights, tokens, loads=None):
    size = config.get('qk_rope_head_dim', config.get('head_dim'))
    angles = torch.outer(torch.arange(tokens.shape[1]).float(), frequencies(size, config['rope_theta'])).unsqueeze(0)
    return decoder(config, weights, weights['model.embed_tokens.weight'][tokens], angles, loads)


def patches_of(config, pixels):
    """uint8 [n,3,S,S] -> float [n, patches, channels*temporal*patch*patch] in [-1,1], patches in merge-block order, the frame repeated."""
    v = config['vision_config']
    n, side, patch, merge = len(pixels), pixels.shape[-1], v['patch_size'], v['spatial_merge_size']
    grid = side // patch
    x = torch.as_tensor(pixels).float() / 127.5 - 1
    x = x.view(n, 3, grid // merge, merge, patch, grid // merge, merge, patch).permute(0, 2, 5, 3, 6, 1, 4, 7).reshape(n, grid * grid, 3, 1, patch, patch)
    return x.expand(-1, -1, -1, v['temporal_patch_size'], -1, -1).reshape(n, grid * grid, -1)


def vision_tower(config, weights, patches):
    """[n, patches, pixels] -> image features [n, merged, out] and the DeepStack features, one per tapped block."""
    v, at = config['vision_config'], 'model.visual.'
    width, heads, merge = v['hidden_size'], v['num_heads'], v['spatial_merge_size']
    n, count, _ = patches.shape
    grid, size = int(math.sqrt(count)), width // heads
    block = torch.arange(count).view(grid // merge, grid // merge, merge, merge)
    row = (torch.arange(grid // merge).view(-1, 1, 1, 1) * merge + torch.arange(merge).view(1, 1, -1, 1)).expand_as(block).reshape(-1)
    column = (torch.arange(grid // merge).view(1, -1, 1, 1) * merge + torch.arange(merge).view(1, 1, 1, -1)).expand_as(block).reshape(-1)
    x = F.linear(patches, weights[at + 'patch_embed.proj.weight'].reshape(width, -1), weights[at + 'patch_embed.proj.bias'])
    x = x + weights[at + 'pos_embed.weight'][row * grid + column]
    table = torch.outer(torch.arange(grid).float(), frequencies(size // 2, 10000.0))
    angles = torch.cat([table[row], table[column]], -1)
    cos, sin = (torch.cat([t, t], -1) for t in (angles.cos(), angles.sin()))

    def linear(x, name):
        return F.linear(x, weights[at + name + '.weight'], weights[at + name + '.bias'])

    def norm(x, name):
        return F.layer_norm(x, x.shape[-1:], weights[at + name + '.weight'], weights[at + name + '.bias'], 1e-6)

    def merged(x, name, after):
        y = norm(x.reshape(n, -1, width * merge ** 2), name + '.norm') if after else norm(x, name + '.norm').reshape(n, -1, width * merge ** 2)
        return linear(F.gelu(linear(y, name + '.linear_fc1')), name + '.linear_fc2')

    deep = []
    for i in range(v['depth']):
        b = 'blocks.%d.' % i
        q, k, val = linear(norm(x, b + 'norm1'), b + 'attn.qkv').view(n, count, 3, heads, size).permute(2, 0, 3, 1, 4)
        y = attend(rotate(q, cos, sin), rotate(k, cos, sin), val, size ** -0.5, causal=False)
        x = x + linear(y.transpose(1, 2).reshape(n, count, width), b + 'attn.proj')
        h = linear(norm(x, b + 'norm2'), b + 'mlp.linear_fc1')
        h = 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * h.pow(3))))
        x = x + linear(h, b + 'mlp.linear_fc2')
        if i in v['deepstack_visual_indexes']:
            deep.append(merged(x, 'deepstack_merger_list.%d' % v['deepstack_visual_indexes'].index(i), True))
    return merged(x, 'merger', False), deep


def mrope_positions(config, tokens):
    """int [3, b, s]: text counts on in all three; an image holds its time and spreads over height and width."""
    v = config['vision_config']
    out = torch.zeros(3, *tokens.shape, dtype=torch.long)
    for b, row in enumerate(tokens.tolist()):
        at, i = 0, 0
        while i < len(row):
            if row[i] != config['image_token_id']:
                out[:, b, i] = at
                at, i = at + 1, i + 1
                continue
            j = i
            while j < len(row) and row[j] == config['image_token_id']:
                j += 1
            side = int(math.sqrt(j - i))
            cell = torch.arange(j - i)
            out[0, b, i:j], out[1, b, i:j], out[2, b, i:j] = at, at + cell // side, at + cell % side
            at, i = at + side, j
    return out


def vl_logits(config, weights, pixels, tokens, blind=False):
    text = config['text_config']
    patches = patches_of(config, pixels)
    features, deep = vision_tower(config, weights, torch.zeros_like(patches) if blind else patches)
    x = weights['model.language_model.embed_tokens.weight'][tokens]
    visual = (tokens == config['image_token_id']).nonzero(as_tuple=True)
    x = x.index_put(visual, features.reshape(-1, features.shape[-1]))
    positions = mrope_positions(config, tokens).float()
    angles = positions.unsqueeze(-1) * frequencies(text['head_dim'], text['rope_theta'])
    mixed = angles[0].clone()
    for axis in (1, 2):  # interleaved M-RoPE: every third frequency belongs to height, the next to width
        index = slice(axis, text['rope_scaling']['mrope_section'][axis] * 3, 3)
        mixed[..., index] = angles[axis][..., index]
    return decoder(config, weights, x, mixed, None, deep, visual)


# ── training ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def load_text(arguments, out):
    books = read_books(arguments.corpus)
    path = os.path.join(out, 'tokenizer.json')
    if not os.path.exists(path):
        with open(path, 'w') as file:
            json.dump(train_tokenizer(''.join(books[n] for n in TRAINING_BOOKS), TEXT_VOCABULARY), file, ensure_ascii=True, separators=(',', ':'))
    with open(path) as file:
        tokenizer = json.load(file)
    return encode(tokenizer, ''.join(books[n] for n in TRAINING_BOOKS)), encode(tokenizer, books[HELD_OUT]), len(books[HELD_OUT].encode())


def windows_of(ids, count, length):
    step = (len(ids) - length - 1) // count
    return np.stack([ids[i * step:i * step + length + 1] for i in range(count)])


def train(arguments):
    spec, out = FAMILIES[arguments.family], os.path.join(arguments.out, arguments.family)
    config, steps = spec['config'], arguments.steps or spec['steps']
    os.makedirs(out, exist_ok=True)
    torch.manual_seed(1)
    weights = {name: w.requires_grad_(not name.endswith('e_score_correction_bias')) for name, w in initial(config).items()}
    vision = config['model_type'] == 'qwen3_vl'
    if vision:
        held = scene_batch(config, range(1000000, 1000096))
        calibration = scene_batch(config, range(0, 24))
    else:
        ids, held_ids, held_bytes = load_text(arguments, out)
        held, calibration = windows_of(held_ids, EVALUATION_WINDOWS, EVALUATION_LENGTH), windows_of(ids, CALIBRATION_WINDOWS, CALIBRATION_LENGTH)
        ids = torch.from_numpy(ids)
        print(json.dumps(dict(tokens=len(ids), held=len(held_ids), bytesPerToken=held_bytes / len(held_ids))), flush=True)
    trained = [w for w in weights.values() if w.requires_grad]
    decayed, plain = [w for w in trained if w.dim() > 1], [w for w in trained if w.dim() < 2]
    optimizer = torch.optim.AdamW([dict(params=decayed, weight_decay=0.1), dict(params=plain, weight_decay=0.0)], lr=spec['rate'], betas=(0.9, 0.95))
    draw, started, running = torch.Generator().manual_seed(2), time.time(), None
    for step in range(steps):
        rate = spec['rate'] * min(1, (step + 1) / 100) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))
        for group in optimizer.param_groups:
            group['lr'] = rate
        loads = [] if 'qwen3_moe' == config['model_type'] or 'glm4_moe_lite' == config['model_type'] else None
        if vision:
            pixels, tokens, scored = scene_batch(config, range(24 + 16 * step, 40 + 16 * step))
            tokens = torch.from_numpy(tokens)
            logits = vl_logits(config, weights, pixels, tokens)[:, :-1]
            target = torch.from_numpy(scored)[:, 1:]
            loss = F.cross_entropy(logits[target], tokens[:, 1:][target])
        else:  # the last quarter at the full context, so that positions up to 512 are trained too
            batch, length = (8, 256) if step < steps * 3 // 4 else (4, 512)
            at = torch.randint(len(ids) - length - 1, (batch,), generator=draw)
            x = torch.stack([ids[i:i + length + 1] for i in at])
            loss = F.cross_entropy(text_logits(config, weights, x[:, :-1], loads).reshape(-1, TEXT_VOCABULARY), x[:, 1:].reshape(-1))
        total = loss
        if loads and config['model_type'] == 'qwen3_moe':
            total = loss + 0.01 * sum(balance for _, _, balance in loads)
        total.backward()
        if config['model_type'] == 'glm4_moe_lite':  # auxiliary-loss-free balancing (DeepSeek-V3): move the bias, not the loss
            with torch.no_grad():
                for name, count, _ in loads:
                    weights[name + 'gate.e_score_correction_bias'] += 0.001 * torch.sign(1 / len(count) - count)
        torch.nn.utils.clip_grad_norm_(trained, 1.0)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        running = loss.item() if running is None else 0.97 * running + 0.03 * loss.item()
        if step % 100 == 99:
            seconds = time.time() - started
            print(json.dumps(dict(step=step + 1, of=steps, seconds=round(seconds), perStep=round(seconds / (step + 1), 4), loss=round(running, 4))), flush=True)
    halves = {name: w.detach().half() for name, w in weights.items()}
    write_safetensors(os.path.join(out, 'model.safetensors'), {n: (t.numpy(), 'F16') for n, t in halves.items()}, dict(format='pt'))
    with open(os.path.join(out, 'config.json'), 'w') as file:
        json.dump(config, file, indent=2)
        file.write('\n')
    for name, data in (('evaluation', held), ('calibration', calibration)):
        tensors = dict(zip(('pixels', 'tokens', 'scored'), data)) if vision else dict(tokens=data)
        kinds = dict(pixels=(np.uint8, 'U8'), tokens=(np.uint16, 'U16'), scored=(np.uint8, 'U8'))
        write_safetensors(os.path.join(out, name + '.safetensors'), {n: (t.astype(kinds[n][0]), kinds[n][1]) for n, t in tensors.items()})
    write_card(arguments, config, steps, time.time() - started, None if vision else held_bytes / len(held_ids))


# ── files, quality, card ─────────────────────────────────────────────────────────────────────────────────────────────
def write_safetensors(path, tensors, metadata=None):
    header, at = {'__metadata__': metadata} if metadata else {}, 0
    for name, (array, kind) in sorted(tensors.items()):
        header[name] = dict(dtype=kind, shape=list(array.shape), data_offsets=[at, at + array.nbytes])
        at += array.nbytes
    head = json.dumps(header, separators=(',', ':')).encode()
    head += b' ' * (-len(head) % 8)
    with open(path, 'wb') as file:
        file.write(struct.pack('<Q', len(head)) + head)
        for _, (array, _) in sorted(tensors.items()):
            file.write(np.ascontiguousarray(array).tobytes())


def read_safetensors(path):
    with open(path, 'rb') as file:
        raw = file.read()
    size = struct.unpack('<Q', raw[:8])[0]
    header = json.loads(raw[8:8 + size])
    kinds = dict(F16=np.float16, F32=np.float32, U16=np.uint16, U8=np.uint8)
    return {n: np.frombuffer(raw[8 + size + e['data_offsets'][0]:8 + size + e['data_offsets'][1]], kinds[e['dtype']]).reshape(e['shape'])
            for n, e in header.items() if n != '__metadata__'}


def committed(arguments):
    folder = os.path.join(arguments.out, arguments.family)
    with open(os.path.join(folder, 'config.json')) as file:
        config = json.load(file)
    weights = {n: torch.from_numpy(a.astype(np.float32)) for n, a in read_safetensors(os.path.join(folder, 'model.safetensors')).items()}
    return config, weights, read_safetensors(os.path.join(folder, 'evaluation.safetensors'))


@torch.no_grad()
def quality(config, weights, data):
    """Figures on the committed evaluation windows, from the committed fp16 weights."""
    tokens = torch.from_numpy(data['tokens'].astype(np.int64))
    if config['model_type'] == 'qwen3_vl':
        target, figures = torch.from_numpy(data['scored'].astype(bool))[:, 1:], {}
        for name, blind in (('', False), ('blind', True)):
            logits = vl_logits(config, weights, data['pixels'], tokens, blind)[:, :-1]
            nll = F.cross_entropy(logits[target], tokens[:, 1:][target]).item()
            hit = (logits.argmax(-1) == tokens[:, 1:]) | ~target
            figures[name + 'BitsPerCharacter' if name else 'bitsPerCharacter'] = nll / math.log(2)
            figures[name + 'ExactCaptions' if name else 'exactCaptions'] = hit.all(1).float().mean().item()
        return figures
    total = hits = count = 0.0
    for at in range(0, len(tokens), 8):
        x = tokens[at:at + 8]
        logits = text_logits(config, weights, x[:, :-1])
        total += F.cross_entropy(logits.reshape(-1, logits.shape[-1]), x[:, 1:].reshape(-1), reduction='sum').item()
        hits += (logits.argmax(-1) == x[:, 1:]).sum().item()
        count += x[:, 1:].numel()
    return dict(nll=total / count, perplexity=math.exp(total / count), top1Accuracy=hits / count)


def write_card(arguments, config, steps, seconds, bytes_per_token):
    folder = os.path.join(arguments.out, arguments.family)
    _, weights, data = committed(arguments)
    figures = quality(config, weights, data)
    if bytes_per_token:
        figures.update(bytesPerToken=bytes_per_token, bitsPerByte=figures['nll'] / math.log(2) / bytes_per_token)
    digests = {}
    for name in sorted(os.listdir(folder)):
        if name not in ('card.json', 'README.md'):
            with open(os.path.join(folder, name), 'rb') as file:
                digests[name] = hashlib.sha256(file.read()).hexdigest()
    vision = config['model_type'] == 'qwen3_vl'
    card = dict(id=arguments.family, family=config['model_type'], parameters=sum(w.numel() for w in weights.values()),
                statement='Same architecture as the published family, own weights trained from scratch: not a scaled-down copy of the published model.',
                data='scenes drawn by scripts/train-miniatures.py, captions exact' if vision else 'five novels by Jane Austen (public domain); Northanger Abbey held out whole',
                licence='MIT (weights and drawn scenes)' if vision else 'MIT (weights); texts in the public domain', seed=1, steps=steps, trainingSeconds=round(seconds),
                torch=torch.__version__, evaluation=dict(windows=len(data['tokens']), tokens=int(data['tokens'].shape[1]) - 1), quality=figures, sha256=digests)
    with open(os.path.join(folder, 'card.json'), 'w') as file:
        json.dump(card, file, indent=2)
        file.write('\n')
    print(json.dumps(card['quality']), flush=True)


@torch.no_grad()
def oracle(arguments):
    """Logits at every 7th position of two windows (full vocabulary), rounded to 6 digits, for the parity tests."""
    config, weights, data = committed(arguments)
    tokens = torch.from_numpy(data['tokens'][:2].astype(np.int64))[:, :-1]
    if config['model_type'] == 'qwen3_vl':
        logits = vl_logits(config, weights, data['pixels'][:2], tokens)
    else:
        tokens = tokens[:, :64]
        logits = text_logits(config, weights, tokens)
    positions = list(range(6, tokens.shape[1], 19))
    picked = logits[:, positions].reshape(-1).tolist()
    with open(arguments.file, 'w') as file:
        json.dump(dict(model=arguments.family, torch=torch.__version__, windows=2, tokens=tokens.shape[1], positions=positions,
                       vocabulary=logits.shape[-1], logits=[round(x, 5) for x in picked]), file, separators=(',', ':'))
        file.write('\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('command', choices=['train', 'score', 'oracle'])
    parser.add_argument('family', choices=list(FAMILIES))
    parser.add_argument('file', nargs='?', help='where `oracle` writes')
    parser.add_argument('--out', default='models')
    parser.add_argument('--corpus', default='/usr/lib/R/site-library/janeaustenr/data', help='data folder of r-cran-janeaustenr')
    parser.add_argument('--steps', type=int, help='fewer steps, for a trial')
    arguments = parser.parse_args()
    if arguments.command == 'train':
        train(arguments)
    elif arguments.command == 'score':
        print(json.dumps(quality(*committed(arguments)), indent=2))
    else:
        if not arguments.file:
            sys.exit('oracle needs the FILE to write')
        oracle(arguments)


if __name__ == '__main__':
    main()
