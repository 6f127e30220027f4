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
  ],
};
