import { type Catalogue, edit } from './mutant.ts';

const subject = 'optimizations/streaming/subject.ts';

/** What streaming hands to whatever serves: the loop itself is under `runtime.ts`. */
export const streaming: Catalogue = {
  optimization: 'streaming',
  mutants: [
    {
      id: 'almost-nothing-kept',
      what: 'sixteen of the newest positions stay',
      edits: [edit(subject, "keepLast: options['keep-last'],", "keepLast: Math.min(16, options['keep-last']),")],
      noticedBy: ['nll-delta', 'cached-nll-delta'],
    },
    {
      id: 'sinks-forgotten',
      what: 'the first positions are evicted like all others',
      edits: [edit(subject, 'sinks: options.sinks,', 'sinks: 0 * options.sinks,')],
      noticedBy: ['nll-delta', 'cached-nll-delta'],
    },
    {
      id: 'frequencies-shifted',
      what: 'keys are turned back by the frequency of the neighbouring pair',
      edits: [
        edit(
          subject,
          '    frequencies,\n    // This',
          '    frequencies: [...frequencies.slice(1), ...frequencies.slice(0, 1)],\n    // This',
        ),
      ],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'keys-not-turned-back',
      what: 'keys stay as they were turned when positions are given anew',
      edits: [edit(subject, '    frequencies,\n    // This', '    frequencies: frequencies.map((each) => 0 * each),\n    // This')],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'keys-turned-the-other-way',
      what: 'keys are turned on instead of back',
      edits: [edit(subject, '    frequencies,\n    // This', '    frequencies: frequencies.map((each) => -each),\n    // This')],
      noticedBy: ['nll-delta', 'cached-nll-delta', 'prefill-decode-agreement'],
    },
    {
      id: 'cache-unbounded',
      what: 'nothing is ever evicted',
      edits: [edit(subject, "keepLast: options['keep-last'],", "keepLast: 100 * options['keep-last'],")],
      noticedBy: ['memory-slope', 'cache-bytes'],
    },
    {
      id: 'room-for-two-chunks',
      what: 'the cache may grow by twice what is read at once before it forgets',
      edits: [edit(subject, 'slack: options.chunk,', 'slack: 2 * options.chunk,')],
      noticedBy: ['cache-bytes'],
    },
  ],
  placebos: [
    {
      id: 'hints-in-another-order',
      what: 'hints are listed in another order',
      edits: [
        edit(subject, '    chunk: options.chunk,\n    sinks: options.sinks,', '    sinks: options.sinks,\n    chunk: options.chunk,'),
      ],
    },
    {
      id: 'frequencies-copied',
      what: 'frequencies are copied',
      edits: [edit(subject, '    frequencies,\n    // This', '    frequencies: frequencies.map((each) => each),\n    // This')],
    },
    {
      id: 'hints-gathered-otherwise',
      what: 'the first hints are taken from the end of a list',
      edits: [edit(subject, 'const [serve] = hints;', 'const serve = hints.toReversed().at(-1);')],
    },
    {
      id: 'frequencies-inverted-twice',
      what: 'frequencies go through their periods and back',
      edits: [edit(subject, '    frequencies,\n    // This', '    frequencies: frequencies.map((each) => 1 / (1 / each)),\n    // This')],
    },
    {
      id: 'in-place-unless-one-cannot',
      what: 'whether all layers write in place is asked by looking for one that cannot',
      edits: [
        edit(
          subject,
          "attentions.every(({ op, cache }) => op === 'GroupQueryAttention' && cache !== null)",
          "!attentions.some(({ op, cache }) => op !== 'GroupQueryAttention' || cache === null)",
        ),
      ],
    },
    {
      id: 'options-destructured',
      what: 'options are taken apart before hints are made of them',
      edits: [
        edit(
          subject,
          "  return {\n    chunk: options.chunk,\n    sinks: options.sinks,\n    keepLast: options['keep-last'],\n    slack: options.chunk,\n",
          "  const { chunk, sinks, 'keep-last': keepLast } = options;\n  return {\n    chunk,\n    sinks,\n    keepLast,\n    slack: chunk,\n",
        ),
      ],
    },
    {
      id: 'stream-with-a-doc-string',
      what: 'the model gets a doc string',
      edits: [
        edit(
          subject,
          'hints.push(hintsOf(graph, context.options));',
          "hints.push(hintsOf(graph, context.options));\n        graph.model.proto.docString = 'Served as a stream.';",
        ),
      ],
    },
    {
      id: 'initializers-from-behind',
      what: 'initializers are written from the last to the first',
      edits: [
        edit(
          subject,
          'hints.push(hintsOf(graph, context.options));',
          'hints.push(hintsOf(graph, context.options));\n        graph.model.proto.graph?.initializer.reverse();',
        ),
      ],
    },
  ],
};
