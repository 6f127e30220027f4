import { type Catalogue, edit } from './mutant.ts';

const budget = 'optimizations/adaptive-batching/token-budget.ts';
const service = 'optimizations/adaptive-batching/service-model.ts';
const subject = 'optimizations/adaptive-batching/subject.ts';

const noticedBy = ['goodput', 'latency-p50', 'slo-attainment'] as const;

export const adaptiveBatching: Catalogue = {
  optimization: 'adaptive-batching',
  mutants: [
    {
      id: 'batches-of-one',
      what: 'the largest batch is one',
      edits: [
        edit(
          budget,
          'const most = Math.min(setting.maximum, options.maximum);',
          'const most = Math.min(1, setting.maximum, options.maximum);',
        ),
      ],
      noticedBy,
    },
    {
      id: 'always-the-largest-batch',
      what: 'everything that waits is taken at once',
      edits: [edit(budget, 'return plans[ages.length]?.first ?? 1;', 'return Math.min(most, ages.length);')],
      noticedBy,
    },
    {
      id: 'ages-ignored',
      what: 'how long requests have waited does not count',
      edits: [edit(budget, 'if ((ages[at] ?? 0) + ends <= deadline) inTime++;', 'if (0 * (ages[at] ?? 0) + ends <= deadline) inTime++;')],
      noticedBy,
    },
    {
      id: 'price-of-time-forgotten',
      what: 'a millisecond of the server costs nothing',
      edits: [
        edit(
          budget,
          'const worth = before.worth + inTime - price * (ends - before.ends);',
          'const worth = before.worth + inTime - 0 * price * (ends - before.ends);',
        ),
      ],
      noticedBy,
    },
    {
      id: 'padding-forgotten',
      what: 'a batch is taken to be as long as its first prompt',
      edits: [edit(budget, 'longest = Math.max(longest, tokens[to - 1] ?? 0);', 'longest = Math.max(tokens[from] ?? 0, 0);')],
      noticedBy,
    },
    {
      id: 'deadline-three-times-too-long',
      what: 'the objective is taken three times as long as it is',
      edits: [edit(budget, 'deadline: objective * (1 - options.headroom),', 'deadline: 3 * objective * (1 - options.headroom),')],
      noticedBy,
    },
    {
      id: 'pace-the-wrong-way',
      what: 'a slow batch makes the next ones seem quicker',
      edits: [edit(service, 'Math.exp(sum / weight),\n    observe', 'Math.exp(-sum / weight),\n    observe')],
      noticedBy,
    },
    {
      id: 'late-ones-alone',
      what: 'a request that is late already is served alone',
      edits: [
        edit(
          budget,
          '  const plans: (Plan | undefined)[] = [{',
          '  if ((ages[0] ?? 0) > deadline) return 1;\n  const plans: (Plan | undefined)[] = [{',
        ),
      ],
      noticedBy,
    },
  ],
  placebos: [
    {
      id: 'plans-compared-by-difference',
      what: 'plans are compared by their difference',
      edits: [edit(budget, 'worth > known.worth', 'worth - known.worth > 0')],
    },
    {
      id: 'longest-by-sorting',
      what: 'the longest prompt is found by sorting',
      edits: [
        edit(
          budget,
          'longest = Math.max(longest, ...tokens);',
          'longest = [longest, ...tokens].toSorted((one, other) => other - one)[0] ?? 0;',
        ),
      ],
    },
    {
      id: 'pace-by-a-power',
      what: 'the pace is a power of e',
      edits: [edit(service, 'Math.exp(sum / weight),\n    observe', 'Math.E ** (sum / weight),\n    observe')],
    },
    {
      id: 'batch-cut-by-the-queue',
      what: 'an answer holds no more than wait',
      edits: [
        edit(
          budget,
          'return plans[ages.length]?.first ?? 1;',
          'return Math.max(1, Math.min(ages.length, plans[ages.length]?.first ?? 1));',
        ),
      ],
    },
    {
      id: 'deadline-by-difference',
      what: 'the headroom is taken off the objective',
      edits: [edit(budget, 'deadline: objective * (1 - options.headroom),', 'deadline: objective - objective * options.headroom,')],
    },
    {
      id: 'plans-in-a-map',
      what: 'plans are kept in a map instead of an array',
      edits: [
        edit(
          budget,
          'const plans: (Plan | undefined)[] = [{ worth: 0, ends: 0, first: 0 }];',
          'const plans = new Map<number, Plan>([[0, { worth: 0, ends: 0, first: 0 }]]);',
        ),
        edit(budget, 'const before = plans[from];', 'const before = plans.get(from);'),
        edit(budget, 'const known = plans[to];', 'const known = plans.get(to);'),
        edit(
          budget,
          'plans[to] = { worth, ends, first: from === 0 ? to : before.first };',
          'plans.set(to, { worth, ends, first: from === 0 ? to : before.first });',
        ),
        edit(budget, 'return plans[ages.length]?.first ?? 1;', 'return plans.get(ages.length)?.first ?? 1;'),
      ],
    },
    {
      id: 'in-time-by-a-filter',
      what: 'requests in time are counted by a filter instead of a loop',
      edits: [
        edit(
          budget,
          '      let inTime = 0;\n      for (let at = from; at < to; at++) if ((ages[at] ?? 0) + ends <= deadline) inTime++;',
          '      const inTime = ages.slice(from, to).filter((age) => age + ends <= deadline).length;',
        ),
      ],
    },
    {
      id: 'limits-of-surprise-swapped',
      what: 'a surprise is limited from above before it is limited from below',
      edits: [
        edit(
          service,
          'Math.max(-mostSurprise, Math.min(mostSurprise, surprise))',
          'Math.min(mostSurprise, Math.max(-mostSurprise, surprise))',
        ),
      ],
    },
    {
      id: 'controllers-in-a-table',
      what: 'the controller is looked up in a table',
      edits: [
        edit(
          subject,
          "const choose = options.controller === 'aimd' ? aimdController(setting, options) : tokenBudgetController(setting, options);",
          "const choose = { aimd: aimdController, 'token-budget': tokenBudgetController }[options.controller](setting, options);",
        ),
      ],
    },
  ],
};
