import { type Catalogue, edit } from './mutant.ts';

const controller = 'optimizations/architecture-search/controller.ts';
const search = 'optimizations/architecture-search/front-search.ts';
const elastic = 'optimizations/architecture-search/elastic.ts';

const served = ['adaptive-goodput', 'adaptation-time', 'served-nll-delta'] as const;

export const architectureSearch: Catalogue = {
  optimization: 'architecture-search',
  mutants: [
    {
      id: 'latency-budget-ignored',
      what: 'every variant fits every budget',
      edits: [edit(controller, 'latencyOf(each) * (1 + margin) <= budget;', 'latencyOf(each) * (1 + margin) <= 1e9 * budget;')],
      noticedBy: served,
    },
    {
      id: 'never-back-to-better',
      what: 'a looser budget brings no better variant back',
      edits: [edit(controller, 'const better = lasted >= dwell &&', 'const better = lasted >= 1e9 + dwell &&')],
      noticedBy: served,
    },
    {
      id: 'a-tighter-budget-waits',
      what: 'a tighter budget is obeyed only after it has lasted',
      edits: [
        edit(controller, '&& latencyOf(current) <= budget && !better;', '&& (latencyOf(current) <= budget || lasted < 6) && !better;'),
      ],
      noticedBy: served,
    },
    {
      id: 'fastest-instead-of-best',
      what: 'of those that fit, the fastest serves',
      edits: [edit(controller, 'affordable.filter(fits).toSorted(byLoss)[0]', 'affordable.filter(fits).toSorted(byLatency)[0]')],
      noticedBy: served,
    },
    {
      id: 'loss-bound-ignored',
      what: 'what may be lost on average is not looked at',
      edits: [edit(controller, "(each) => each['nll-delta'] <= bound ||", "(each) => each['nll-delta'] <= 1e9 + bound ||")],
      noticedBy: served,
    },
    {
      id: 'offer-what-was-tried-first',
      what: 'the search offers the first that it tried',
      edits: [
        edit(
          search,
          'return { offer: frontOf(tried, objectives).map((each) => each.member.name) };',
          'return { offer: tried.slice(0, 2).map((each) => each.member.name) };',
        ),
      ],
      noticedBy: ['architecture-efficiency', ...served],
    },
    {
      id: 'search-gives-up-early',
      what: 'the search ends after its first trial',
      edits: [edit(search, 'if (left === 0 || rest.length === 0)', 'if (left <= 3 || rest.length === 0)')],
      noticedBy: ['architecture-efficiency', ...served],
    },
    {
      id: 'depth-ignored',
      what: 'members of the pool keep all layers',
      edits: [edit(elastic, 'const removed = depth === 1 ? 0 :', 'const removed = depth <= 1 ? 0 :')],
      noticedBy: ['pool-size', ...served],
    },
  ],
  placebos: [
    {
      id: 'slowness-by-the-middle',
      what: 'the comparison of a service time is turned round',
      edits: [
        edit(
          controller,
          'last.service > latencyOf(member) ? 1 + step : 1 - step',
          '!(last.service > latencyOf(member)) ? 1 - step : 1 + step',
        ),
      ],
    },
    {
      id: 'best-by-reduction',
      what: 'the best is found by a comparison of first elements',
      edits: [edit(controller, 'affordable.filter(fits).toSorted(byLoss)[0]', 'affordable.filter(fits).toSorted(byLoss).at(0)')],
    },
    {
      id: 'largest-volume-last',
      what: 'the largest volume is found by sorting',
      edits: [
        edit(search, 'volumes.indexOf(Math.max(...volumes))', 'volumes.indexOf(volumes.toSorted((one, other) => other - one)[0] ?? 0)'),
      ],
    },
    {
      id: 'variants-in-a-map',
      what: 'variants are looked up in a map',
      edits: [
        edit(
          controller,
          '  let slowness = 1;',
          '  const byName = new Map(members.map((each) => [each.name, each] as const));\n  let slowness = 1;',
        ),
        edit(controller, 'const member = members.find(({ name }) => name === last.name);', 'const member = byName.get(last.name);'),
        edit(
          controller,
          'const current = members.find(({ name }) => name === view.current);',
          "const current = byName.get(view.current ?? '');",
        ),
      ],
    },
    {
      id: 'better-in-another-order',
      what: 'conditions of a better variant are asked in another order',
      edits: [
        edit(
          controller,
          'const better = lasted >= dwell && wanted !== undefined && fits(wanted) && lossOf(wanted) < lossOf(current);',
          'const better = wanted !== undefined && lossOf(wanted) < lossOf(current) && fits(wanted) && lasted >= dwell;',
        ),
      ],
    },
    {
      id: 'tried-in-a-set',
      what: 'names that were tried are gathered in a set',
      edits: [
        edit(
          search,
          'const rest = setting.members.filter(({ name }) => !tried.some((each) => each.member.name === name));',
          'const names = new Set(tried.map((each) => each.member.name));\n    const rest = setting.members.filter(({ name }) => !names.has(name));',
        ),
      ],
    },
    {
      id: 'weights-in-pairs',
      what: 'two nested loops become one loop over pairs',
      edits: [
        edit(
          search,
          '  for (const depth of weights)\n    for (const width of weights) {',
          '  for (const [depth, width] of weights.flatMap((one) => weights.map((other) => [one, other] as const)))\n    {',
        ),
      ],
    },
    {
      id: 'correction-by-two-logarithms',
      what: 'the logarithm of a quotient is a difference of logarithms',
      edits: [
        edit(search, 'Math.log(trial.latency / relativeLatency(other))', '(Math.log(trial.latency) - Math.log(relativeLatency(other)))'),
      ],
    },
    {
      id: 'channels-flattened-in-two-steps',
      what: 'feed-forwards of all layers are gathered in two steps',
      edits: [edit(elastic, 'layers.flatMap((layer) => layer.feedForwards)', 'layers.map((layer) => layer.feedForwards).flat()')],
    },
  ],
};
