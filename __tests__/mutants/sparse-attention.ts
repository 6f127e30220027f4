import { type Catalogue, edit } from './mutant.ts';

const frame = 'optimizations/sparse-attention/frame.ts';
const blocks = 'optimizations/sparse-attention/block-attention.ts';
const grouped = 'optimizations/sparse-attention/grouped.ts';
const pattern = 'optimizations/sparse-attention/pattern.ts';
const subject = 'optimizations/sparse-attention/subject.ts';
const choice = 'optimizations/sparse-attention/choice.ts';
const calibrated = 'optimizations/sparse-attention/calibrated.ts';

export const sparseAttention: Catalogue = {
  optimization: 'sparse-attention',
  mutants: [
    {
      id: 'oldest-keys-kept',
      what: 'the cache keeps the oldest keys, not the newest',
      edits: [
        edit(
          frame,
          "const newest = range('kept', op('Add', 'kept/first/Add', now.start, shift), op('Add', 'kept/last/Add', total, shift));",
          "const newest = range('kept', number(0), op('Sub', 'kept/last/Sub', total, now.start));",
        ),
      ],
      noticedBy: ['nll-delta', 'late-nll-delta', 'cached-nll-delta'],
    },
    {
      id: 'cache-one-short',
      what: 'the cache is one position shorter than the window that is read from it',
      edits: [
        edit(
          frame,
          "op('Sub', `${name}/Sub`, length, number(window - 1))",
          "op('Sub', `${name}/Sub`, length, number(window - (name === 'new' ? 2 : 1)))",
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'build'],
    },
    {
      id: 'rotary-off-by-one',
      what: 'keys and queries behind a cache are turned as if one position later began',
      edits: [
        edit(
          grouped,
          '[tensor, input(slot.positions) || past, input(slot.cos), input(slot.sin)],',
          "[tensor, name === 'k' ? graph.node('Add', `${path}/${name}/off/Add`, [past, graph.integers([1])]) : past, input(slot.cos), input(slot.sin)],",
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta'],
    },
    {
      id: 'scale-forgotten',
      what: 'scores are not divided by the root of the head size',
      edits: [edit(grouped, 'scale: scale === 0 ? headSize ** -0.5 : scale', 'scale: Math.max(1, scale)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'window-one-too-far',
      what: 'the mask lets a query see the key after its own',
      edits: [
        edit(
          frame,
          "op('Add', 'near/Add', ownColumns, reach)",
          "op('Add', 'near/Add', op('Add', 'near/one/Add', ownColumns, reach), number(1))",
        ),
      ],
      noticedBy: ['nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'globals-hidden',
      what: 'sinks and strided keys are kept and never seen',
      entry: 'sink-attention',
      edits: [
        edit(
          frame,
          "hidden('globals', globals.seen)",
          "hidden('globals', op('And', 'globals/none/And', globals.seen, op('Not', 'globals/none/Not', globals.seen)))",
        ),
      ],
      noticedBy: ['nll-delta', 'late-nll-delta', 'unread-cache'],
    },
    {
      id: 'budget-of-one-layer',
      what: 'each layer is held to the budget of all layers together, in the unit of its share',
      edits: [edit(choice, '|| after > budget) continue;', '|| after > budget / layers.length) continue;')],
      noticedBy: ['kv-bytes-per-token', 'macs-per-token'],
    },
    {
      id: 'stray-without-its-share',
      what: 'errors are not weighed by how much a layer adds to the stream',
      edits: [edit(calibrated, '(own[which] ?? 0) + stray * share;', '(own[which] ?? 0) + stray * (share > 2 ? share : 1);')],
      noticedBy: ['kv-bytes-per-token', 'macs-per-token', 'nll-delta'],
    },
    {
      id: 'sparse-attention-does-nothing',
      what: 'no layer ever becomes sparse',
      edits: [
        edit(
          subject,
          'return pattern === undefined ? [] : [{ layer, attention, pattern }];',
          'return pattern === undefined || layer >= 0 ? [] : [{ layer, attention, pattern }];',
        ),
      ],
      noticedBy: ['kv-bytes-per-token', 'build'],
    },
    {
      id: 'window-half-as-long',
      what: 'the window is an eighth of calibration text, not a quarter',
      edits: [edit(subject, 'Math.max(8, Math.floor(positions / 32) * 8)', 'Math.max(8, Math.floor(positions / 64) * 8)')],
      noticedBy: ['nll-delta', 'late-nll-delta', 'kv-bytes-per-token', 'attention-density'],
    },
    {
      id: 'values-by-other-rows',
      what: 'values are gathered by the rows of the queries',
      edits: [
        edit(
          blocks,
          "take('values', operands.values, frame.keys)",
          "take('values', operands.values, graph.node('Max', `${path}/values/rows/Max`, [graph.node('Sub', `${path}/values/rows/Sub`, [frame.keys, graph.integers([1], [])]), graph.integers([0], [])]))",
        ),
      ],
      noticedBy: ['nll-delta'],
    },
  ],
  placebos: [
    {
      id: 'price-by-logarithms',
      what: 'patterns are ordered by the logarithm of their price',
      edits: [edit(choice, 'a.price - b.price ||', 'Math.log(a.price) - Math.log(b.price) ||')],
    },
    {
      id: 'blocks-of-half-the-size',
      what: 'scores are computed in blocks of half the size',
      edits: [
        edit(
          subject,
          'sparsify(model, inputs, sparse, options.block);',
          'sparsify(model, inputs, sparse, options.block === 64 ? 32 : options.block);',
        ),
      ],
    },
    {
      id: 'nodes-renamed',
      what: 'nodes have another prefix',
      edits: [edit('optimizations/sparse-attention/fragment.ts', "'/sparse_attention'", "'/block_attention'")],
    },
    {
      id: 'keys-counted-anew',
      what: 'how many keys a query sees is counted one by one',
      edits: [
        edit(
          pattern,
          'Math.min(pattern.window, position + 1) + globalsBefore(pattern, position + 1 - pattern.window);',
          'Array.from({ length: position + 1 }, (_, key) => sees(pattern, position, key)).filter((seen) => seen).length;',
        ),
      ],
    },
    {
      id: 'mask-by-other-numbers',
      what: 'hidden scores are −2e30 instead of −1e30',
      edits: [edit(frame, 'graph.floats([-1e30], [])', 'graph.floats([-2e30], [])')],
    },
    {
      id: 'scaled-after-the-product',
      what: 'scores are scaled after the product',
      edits: [
        edit(blocks, "const scaled = op('Mul', 'queries/Mul', blocks, graph.floats([scale], []));", 'const scaled = blocks;'),
        edit(
          blocks,
          "op('MatMul', 'scores/MatMul', scaled, keys)",
          "op('Mul', 'scores/Mul', op('MatMul', 'scores/MatMul', scaled, keys), graph.floats([scale], []))",
        ),
      ],
    },
    {
      id: 'bias-added-first',
      what: 'the sum of scores and bias begins with the bias',
      edits: [
        edit(
          blocks,
          "op('Add', 'scores/Add', op('MatMul', 'scores/MatMul', scaled, keys), frame.bias)",
          "op('Add', 'scores/Add', frame.bias, op('MatMul', 'scores/MatMul', scaled, keys))",
        ),
      ],
    },
    {
      id: 'spent-by-difference',
      what: 'what is spent grows by the difference of two errors',
      edits: [
        edit(
          choice,
          'const after = spent - (now?.error ?? 0) + candidate.error;',
          'const after = spent + (candidate.error - (now?.error ?? 0));',
        ),
      ],
    },
    {
      id: 'energy-from-the-last-channel',
      what: 'the energy of a position is summed from the last channel to the first',
      edits: [
        edit(
          calibrated,
          'for (let at = position * width; at < (position + 1) * width; at += 1) sum',
          'for (let at = (position + 1) * width - 1; at >= position * width; at -= 1) sum',
        ),
      ],
    },
    {
      id: 'values-kept-before-keys',
      what: 'the cache of values is cut before that of keys',
      edits: [
        edit(
          grouped,
          '    keptCache(graph, `${path}/k/kept`, frame, keys, presentKey);\n    keptCache(graph, `${path}/v/kept`, frame, values, presentValue);\n',
          '    keptCache(graph, `${path}/v/kept`, frame, values, presentValue);\n    keptCache(graph, `${path}/k/kept`, frame, keys, presentKey);\n',
        ),
      ],
    },
    {
      id: 'globals-counted-from-one',
      what: 'global positions are counted from one, and one is taken off at the end',
      entry: 'sink-attention',
      edits: [
        edit(
          frame,
          "op('Add', 'globals/places/Add', op('Mul', 'globals/places/Mul', numbers, number(stride)), number(stride - 1));",
          "op('Sub', 'globals/places/Sub', op('Mul', 'globals/places/Mul', op('Add', 'globals/places/Add', numbers, number(1)), number(stride)), number(1));",
        ),
      ],
    },
    {
      id: 'saved-keys-by-two-sums',
      what: 'keys and keys seen are summed apart',
      edits: [
        edit(
          subject,
          '  let saved = 0;\n  for (let at = 0; at < positions; at += 1) saved += at + 1 - keysSeen(pattern, at);\n  return saved / positions;',
          '  let [all, seen] = [0, 0];\n  for (let at = 0; at < positions; at += 1) {\n    all += at + 1;\n    seen += keysSeen(pattern, at);\n  }\n  return (all - seen) / positions;',
        ),
      ],
    },
  ],
};
