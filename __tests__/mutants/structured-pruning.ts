import { type Catalogue, edit } from './mutant.ts';

const feedForward = 'optimizations/structured-pruning/feed-forward.ts';
const experts = 'optimizations/structured-pruning/experts.ts';
const heads = 'optimizations/structured-pruning/heads.ts';
const layers = 'optimizations/structured-pruning/layers.ts';
const selection = 'optimizations/graph/selection.ts';
const activations = 'optimizations/graph/activations.ts';
const cutter = 'optimizations/structured-pruning/refit.ts';
const refit = 'optimizations/algebra/refit.ts';

export const structuredPruning: Catalogue = {
  optimization: 'structured-pruning',
  mutants: [
    {
      id: 'least-important-kept',
      what: 'the order of importance is turned round',
      edits: [edit(selection, '(scores[b] ?? 0) - (scores[a] ?? 0) || a - b', '(scores[a] ?? 0) - (scores[b] ?? 0) || a - b')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'pruning-does-nothing',
      what: 'the width that is left is the width there was',
      edits: [edit(selection, 'Math.round((width * (1 - ratio)) / multiple) * multiple', 'Math.round(width / multiple) * multiple')],
      noticedBy: ['model-size', 'macs-per-token'],
    },
    {
      id: 'first-block-skipped',
      what: 'the loop over blocks begins with the second',
      edits: [
        edit(feedForward, '  for (const each of blocks) {\n    const width', '  for (const each of blocks.slice(1)) {\n    const width'),
      ],
      noticedBy: ['model-size', 'macs-per-token'],
    },
    {
      id: 'gate-and-up-cut-apart',
      what: 'the gate keeps the neighbours of the channels that up keeps',
      edits: [
        edit(
          feedForward,
          "cutLinear(model, slice.linear, 'columns', keep);",
          "cutLinear(model, slice.linear, 'columns', slice === up ? keep : keep.map((at) => (at + 1) % each.width));",
        ),
      ],
      noticedBy: ['nll-delta', 'build'],
    },
    {
      id: 'energy-of-the-last-window',
      what: 'sums of calibration begin anew with each window',
      edits: [edit(activations, 'const sums = energy.get(name) ?? new Float64Array(width);', 'const sums = new Float64Array(width);')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'energy-of-the-first-block',
      what: 'every block is ranked by the activations of the first',
      edits: [
        edit(
          feedForward,
          'scoresOf(model, each, energy.get(each.down.input), choice)',
          "scoresOf(model, each, energy.get(blocks[0]?.down.input ?? ''), choice)",
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'activations-signed',
      what: 'activations are summed without a square, so that signs cancel',
      edits: [
        edit(
          activations,
          '(sums[channel] ?? 0) + (data[at + channel] ?? 0) ** 2;',
          '(sums[channel] ?? 0) + Math.max(0, data[at + channel] ?? 0);',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'channels-of-the-first-expert',
      what: 'every expert keeps the channels of the first',
      model: 'mini-qwen3-moe',
      edits: [edit(experts, 'scores.subarray(expert * each.width, (expert + 1) * each.width)', 'scores.subarray(0 * expert, each.width)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'expert-rows-by-another-layout',
      what: 'rows of gate and up are taken as interleaved where they are not, and the other way round',
      model: 'mini-qwen3-moe',
      edits: [edit(experts, "if (each.layout === 'interleaved')", "if (each.layout !== 'interleaved')")],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'query-heads-of-another-group',
      what: 'query heads of the group beside the kept one stay',
      entry: 'pruned-heads',
      edits: [
        edit(
          heads,
          'keepIn(attention.query, spans(groups, perGroup), attention.query.size / attention.heads);',
          'keepIn(attention.query, spans(groups.map((group) => (group + 1) % attention.kvHeads), perGroup), attention.query.size / attention.heads);',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'most-turning-layer-dropped',
      what: 'the layer that changes the stream most goes',
      entry: 'pruned-layers',
      edits: [edit(layers, 'cosines.map((cosine) => 1 - cosine)', 'cosines.map((cosine) => cosine - 1)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'router-cut-apart',
      what: 'the router keeps the columns of other experts',
      model: 'mini-qwen3-moe',
      entry: 'pruned-experts',
      edits: [
        edit(
          experts,
          "cutLinear(model, each.router.linear, 'columns', keep);",
          "cutLinear(model, each.router.linear, 'columns', keep.map((_, at) => at));",
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'refit-skipped',
      what: 'what is left of a projection is cut and never refitted',
      edits: [edit(cutter, 'if (!options.refit)', 'if (options.refit)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'refit-by-the-first-block',
      what: 'every projection is refitted by the activations of the first',
      edits: [edit(cutter, 'await momentOf(linear.input)', "await momentOf(linears[0]?.input ?? '')")],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'refit-makes-up-for-other-rows',
      what: 'what is left makes up for the first rows instead of those that went',
      edits: [edit(refit, 'elementsOf(weights, gone, outputs)', 'elementsOf(weights, upTo(gone.length), outputs)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'refit-by-half-a-triangle',
      what: 'the inverse of the triangle is applied twice the same way, never transposed',
      edits: [
        edit(
          refit,
          "await products.multiply(inverse, await products.multiply(inverse, missing), 'left')",
          'await products.multiply(inverse, await products.multiply(inverse, missing))',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'group-by-remainder',
      what: 'a row belongs to the group of its remainder, not of its quotient',
      entry: 'pruned-heads',
      edits: [edit(heads, 'Math.floor(row / perGroup)', 'row % attention.kvHeads')],
      noticedBy: ['nll-delta'],
    },
  ],
  placebos: [
    {
      id: 'rows-that-went-from-behind',
      what: 'rows that went are gathered from the last to the first',
      edits: [edit(refit, 'filter((at) => !kept.has(at));', 'filter((at) => !kept.has(at)).toReversed();')],
    },
    {
      id: 'refit-by-sums',
      what: 'moments are sums instead of means',
      edits: [edit(activations, 'sums[at] = (sums[at] as number) / count;', 'sums[at] = ((sums[at] as number) / count) * 4096;')],
    },
    {
      id: 'pruning-in-reverse',
      what: 'blocks are pruned from the last to the first',
      edits: [
        edit(
          feedForward,
          '  for (const each of blocks) {\n    const width',
          '  for (const each of blocks.toReversed()) {\n    const width',
        ),
      ],
    },
    {
      id: 'norm-in-other-words',
      what: 'the norm is the root of a sum of products',
      edits: [
        edit(
          feedForward,
          'at += 1) sum += (matrix[at] ?? 0) ** 2;\n    return Math.sqrt(sum);',
          'at += 1) sum += (matrix[at] ?? 0) * (matrix[at] ?? 0);\n    return sum ** 0.5;',
        ),
      ],
    },
    {
      id: 'scores-squared',
      what: 'channels are ranked by the square of their score',
      edits: [
        edit(
          feedForward,
          'down.map((norm, at) => norm * Math.sqrt(energy?.[at] ?? 0))',
          'down.map((norm, at) => norm * norm * (energy?.[at] ?? 0))',
        ),
      ],
    },
    {
      id: 'selection-by-a-set',
      what: 'what is kept is gathered in a set',
      edits: [
        edit(
          selection,
          '    .slice(0, count)\n    .sort((a, b) => a - b);',
          '    .slice(0, count)\n    .toSorted((a, b) => a - b)\n    .filter((at, index, all) => all.indexOf(at) === index);',
        ),
      ],
    },
    {
      id: 'energy-as-a-mean',
      what: 'energy is scaled by a constant',
      edits: [
        edit(
          activations,
          '(sums[channel] ?? 0) + (data[at + channel] ?? 0) ** 2;',
          '(sums[channel] ?? 0) + 0.25 * (data[at + channel] ?? 0) ** 2;',
        ),
      ],
    },
    {
      id: 'expert-norms-by-rows',
      what: 'a norm is written with Math.hypot',
      model: 'mini-qwen3-moe',
      edits: [edit(experts, '(sums[to] ?? 0) + (down[at] ?? 0) ** 2;', 'Math.hypot(Math.sqrt(sums[to] ?? 0), down[at] ?? 0) ** 2;')],
    },
    {
      id: 'width-less-what-goes',
      what: 'the width that is left is the width less what goes',
      edits: [
        edit(
          selection,
          'Math.round((width * (1 - ratio)) / multiple) * multiple',
          'Math.round((width - width * ratio) / multiple) * multiple',
        ),
      ],
    },
    {
      id: 'gate-cut-first',
      what: 'the gate is cut before up',
      edits: [
        edit(
          feedForward,
          'for (const slice of [up, ...(gate === null ? [] : [gate])])',
          'for (const slice of [...(gate === null ? [] : [gate]), up])',
        ),
      ],
    },
    {
      id: 'energy-channel-by-channel',
      what: 'activations are summed channel by channel instead of position by position',
      edits: [
        edit(
          activations,
          '      for (let at = 0; at < data.length; at += width)\n        for (let channel = 0; channel < width; channel += 1) sums',
          '      for (let channel = 0; channel < width; channel += 1)\n        for (let at = 0; at < data.length; at += width) sums',
        ),
      ],
    },
    {
      id: 'head-norms-from-behind',
      what: 'the norm of a row is summed from its last element to its first',
      entry: 'pruned-heads',
      edits: [
        edit(
          heads,
          'for (let at = row * attention.output.columns; at < (row + 1) * attention.output.columns; at += 1) norm',
          'for (let at = (row + 1) * attention.output.columns - 1; at >= row * attention.output.columns; at -= 1) norm',
        ),
      ],
    },
    {
      id: 'layers-by-their-cosine',
      what: 'layers are ranked by the negated cosine',
      entry: 'pruned-layers',
      edits: [edit(layers, 'cosines.map((cosine) => 1 - cosine)', 'cosines.map((cosine) => -cosine)')],
    },
    {
      id: 'router-cut-first',
      what: 'the router is cut before the weights of the experts',
      model: 'mini-qwen3-moe',
      entry: 'pruned-experts',
      edits: [
        edit(
          experts,
          "  for (const name of [each.up, each.down, ...each.extras.map((extra) => extra.tensor)]) cutConstant(model, node, name, 0, keep);\n  cutLinear(model, each.router.linear, 'columns', keep);\n",
          "  cutLinear(model, each.router.linear, 'columns', keep);\n  for (const name of [each.up, each.down, ...each.extras.map((extra) => extra.tensor)]) cutConstant(model, node, name, 0, keep);\n",
        ),
      ],
    },
    {
      id: 'routing-peak-of-all-experts',
      what: 'the softmax of the router subtracts the largest of all logits instead of the largest chosen one',
      model: 'mini-qwen3-moe',
      entry: 'pruned-experts',
      edits: [
        edit(
          'optimizations/graph/expert-activations.ts',
          'const peak = Math.max(...top.map((at) => row[at] ?? 0));',
          'const peak = row.reduce((most, logit) => Math.max(most, logit), Number.NEGATIVE_INFINITY);',
        ),
      ],
    },
    {
      id: 'expert-parts-by-reduction',
      what: 'the parts of a tensor are joined by a reduction instead of a loop',
      model: 'mini-qwen3-moe',
      edits: [
        edit(
          experts,
          '    let at = 0;\n    for (const part of parts) {\n      joined.set(part, at);\n      at += part.length;\n    }\n',
          '    parts.reduce((at, part) => {\n      joined.set(part, at);\n      return at + part.length;\n    }, 0);\n',
        ),
      ],
    },
  ],
};
