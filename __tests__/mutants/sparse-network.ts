import { type Catalogue, edit } from './mutant.ts';

const mask = 'optimizations/sparse-network/mask.ts';
const subject = 'optimizations/sparse-network/subject.ts';
const refit = 'optimizations/algebra/refit.ts';

export const sparseNetwork: Catalogue = {
  optimization: 'sparse-network',
  mutants: [
    {
      id: 'masks-not-applied',
      what: 'weights that a mask drops stay as they are',
      edits: [edit(mask, 'weights[start + least] = 0;', 'weights[start + least] = weights[start + least] ?? 0;')],
      noticedBy: ['pattern-conformity'],
    },
    {
      id: 'one-matrix-unmasked',
      what: 'the first matrix is left out',
      edits: [edit(subject, 'for (const linear of linears) names.push(', 'for (const linear of linears.slice(1)) names.push(')],
      noticedBy: ['pattern-conformity'],
    },
    {
      id: 'groups-along-outputs',
      what: 'N:M is applied along outputs instead of inputs',
      edits: [
        edit(
          subject,
          'const sparse = maskRows(outputs, rows, linear.node, squares, (_at, input) => input, context);',
          'const sparse = transposed(maskRows(readMatrix(model, linear), columns, linear.node, squares, (_at, input) => input, context), rows, columns);',
        ),
      ],
      noticedBy: ['pattern-conformity', 'nll-delta'],
    },
    {
      id: 'activation-norm-forgotten',
      what: 'weights are ranked without the norm of their input',
      edits: [edit(subject, 'return squares === null ? size : size *', 'return squares === null || size > 0 ? size : size *')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'largest-dropped',
      what: 'the largest of each group go',
      edits: [edit(mask, '(scores[at] as number) <= (scores[least] as number)', '(scores[at] as number) >= (scores[least] as number)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'one-zero-too-few',
      what: 'the threshold is reached from the wrong side: three of four stay',
      edits: [edit(mask, 'Math.max(0, length - density.kept)', 'Math.max(0, length - density.kept - 1)')],
      noticedBy: ['pattern-conformity'],
    },
    {
      id: 'inputs-of-the-neighbour',
      what: 'each weight is weighed by the input beside its own',
      edits: [
        edit(
          subject,
          'linear.node, squares, (_at, input) => input, context)',
          'linear.node, squares, (_at, input) => (input + 1) % rows, context)',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'experts-share-a-scale',
      what: "down projections of all experts are weighed by the first one's channels",
      model: 'mini-qwen3-moe',
      edits: [edit(subject, 'Math.floor(at / perExpert) * width + channel', 'Math.floor(at / perExpert) * 0 * width + channel')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'signs-lost',
      what: 'refitted weights are stored without their sign in the last quarter',
      edits: [
        edit(
          subject,
          'moment, products)).data);',
          'moment, products)).data).map((value, at, all) => (at > (3 * all.length) / 4 ? Math.abs(value) : value));',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'share-of-the-matrix',
      what: 'an unstructured mask drops a quarter instead of half',
      entry: 'unstructured',
      edits: [edit(mask, 'Math.round(inputs * density.zeros)', 'Math.round((inputs * density.zeros) / 2)')],
      noticedBy: ['sparsity', 'model-size'],
    },
    {
      id: 'zeros-filled-again',
      what: 'the refit forgets the mask',
      edits: [edit(refit, 'if (cut.data[at] === 0) values.data[at] = 0;', 'if (weights.data[at] === 0) values.data[at] = 0;')],
      noticedBy: ['pattern-conformity'],
    },
    {
      id: 'refit-to-what-is-left',
      what: 'the refit aims at what the mask leaves instead of what it takes',
      edits: [edit(refit, 'await products.multiply(moment, missing)', 'await products.multiply(moment, cut)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'refit-steps-backwards',
      what: 'a step of the refit goes the wrong way',
      edits: [
        edit(
          refit,
          'addColumns(found, direction, length);',
          'addColumns(\n      found,\n      direction,\n      length.map((value) => 0 - value),\n    );',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'refit-by-the-first-input',
      what: 'weights are refitted by the inputs of the first matrix that is as wide',
      edits: [
        edit(
          subject,
          'const moment = await momentOf(input);',
          'const width = inputs.find(({ name }) => name === input)?.width;\n      const moment = await momentOf(inputs.find((each) => each.width === width)?.name ?? input);',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'step-by-the-first-row',
      what: 'the refit scales its steps by the first row of the moment, not by its diagonal',
      edits: [edit(refit, 'moment.data[row * (rows + 1)]', 'moment.data[row]')],
      noticedBy: ['nll-delta'],
    },
  ],
  placebos: [
    {
      id: 'two-steps-more',
      what: 'the refit takes two steps more',
      edits: [edit(refit, 'const steps = 10;', 'const steps = 12;')],
    },
    {
      id: 'ratios-by-inverses',
      what: 'a quotient is a product with an inverse',
      edits: [edit(refit, 'value / (b[at] as number) : 0', 'value * (1 / (b[at] as number)) : 0')],
    },
    {
      id: 'scores-by-squares',
      what: 'weights are ranked by the square of their score',
      edits: [edit(subject, 'size * Math.sqrt(squares[squareOf(at, input)] ?? 0)', 'size * size * (squares[squareOf(at, input)] ?? 0)')],
    },
    {
      id: 'matrices-from-behind',
      what: 'matrices are masked from the last to the first',
      model: 'mini-qwen3-moe',
      edits: [edit(subject, 'for (const linear of linears) names.push(', 'for (const linear of linears.toReversed()) names.push(')],
    },
    {
      id: 'zeros-from-behind',
      what: 'a group is walked with another loop',
      edits: [
        edit(
          mask,
          'for (let at = from; at < from + length; at += 1)',
          'for (const at of Array.from({ length }, (_, step) => from + step))',
        ),
      ],
    },
    {
      id: 'mask-by-multiplication',
      what: 'a weight is dropped by a factor of zero',
      edits: [edit(mask, 'weights[start + least] = 0;', 'weights[start + least] = Math.abs(0 * (weights[start + least] ?? 0));')],
    },
    {
      id: 'dropped-in-a-list',
      what: 'positions that are dropped are kept in a list instead of a set',
      edits: [
        edit(mask, 'const gone = new Set<number>();', 'const gone: number[] = [];'),
        edit(mask, '!gone.has(at)', '!gone.includes(at)'),
        edit(mask, 'gone.add(least);', 'gone.push(least);'),
      ],
    },
    {
      id: 'scores-anew-for-each-output',
      what: 'scores of each output get an array of their own',
      edits: [
        edit(
          mask,
          '  const scores = new Float64Array(inputs);\n  for (let start = 0; start < out.length; start += inputs) {\n',
          '  for (let start = 0; start < out.length; start += inputs) {\n    const scores = new Float64Array(inputs);\n',
        ),
      ],
    },
    {
      id: 'packed-from-the-last',
      what: 'weights are packed from the last to the first',
      edits: [
        edit(
          subject,
          'names.filter((name) => packWeight(model, name)).length',
          'names.toReversed().filter((name) => packWeight(model, name)).length',
        ),
      ],
    },
    {
      id: 'sparse-model-with-a-producer',
      what: 'the model says what has made it',
      edits: [
        edit(
          subject,
          '  const { stage, model, architecture } = graph;\n',
          "  const { stage, model, architecture } = graph;\n  model.proto.producerName = 'sparse-network';\n",
        ),
      ],
    },
    {
      id: 'threshold-from-the-other-end',
      what: 'the threshold is counted from the largest score',
      entry: 'unstructured',
      edits: [
        edit(
          mask,
          'const threshold = scores.toSorted()[count - 1] as number;',
          'const threshold = scores.toSorted().toReversed()[scores.length - count] as number;',
        ),
      ],
    },
    {
      id: 'smaller-scores-by-a-filter',
      what: 'scores below the threshold are counted by a filter',
      entry: 'unstructured',
      edits: [
        edit(
          mask,
          '  let equal = count;\n  for (const score of scores) if (score < threshold) equal -= 1;\n',
          '  let equal = count - scores.filter((score) => score < threshold).length;\n',
        ),
      ],
    },
    {
      id: 'down-read-before-up',
      what: 'down projections of experts are read before gate and up',
      model: 'mini-qwen3-moe',
      edits: [
        edit(
          subject,
          'const [ups, downs] = [readFloats(model, up), readFloats(model, down)];',
          'const downs = readFloats(model, down);\n  const ups = readFloats(model, up);',
        ),
      ],
    },
  ],
};
