import { type Catalogue, edit } from './mutant.ts';

const improvement = 'optimizations/automl/expected-improvement.ts';
const surrogate = 'optimizations/automl/surrogate.ts';
const subject = 'optimizations/automl/subject.ts';

const noticedBy = ['regret', 'configuration-trials'] as const;

export const automl: Catalogue = {
  optimization: 'automl',
  mutants: [
    {
      id: 'bound-on-loss-ignored',
      what: 'the search ignores what may be lost',
      edits: [
        edit(
          improvement,
          "(losses.get(configuration[setting.model]) ?? 0) <= setting['nll-bound'];",
          "(losses.get(configuration[setting.model]) ?? 0) <= 1000 * (1 + setting['nll-bound']);",
        ),
      ],
      noticedBy: ['found-nll-delta'],
    },
    {
      id: 'slowest-is-found',
      what: 'the slowest of the tried is the answer',
      edits: [edit(improvement, '(each) => -belief(each).mean)', '(each) => belief(each).mean)')],
      noticedBy,
    },
    {
      id: 'gives-up-at-once',
      what: 'the default is the answer',
      edits: [edit(improvement, 'const next = left > 0 ?', 'const next = left > 1e9 ?')],
      noticedBy,
    },
    {
      id: 'improvement-of-the-other-sign',
      what: 'expected improvement has the wrong sign',
      edits: [edit(improvement, 'const z = (best - mean) / deviation;', 'const z = (mean - best) / deviation;')],
      noticedBy,
    },
    {
      id: 'order-instead-of-a-model',
      what: 'configurations are tried in the order that the seed draws',
      edits: [
        edit(improvement, '(each) => expectedImprovement(belief(each), best))', '(each) => 0 * expectedImprovement(belief(each), best))'),
      ],
      noticedBy,
    },
    {
      id: 'one-request-per-trial',
      what: 'a trial is timed by one request',
      edits: [edit(improvement, 'calls: Math.min(calls, setting.calls)', 'calls: Math.min(1, calls, setting.calls)')],
      noticedBy,
    },
    {
      id: 'options-look-alike',
      what: 'the surrogate knows no effect of single options',
      edits: [edit(surrogate, 'shared * optionEffect ** 2', '0 * shared * optionEffect ** 2')],
      noticedBy,
    },
    {
      id: 'middle-forgotten',
      what: 'the mean of what was seen is not given back to what is expected',
      edits: [edit(surrogate, 'mean: middle + product(known, whitened)', 'mean: product(known, known)')],
      noticedBy,
    },
    {
      id: 'noise-grows-with-requests',
      what: 'the more requests time a trial, the less it counts',
      edits: [edit(surrogate, 'requestNoise ** 2 / one.calls', 'requestNoise ** 2 * one.calls')],
      noticedBy,
    },
  ],
  placebos: [
    {
      id: 'fastest-by-negation',
      what: 'the fastest is the one of the highest negated mean',
      edits: [edit(improvement, '(each) => -belief(each).mean)', '(each) => 0 - belief(each).mean)')],
    },
    {
      id: 'cholesky-by-powers',
      what: 'a root is written as a power',
      edits: [edit(surrogate, 'row[j] = j === i ? Math.sqrt(rest)', 'row[j] = j === i ? rest ** 0.5')],
    },
    {
      id: 'search-made-earlier',
      what: 'the setting is read before the options',
      edits: [
        edit(
          subject,
          "const options = automlOptions.parse(episode.options, 'options');\n    const search = improvementSearch(decodeValue(searchSetting, episode.setting, 'setting'), options);",
          "const setting = decodeValue(searchSetting, episode.setting, 'setting');\n    const search = improvementSearch(setting, automlOptions.parse(episode.options, 'options'));",
        ),
      ],
    },
    {
      id: 'sameness-by-a-count',
      what: 'two configurations are the same where they share all options',
      edits: [edit(surrogate, 'const same = keyOf(one) === keyOf(other);', 'const same = shared === Object.keys(one).length;')],
    },
    {
      id: 'untried-in-two-passes',
      what: 'configurations left to try are filtered in two passes',
      edits: [
        edit(
          improvement,
          'all.filter((each) => allowed(each) && !tried.has(keyOf(each)))',
          'all.filter(allowed).filter((each) => !tried.has(keyOf(each)))',
        ),
      ],
    },
    {
      id: 'worths-before-they-are-compared',
      what: 'worths are computed before they are compared',
      edits: [
        edit(
          improvement,
          '  for (const item of items) {\n    const own = worth(item);',
          '  const worths = items.map(worth);\n  for (const [at, item] of items.entries()) {\n    const own = worths[at] ?? 0;',
        ),
      ],
    },
    {
      id: 'beliefs-remembered',
      what: 'what is expected of a configuration is computed once',
      edits: [
        edit(
          improvement,
          '    const belief = surrogate(trials);\n',
          '    const beliefOf = surrogate(trials);\n    const known = new Map<Configuration, Belief>();\n    const belief = (each: Configuration): Belief => {\n      const found = known.get(each) ?? beliefOf(each);\n      known.set(each, found);\n      return found;\n    };\n',
        ),
      ],
    },
    {
      id: 'product-by-a-loop',
      what: 'a product of vectors is summed by a loop',
      edits: [
        edit(
          surrogate,
          '(a: Float64Array, b: Float64Array): number => a.reduce((sum, value, k) => sum + value * (b[k] ?? 0), 0);',
          '(a: Float64Array, b: Float64Array): number => {\n  let sum = 0;\n  for (let k = 0; k < a.length; k++) sum += (a[k] ?? 0) * (b[k] ?? 0);\n  return sum;\n};',
        ),
      ],
    },
    {
      id: 'outcome-noted-in-another-order',
      what: 'the outcome of a trial is noted in another order',
      edits: [
        edit(
          improvement,
          '    trials.push({ configuration, latency, calls: timed });\n    tried.set(keyOf(configuration), configuration);\n    losses.set(configuration[setting.model], loss);\n',
          '    losses.set(configuration[setting.model], loss);\n    tried.set(keyOf(configuration), configuration);\n    trials.push({ configuration, latency, calls: timed });\n',
        ),
      ],
    },
  ],
};
