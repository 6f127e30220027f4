import { type Catalogue, edit } from './mutant.ts';

const window = 'runtime/cache-window.ts';
const feeds = 'runtime/feeds.ts';
const decoder = 'runtime/decoder.ts';
const scoring = 'runtime/scoring.ts';
const queue = 'optimizations/serving/virtual-queue.ts';

/** What serves and measures every arm: the loop of prefill, steps and eviction, scores, the queue of replays. */
export const runtime: Catalogue = {
  optimization: 'streaming',
  mutants: [
    {
      id: 'loop-keeps-the-oldest',
      what: 'eviction keeps the oldest positions behind the sinks',
      edits: [
        edit(
          window,
          'words.subarray(from + (cache.length - keepLast) * slot.size, from + cache.length * slot.size);',
          'words.subarray(from + sinks * slot.size, from + (sinks + keepLast) * slot.size);',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-turns-one-too-far',
      what: 'keys are turned back by one position too many after an eviction',
      edits: [edit(window, 'turnWords(moved, slot.size, frequencies, -back);', 'turnWords(moved, slot.size, frequencies, -back - 1);')],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-turns-values',
      what: 'values are turned like keys',
      edits: [
        edit(window, "if (frequencies !== undefined && back > 0 && slot.part === 'key')", 'if (frequencies !== undefined && back > 0)'),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-does-not-re-base',
      what: 'positions go on counting after keys were moved up',
      edits: [
        edit(
          window,
          '[batch, slot.heads, kept, slot.size])];\n  });\n  return { cache: { length: kept, tensors: Object.fromEntries(tensors) }, next: next - back };',
          '[batch, slot.heads, kept, slot.size])];\n  });\n  return { cache: { length: kept, tensors: Object.fromEntries(tensors) }, next };',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'build'],
    },
    {
      id: 'loop-pairs-neighbours',
      what: 'pairs (i, i + 1) of a key are turned instead of (i, i + n)',
      edits: [
        edit(
          window,
          'const [a, b] = [keys[at] as number, keys[at + half] as number];\n      keys[at] = a * cos - b * sin;\n      keys[at + half] = b * cos + a * sin;',
          'const low = at - pair + 2 * pair;\n      const [a, b] = [keys[low] as number, keys[low + 1] as number];\n      keys[low] = a * cos - b * sin;\n      keys[low + 1] = b * cos + a * sin;',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-loses-the-sinks',
      what: 'sinks are overwritten when the cache is cut in place',
      edits: [
        edit(
          window,
          'const moved = out.subarray(to + sinks * slot.size, to + kept * slot.size);',
          'const moved = out.subarray(to, to + keepLast * slot.size);',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-stacks-one-row',
      what: 'every row of a batch goes on behind the cache of the first',
      edits: [edit(window, 'out.set(part, row * size);', 'out.set(parts[0] ?? part, row * size);')],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-steps-off-by-one',
      what: 'a step behind a chunk takes the position of the token before it',
      edits: [
        edit(
          decoder,
          'return withRoom(ort, face.cache, reached, serve, 1);\n  };\n\n  const advance',
          'const ended = withRoom(ort, face.cache, reached, serve, 1);\n    return { ...ended, next: ended.next - 1 };\n  };\n\n  const advance',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'loop-evicts-too-late',
      what: 'a chunk goes in before room is made for it',
      edits: [
        edit(
          window,
          'cache.length <= sinks + keepLast + Math.max(0, slack - incoming)',
          'cache.length <= sinks + keepLast + Math.max(0, slack - 0 * incoming)',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'cache-bytes', 'build'],
    },
    {
      id: 'loop-skips-the-first-chunk',
      what: 'prompts are read from the second chunk on',
      edits: [
        edit(
          decoder,
          'for (let at = 0; at < rows.length; at += size) {',
          'for (let at = rows.length > size ? size : 0; at < rows.length; at += size) {',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement', 'build'],
    },
    {
      id: 'scorer-takes-the-likeliest',
      what: 'the loss is that of the likeliest token, not of the true one',
      edits: [
        edit(
          scoring,
          'const loss = log - (logits[start + (windows.tokens[window * windows.length + t + 1] ?? 0)] as number);',
          'const loss = log - (logits[own] as number);',
        ),
      ],
      noticedBy: ['nll-delta', 'other-measure'],
    },
    {
      id: 'scorer-scores-the-token-itself',
      what: 'a position is scored by its own token, not by the next',
      edits: [
        edit(
          scoring,
          'const loss = log - (logits[start + (windows.tokens[window * windows.length + t + 1] ?? 0)] as number);',
          'const loss = log - (logits[start + (windows.tokens[window * windows.length + t] ?? 0)] as number);',
        ),
      ],
      noticedBy: ['nll-delta', 'other-measure', 'build'],
    },
    {
      id: 'files-of-weights-not-counted',
      what: 'the size of a model is that of its graphs alone',
      edits: [edit('worker/inspection.ts', 'bytes: [found.bytes + spare],', 'bytes: [Math.round(found.bytes / 1000) + spare],')],
      noticedBy: ['other-measure'],
    },
    {
      id: 'queue-forgets-the-wait',
      what: 'a request is taken to have arrived when its batch begins',
      entry: 'adaptive-batching',
      edits: [edit(queue, 'time = start + took;', 'time = oldest.time + took;')],
      noticedBy: ['goodput', 'other-measure', 'build'],
    },
    {
      id: 'loop-turns-the-first-row',
      what: 'of a batch only keys of the first row are turned back after an eviction',
      edits: [edit(window, "slot.part === 'key') turnWords(", "slot.part === 'key' && line < slot.heads) turnWords(")],
      noticedBy: ['cached-nll-delta', 'prefill-decode-agreement'],
    },
  ],
  placebos: [
    {
      id: 'loop-copies-once-more',
      what: 'what stays of a cache is copied once more',
      edits: [edit(window, 'moved.set(newest);', 'moved.set(newest.slice());')],
    },
    {
      id: 'loop-turns-by-a-copy',
      what: 'sine and cosine are taken in another order',
      edits: [
        edit(
          window,
          'const [cos, sin] = [Math.cos(angle), Math.sin(angle)];',
          'const sin = Math.sin(angle);\n    const cos = Math.cos(angle);',
        ),
      ],
    },
    {
      id: 'feeds-renamed',
      what: 'a comment is added where calls are fed',
      edits: [edit(feeds, 'export const emptyCache', '// Nothing is cached yet.\nexport const emptyCache')],
    },
    {
      id: 'loop-angles-in-a-table',
      what: 'sines and cosines of all pairs are computed before keys are turned',
      edits: [
        edit(
          window,
          '  for (let pair = 0; pair < half; pair++) {\n    const angle = positions * (frequencies[pair] ?? 0);\n    const [cos, sin] = [Math.cos(angle), Math.sin(angle)];\n',
          '  const angles = Array.from({ length: half }, (_, pair) => positions * (frequencies[pair] ?? 0));\n  const turns = angles.map((angle) => [Math.cos(angle), Math.sin(angle)] as const);\n  for (const [pair, [cos, sin]] of turns.entries()) {\n',
        ),
      ],
    },
    {
      id: 'loop-returns-in-two-steps',
      what: 'two reasons to leave a cache alone are asked one after the other',
      edits: [
        edit(
          window,
          '  if (keepLast === undefined || cache.length <= sinks + keepLast + Math.max(0, slack - incoming)) return reached;\n',
          '  if (keepLast === undefined) return reached;\n  if (cache.length <= sinks + keepLast + Math.max(0, slack - incoming)) return reached;\n',
        ),
      ],
    },
    {
      id: 'loop-lines-from-behind',
      what: 'lines of a cache are cut from the last to the first',
      edits: [
        edit(
          window,
          'for (let line = 0; line < batch * slot.heads; line++) {',
          'for (let line = batch * slot.heads - 1; line >= 0; line--) {',
        ),
      ],
    },
    {
      id: 'loop-chunks-listed-first',
      what: 'chunks are listed before they are read',
      edits: [
        edit(
          decoder,
          'for (let at = 0; at < rows.length; at += size) {',
          'for (const at of Array.from({ length: Math.ceil(rows.length / size) }, (_, chunk) => chunk * size)) {',
        ),
      ],
    },
    {
      id: 'loop-caches-stacked-by-a-loop',
      what: 'caches of rows are put under one another by another loop',
      edits: [
        edit(
          window,
          '    parts.forEach((part, row) => {\n      out.set(part, row * size);\n    });\n',
          '    for (const [row, part] of parts.entries()) out.set(part, row * size);\n',
        ),
      ],
    },
    {
      id: 'integers-filled-by-a-loop',
      what: 'a tensor of integers is filled by a loop',
      edits: [
        edit(
          feeds,
          "const integerTensor = (ort: OrtModule, values: ArrayLike<number>, dims: readonly number[]): Tensor =>\n  new ort.Tensor(\n    'int64',\n    BigInt64Array.from({ length: values.length }, (_, i) => BigInt(values[i] ?? 0)),\n    dims,\n  );\n",
          "const integerTensor = (ort: OrtModule, values: ArrayLike<number>, dims: readonly number[]): Tensor => {\n  const data = new BigInt64Array(values.length);\n  for (let i = 0; i < values.length; i++) data[i] = BigInt(values[i] ?? 0);\n  return new ort.Tensor('int64', data, dims);\n};\n",
        ),
      ],
    },
    {
      id: 'caches-fed-first',
      what: 'caches are fed before tokens',
      edits: [
        edit(
          feeds,
          '{ input_ids: integerTensor(ort, rows.tokens, [batch, length]), ...cache.tensors }',
          '{ ...cache.tensors, input_ids: integerTensor(ort, rows.tokens, [batch, length]) }',
        ),
      ],
    },
    {
      id: 'scorer-sums-two-by-two',
      what: 'exponentials are added up in two sums',
      edits: [
        edit(
          scoring,
          '  let total = 0;\n  for (let i = start; i < start + count; i++) total += expOfNegative((logits[i] as number) - largest);\n  return finite(largest + Math.log(total));',
          '  const totals: [number, number] = [0, 0];\n  for (let i = start; i < start + count; i++) totals[(i & 1) as 0 | 1] += expOfNegative((logits[i] as number) - largest);\n  return finite(largest + Math.log(totals[0] + totals[1]));',
        ),
      ],
    },
    {
      id: 'scorer-means-by-a-factor',
      what: 'the mean loss is a product with the inverse of a count',
      edits: [edit(scoring, 'nll: nll / tokens,', 'nll: nll * (1 / tokens),')],
    },
    {
      id: 'scorer-targets-in-one-pass',
      what: 'targets are gathered by a loop',
      edits: [
        edit(
          scoring,
          '  return Array.from({ length: windows.length - 1 }, (_, t) => t).filter((t) => windows.scored === null || windows.scored[at + t + 1] === 1);\n',
          '  const targets: number[] = [];\n  for (let t = 0; t < windows.length - 1; t++) if (windows.scored === null || windows.scored[at + t + 1] === 1) targets.push(t);\n  return targets;\n',
        ),
      ],
    },
    {
      id: 'queue-longest-by-reduction',
      what: 'the longest prompt of a batch is found by a reduction',
      entry: 'adaptive-batching',
      edits: [edit(queue, 'Math.max(...taken.map((each) => each.tokens))', 'taken.reduce((most, each) => Math.max(most, each.tokens), 0)')],
    },
    {
      id: 'queue-latencies-by-a-loop',
      what: 'latencies are gathered batch by batch in a loop',
      entry: 'adaptive-batching',
      edits: [
        edit(
          queue,
          '  batches.flatMap((batch) => arrivals.slice(batch.first, batch.first + batch.requests).map((each) => batch.end - each.time));',
          '  {\n    const latencies: number[] = [];\n    for (const { first, requests, end } of batches)\n      for (const { time } of arrivals.slice(first, first + requests)) latencies.push(end - time);\n    return latencies;\n  };',
        ),
      ],
    },
  ],
};
