import { type Catalogue, edit } from './mutant.ts';

const cut = 'optimizations/modular-components/cut.ts';
const sum = 'optimizations/modular-components/residual-sum.ts';
const subject = 'optimizations/modular-components/subject.ts';
const pruning = 'optimizations/structured-pruning/feed-forward.ts';
const rewriting = 'optimizations/graph/rewrite.ts';
const stages = 'optimizations/graph/stage-graphs.ts';

export const modularComponents: Catalogue = {
  optimization: 'modular-components',
  mutants: [
    {
      id: 'interface-widened',
      what: 'modules are handed what they could work out themselves',
      edits: [
        edit(cut, 'kindOf(node).constant || (repeat && kindOf(node).light)', 'kindOf(node).constant && repeat && kindOf(node).light'),
      ],
      noticedBy: ['interface-tensors'],
    },
    {
      id: 'norm-of-the-stream-before',
      what: 'the norm behind a cut reads the stream without what the block added',
      edits: [edit(sum, 'input: [sum, gamma, ...(beta', 'input: [stream, gamma, ...(beta')],
      noticedBy: ['nll-delta', 'build'],
    },
    {
      id: 'epsilon-dropped',
      what: 'the norm that is taken apart loses its epsilon',
      edits: [edit(sum, '...(epsilon === undefined ? [] : [epsilon]),', '')],
      noticedBy: ['lost-bits'],
    },
    {
      id: 'sum-without-the-block',
      what: 'the stream behind a cut is what stood before the block, twice',
      edits: [edit(sum, 'add(stream, delta, plain),', 'add(stream, stream, plain),')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'packed-weights-unpacked',
      what: 'weights that were packed are written at full size',
      edits: [
        edit(subject, '  for (const name of packed) if (findInitializer(module, name) !== undefined) packWeight(module, name);\n', ''),
      ],
      noticedBy: ['composition-effect', 'interoperability'],
    },
    {
      id: 'groups-uneven',
      what: 'all layers but one are in one module',
      edits: [
        edit(cut, 'const first = Math.floor((group * layers.length) / groups);', 'const first = group === groups ? layers.length : group;'),
      ],
      noticedBy: ['largest-module'],
    },
    {
      id: 'unused-weights-kept',
      what: 'every module declares all weights',
      edits: [
        edit(subject, '  removeUnusedInitializers(module);\n', ''),
        edit(rewriting, '  removeUnusedInitializers(model);\n  dropValueInfo(model);', '  dropValueInfo(model);'),
      ],
      noticedBy: ['model-size', 'build'],
    },
    {
      id: 'a-pass-skips-what-was-cut',
      what: 'pruning leaves feed-forwards alone that another pass has factored',
      edits: [
        edit(
          pruning,
          'if (width === each.width) continue;',
          'if (width === each.width || each.up.linear.rows < each.down.columns) continue;',
        ),
      ],
      noticedBy: ['composition-effect', 'interoperability'],
    },
    {
      id: 'a-pass-undoes-another',
      what: 'a pass stores the zeros that another has packed as plain numbers',
      edits: [edit(stages, "if (storage === 'as found')", "if (storage === 'as found' && !edits(id))")],
      noticedBy: ['composition-effect', 'interoperability'],
    },
    {
      id: 'a-pass-cuts-the-wrong-rows',
      what: 'a pass over what another has made cuts the last rows, whichever matter',
      edits: [edit(pruning, 'await cutInputs(each.down, keep);', 'await cutInputs(each.down, keep.map((_, at) => each.width - 1 - at));')],
      noticedBy: ['composed-nll-delta', 'interoperability'],
    },
  ],
  placebos: [
    {
      id: 'modules-renamed',
      what: 'graphs of modules have another name',
      edits: [edit(subject, '  graph.name = id;\n', '  graph.name = `module-${id}`;\n')],
    },
    {
      id: 'reads-in-another-order',
      what: 'inputs of a module are listed in another order',
      edits: [edit(cut, 'reads: [...reads],', 'reads: [...reads].toReversed(),')],
    },
    {
      id: 'sum-with-swapped-sides',
      what: 'the sum adds the block to the stream instead of the stream to the block',
      edits: [edit(sum, 'add(stream, delta, plain),', 'add(delta, stream, plain),')],
    },
    {
      id: 'modules-walked-breadth-first',
      what: 'what a module needs is walked breadth first',
      edits: [
        edit(
          cut,
          'for (let name = queue.pop(); name !== undefined; name = queue.pop()) {',
          'for (let name = queue.shift(); name !== undefined; name = queue.shift()) {',
        ),
      ],
    },
    {
      id: 'gives-in-another-order',
      what: 'outputs of a module are listed in another order',
      edits: [edit(cut, 'gives: [...(gives[module] ?? [])],', 'gives: [...(gives[module] ?? [])].toReversed(),')],
    },
    {
      id: 'attributes-in-another-order',
      what: 'attributes of the norm are written in another order',
      edits: [
        edit(
          sum,
          "        create(AttributeProtoSchema, { name: 'axis', type: 2, i: -1n }),\n        ...(epsilon === undefined ? [] : [epsilon]),\n        create(AttributeProtoSchema, { name: 'stash_type', type: 2, i: 1n }),\n",
          "        create(AttributeProtoSchema, { name: 'stash_type', type: 2, i: 1n }),\n        ...(epsilon === undefined ? [] : [epsilon]),\n        create(AttributeProtoSchema, { name: 'axis', type: 2, i: -1n }),\n",
        ),
      ],
    },
    {
      id: 'boundaries-in-a-map',
      what: 'places of boundaries are looked up in a map',
      edits: [
        edit(
          cut,
          '  const levels = new Map<NodeProto, number>();\n  for',
          '  const levels = new Map<NodeProto, number>();\n  const places = new Map(boundaries.map((name, at) => [name, at + 1] as const));\n  for',
        ),
        edit(cut, 'Math.max(level, boundaries.indexOf(name) + 1)', 'Math.max(level, places.get(name) ?? 0)'),
      ],
    },
    {
      id: 'unused-weights-removed-twice',
      what: 'unused weights are removed before and after packing',
      edits: [
        edit(
          subject,
          '  for (const name of packed) if (findInitializer(module, name) !== undefined) packWeight(module, name);\n',
          '  for (const name of packed) if (findInitializer(module, name) !== undefined) packWeight(module, name);\n  removeUnusedInitializers(module);\n',
        ),
      ],
    },
    {
      id: 'modules-with-a-producer',
      what: 'modules say what has made them',
      edits: [edit(subject, '  graph.name = id;\n', "  graph.name = id;\n  module.proto.producerName = 'modular-components';\n")],
    },
  ],
};
