import { type Catalogue, edit } from './mutant.ts';

const linear = 'optimizations/tensor-decomposition/linear.ts';
const subject = 'optimizations/tensor-decomposition/subject.ts';
const rank = 'optimizations/tensor-decomposition/rank.ts';
const factorisation = 'optimizations/tensor-decomposition/factorisation.ts';
const experts = 'optimizations/tensor-decomposition/experts.ts';
const activations = 'optimizations/graph/activations.ts';
const paired = 'optimizations/graph/paired-moments.ts';
const refit = 'optimizations/algebra/refit.ts';

export const tensorDecomposition: Catalogue = {
  optimization: 'tensor-decomposition',
  mutants: [
    {
      id: 'activations-the-wrong-way-round',
      what: 'the weighing is the inverse of what it should be',
      edits: [
        edit(
          linear,
          "weigh: (weights) => products.multiply(triangle.lower, weights, 'left'),",
          'weigh: (weights) => products.multiply(triangle.inverse, weights),',
        ),
        edit(
          linear,
          'flipped(await products.multiply(weighed, triangle.inverse)),',
          "flipped(await products.multiply(weighed, triangle.lower, 'right')),",
        ),
      ],
      noticedBy: ['model-size', 'macs-per-token', 'nll-delta'],
    },
    {
      id: 'singular-values-taken-twice',
      what: 'both factors take the whole singular value',
      entry: 'factors-as-made',
      edits: [edit(linear, 'Math.sqrt(singular.values[row] ?? 0)', '(singular.values[row] ?? 0)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'weighing-not-undone',
      what: 'the first factor keeps the weighing',
      entry: 'factors-as-made',
      edits: [
        edit(
          linear,
          'first: await weighing.undoFlipped(scaledRows(topRows(singular.left, rank), root)),',
          'first: flipped(scaledRows(topRows(singular.left, rank), root)),',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'energy-of-values-not-squares',
      what: 'singular values are added up without a square',
      edits: [edit(rank, 'kept += (values[at] ?? 0) ** 2;', 'kept += values[at] ?? 0;')],
      noticedBy: ['nll-delta', 'model-size', 'build'],
    },
    {
      id: 'rank-one-multiple-short',
      what: 'ranks are rounded down instead of up, and once more',
      edits: [
        edit(rank, 'Math.ceil(rank / options.multiple) * options.multiple', '(Math.ceil(rank / options.multiple) - 1) * options.multiple'),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'moments-of-the-last-window',
      what: 'second moments are those of the last window of calibration',
      edits: [
        edit(
          activations,
          'if (sums === undefined) moments.set(name, squares);',
          'if (sums === undefined || squares.length > 0) moments.set(name, squares);',
        ),
      ],
      noticedBy: ['nll-delta', 'model-size'],
    },
    {
      id: 'triangle-of-another-input',
      what: 'the triangle of the input asked for first is used for all',
      edits: [edit(subject, 'if (last?.input === input) return last.weighing;', 'if (last !== null) return last.weighing;')],
      noticedBy: ['nll-delta', 'model-size', 'build'],
    },
    {
      id: 'half-the-digits-lost',
      what: 'the range is taken from one rough pass, without orthonormal rows',
      edits: [
        edit(
          factorisation,
          'const range = await orthonormalRows(sketch, products);',
          'const range = scaledRows(sketch, () => 1 / Math.sqrt(energyOf(sketch)));',
        ),
      ],
      noticedBy: ['nll-delta', 'model-size', 'build'],
    },
    {
      id: 'expert-cores-transposed',
      what: 'the way out of the experts is the way in',
      model: 'mini-qwen3-moe',
      entry: 'factors-as-made',
      edits: [edit(experts, 'const outOf = topRows(output.singular.left, rank);', 'const outOf = topRows(input.singular.left, rank);')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'decomposition-does-nothing',
      what: 'factors are made and never put in',
      edits: [
        edit(
          subject,
          'return { stage, ...replaceLinear(model, linear, await factorsOf(singular, rank, weighing)) };',
          'await factorsOf(singular, rank, weighing);\n  return null;',
        ),
      ],
      noticedBy: ['model-size', 'macs-per-token', 'build'],
    },
    {
      id: 'refitted-to-itself',
      what: 'factors are refitted to what the factored model makes itself',
      edits: [edit(paired, 'await calibration.observe(stage,', 'await calibration.through(rewritten).observe(stage,')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'windows-out-of-step',
      what: 'what goes in is held against what came out for the first window',
      edits: [edit(paired, 'tableOf(windows[window], pair.outer)', 'tableOf(windows[0 * window], pair.outer)')],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'factor-added-to-its-own',
      what: 'what the factor gives already is not taken off what it is to give',
      edits: [
        edit(
          refit,
          'addColumns(missing, given, new Float64Array(weights.columns).fill(-1));',
          'addColumns(missing, given, new Float64Array(weights.columns));',
        ),
      ],
      noticedBy: ['nll-delta'],
    },
    {
      id: 'range-finder-without-powers',
      what: 'the range finder neither iterates nor samples more than the rank',
      edits: [
        edit(factorisation, 'const powerIterations = 3;\nconst oversampling = 8;', 'const powerIterations = 0;\nconst oversampling = 0;'),
      ],
      noticedBy: ['model-size', 'macs-per-token'],
    },
  ],
  placebos: [
    {
      id: 'windows-summed-the-other-way-round',
      what: 'the sum over windows has its two parts exchanged',
      edits: [
        edit(
          paired,
          'sums[at] = (sums[at] as number) + (values[at] as number);',
          'sums[at] = (values[at] as number) + (sums[at] as number);',
        ),
      ],
    },
    {
      id: 'factors-balanced-otherwise',
      what: 'the first factor takes the whole singular value, the second none',
      edits: [
        edit(
          linear,
          'scaledRows(topRows(singular.left, rank), root)',
          'scaledRows(topRows(singular.left, rank), (row) => singular.values[row] ?? 0)',
        ),
        edit(
          linear,
          'second: scaledRows(topRows(singular.right, rank), root),',
          'second: scaledRows(topRows(singular.right, rank), (row) => (root(row) > 0 ? 1 : 0)),',
        ),
      ],
    },
    {
      id: 'linears-from-behind',
      what: 'matrices are factored from the last to the first',
      edits: [edit(subject, 'for (const linear of linears) factors', 'for (const linear of linears.toReversed()) factors')],
    },
    {
      id: 'moments-scaled',
      what: 'second moments are not divided by their count where all have one count',
      edits: [edit(activations, 'sums[at] = (sums[at] as number) / count;', 'sums[at] = (sums[at] as number) * (1 / count);')],
    },
    {
      id: 'nodes-renamed-in-factors',
      what: 'the products have other names',
      edits: [edit(linear, 'name: `${node.name}/first`', 'name: `${node.name}/narrow`')],
    },
    {
      id: 'energy-from-behind',
      what: 'what is kept is compared with what is left',
      edits: [edit(rank, 'if (kept >= energy * options.rank.keep)', 'if (energy - kept <= energy * (1 - options.rank.keep))')],
    },
    {
      id: 'weighings-in-a-map',
      what: 'triangles of all inputs are kept in a map instead of the last one',
      edits: [
        edit(
          subject,
          '  let last: { readonly input: string; readonly weighing: Weighing } | null = null;\n',
          '  const known = new Map<string, Weighing>();\n',
        ),
        edit(
          subject,
          '    if (last?.input === input) return last.weighing;\n',
          '    const had = known.get(input);\n    if (had !== undefined) return had;\n',
        ),
        edit(subject, '    last = { input, weighing };\n', '    known.set(input, weighing);\n'),
      ],
    },
    {
      id: 'second-factor-written-first',
      what: 'the second factor is written before the first',
      edits: [
        edit(
          linear,
          '  const left = addFloats(model, `${linear.weight}.first`, linear.weight, [first.rows, first.columns], new Float32Array(first.data));\n  const right = addFloats(model, `${linear.weight}.second`, linear.weight, [second.rows, second.columns], new Float32Array(second.data));\n',
          '  const right = addFloats(model, `${linear.weight}.second`, linear.weight, [second.rows, second.columns], new Float32Array(second.data));\n  const left = addFloats(model, `${linear.weight}.first`, linear.weight, [first.rows, first.columns], new Float32Array(first.data));\n',
        ),
      ],
    },
    {
      id: 'damping-divided-last',
      what: 'what is added to a mean square is divided at the end',
      edits: [
        edit(
          'optimizations/algebra/moment.ts',
          'return (sum / squares.length) * damping || 1;',
          'return (sum * damping) / squares.length || 1;',
        ),
      ],
    },
    {
      id: 'eigenvalues-scaled-by-a-factor',
      what: 'a quotient becomes a product with the inverse',
      edits: [
        edit(
          'optimizations/tensor-decomposition/eigen.ts',
          'data.map((value) => value / size),',
          'data.map((value) => value * (1 / size)),',
        ),
      ],
    },
    {
      id: 'factors-named-otherwise',
      what: 'the weights of both factors have other names',
      edits: [
        edit(linear, '`${linear.weight}.first`', '`${linear.weight}.narrow`'),
        edit(linear, '`${linear.weight}.second`', '`${linear.weight}.wide`'),
      ],
    },
    {
      id: 'expert-cores-row-by-row',
      what: 'cores of experts are folded row by row instead of expert by expert',
      model: 'mini-qwen3-moe',
      edits: [
        edit(
          experts,
          '  for (let expert = 0; expert < count; expert += 1)\n    for (let row = 0; row < rank; row += 1)\n',
          '  for (let row = 0; row < rank; row += 1)\n    for (let expert = 0; expert < count; expert += 1)\n',
        ),
      ],
    },
  ],
};
