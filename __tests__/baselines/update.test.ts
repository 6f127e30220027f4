import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { baselinePath } from '../../src/baselines/file-path.ts';
import { staleness } from '../../src/baselines/staleness.ts';
import { baselineText, readBaseline } from '../../src/baselines/text.ts';
import { type BaselineUpdate, updateBaselines } from '../../src/baselines/update.ts';
import { GateError } from '../../src/errors.ts';
import { checkBaselinePath } from '../../src/host/baseline-path.ts';
import { type Baseline, baseline } from '../../src/records/baseline.ts';
import type { Plan } from '../../src/records/plan.ts';
import type { Samples } from '../../src/records/sample.ts';
import type { CellVerdict, MetricVerdict } from '../../src/records/verdict.ts';
import { cell, metric, verdictOf } from '../report/fixtures.ts';
import { expectGolden } from '../report/golden.ts';

const hex = (digit: string, length = 64): string => digit.repeat(length);
const model = 'mini-qwen3-dense';
const runnerClass = 'cpu-xeon-2c';
const pruning = `${model}/structured-pruning`;
const sparse = `${model}/sparse-network`;
const key = hex('7');

const measured = (decode: number): readonly MetricVerdict[] => [
  metric('decode-latency', 'decode-b1', {
    reference: 2,
    base: decode,
    head: decode,
    samples: { reference: [2, 2], base: [], head: [decode, decode + 0.01], change: [], gains: { base: [], head: [] } },
  }),
  metric('model-size', 'files', { kind: 'exact', unit: 'bytes', reference: 100, head: 75 }),
  metric('energy', 'solo', { state: 'no-meter', role: 'advisory', verdict: null }),
  metric('goodput', 'load', { state: 'baseline', head: 12 }),
];

const planOf = (given: Partial<Plan> = {}): Plan => ({
  schema: 'optimization-gate/plan/1',
  head: { commit: hex('1', 40), dirty: false },
  reviewed: null,
  base: null,
  event: 'default-branch',
  warnings: [],
  seed: 1,
  policy: {
    alpha: 0.05,
    screen: 5,
    looks: [{ launches: 12, alpha: 0.05, lastAlpha: 0 }],
    mustDetect: 0.1,
    failOn: ['regressed'],
    accepted: [],
  },
  policyChanges: [],
  runtime: { digest: hex('5'), ort: '1.30.0', provider: 'cpu', threads: 1, session: null, serving: hex('6') },
  baseRuntime: null,
  baseWorker: null,
  models: [],
  builds: [],
  cells: [pruning, sparse].map((id) => ({
    id,
    model,
    optimization: id.slice(model.length + 1),
    like: id.slice(model.length + 1),
    presence: 'both' as const,
    renamedFrom: null,
    skipped: null,
    arms: [{ id: 'head' as const, builds: { main: key }, policy: null, options: null, code: hex('6') }],
    comparators: {},
    tunes: null,
    options: null,
    points: [],
    metrics: [],
    headline: [],
    claims: [],
  })),
  environment: [],
  lfs: false,
  buildTwice: true,
  folders: { head: '', base: '' },
  setup: { head: null, base: null },
  isolation: null,
  limits: { seconds: 60, memoryBytes: 1 },
  budgetMinutes: null,
  ...given,
});

const samplesOf = (arms: Readonly<Record<string, string>>, given: Partial<Samples> = {}): Samples => ({
  plan: hex('a'),
  at: null,
  runnerClass,
  environment: null,
  built: new Map([
    [key, { line: 'built', key, status: 'built', artefact: hex('8'), bytes: 75, seconds: 1, repeatSeconds: null, facts: {}, error: null }],
  ]),
  settled: new Map(
    Object.entries(arms).map(([id, arm]) => [
      id,
      { line: 'settled', cell: id, status: 'changed', arms: { head: arm }, error: null, warnings: [] },
    ]),
  ),
  settlements: [],
  launches: [],
  seen: new Map(),
  failedStarts: new Map(),
  stopped: null,
  warnings: [],
  ...given,
});

const updateOf = (cells: readonly CellVerdict[], given: Partial<BaselineUpdate> = {}): BaselineUpdate => ({
  plan: planOf(),
  verdict: verdictOf(cells, { runnerClass }),
  samples: samplesOf(Object.fromEntries(cells.map(({ id }) => [id, hex('2')]))),
  previous: null,
  project: null,
  model,
  at: '2026-11-23T12:00:00Z',
  commit: hex('1', 40),
  newer: new Set(),
  ...given,
});

const pruned = (decode = 1.5): CellVerdict => cell(model, 'structured-pruning', 'passed', measured(decode));
const sparsed = (decode = 1.9): CellVerdict => cell(model, 'sparse-network', 'passed', measured(decode));
const later = { commit: hex('3', 40), at: '2026-11-24T12:00:00Z' };

const codeOf = (act: () => unknown): string => {
  try {
    act();
  } catch (thrown) {
    return thrown instanceof GateError ? thrown.code : String(thrown);
  }
  return 'no error';
};

describe('updateBaselines', () => {
  it('stores what head measured, and nothing that it did not measure', () => {
    const file = updateBaselines(updateOf([pruned(), sparsed()]));
    expect(baseline.parse(file)).toEqual(file);
    expect(file.entries.map((entry) => entry.cell)).toEqual([sparse, pruning]);
    expect(file.entries[1]).toMatchObject({ arm: hex('2'), artefacts: { main: hex('8') }, commit: hex('1', 40) });
    expect(file.entries[1]?.metrics).toEqual([
      { id: 'decode-latency', point: 'decode-b1', reference: 2, value: 1.5, launches: [1.5, 1.51] },
      { id: 'model-size', point: 'files', reference: 100, value: 75, launches: [] },
    ]);
    expect(Object.keys(file.history[0]?.values ?? {})).toHaveLength(4);
    expect(file.anchor).toEqual({ commit: hex('1', 40), values: file.history[0]?.values });
    expectGolden('../baselines/file.json', baselineText(file));
  });

  it('keeps the entries of other cells, and the metrics that it did not reach while the arm is the same', () => {
    const first = updateBaselines(updateOf([pruned(), sparsed()]));
    const only = { ...pruned(1.4), metrics: measured(1.4).slice(0, 1) };
    const same = updateBaselines(updateOf([only], { previous: first, ...later }));
    expect(same.entries[0]).toEqual(first.entries[0]);
    expect(same.entries[1]?.metrics.map(({ id, value }) => [id, value])).toEqual([
      ['decode-latency', 1.4],
      ['model-size', 75],
    ]);
    const other = updateBaselines(updateOf([only], { previous: first, ...later, samples: samplesOf({ [pruning]: hex('4') }) }));
    expect(other.entries[1]?.metrics.map(({ id }) => id)).toEqual(['decode-latency']);
    expect(other.history).toHaveLength(2);
    expect(other.anchor).toEqual(first.anchor);
  });

  it('writes nothing new when nothing was measured', () => {
    const first = updateBaselines(updateOf([pruned()]));
    const failed = cell(model, 'structured-pruning', 'failed', [
      metric('decode-latency', 'decode-b1', { state: 'failed', verdict: 'failed' }),
    ]);
    expect(updateBaselines(updateOf([failed], { previous: first, ...later }))).toEqual(first);
  });

  it('drops cells that the branch no longer has, and entries of another runtime', () => {
    const first = updateBaselines(updateOf([pruned(), sparsed()]));
    const removed = planOf({ cells: planOf().cells.map((one) => (one.id === sparse ? { ...one, presence: 'removed' } : one)) });
    expect(updateBaselines(updateOf([pruned()], { previous: first, plan: removed })).entries.map((entry) => entry.cell)).toEqual([pruning]);
    const moved = planOf({ runtime: { ...planOf().runtime, digest: hex('9') } });
    const file = updateBaselines(updateOf([pruned()], { previous: first, plan: moved, ...later }));
    expect(file.runtime).toBe(hex('9'));
    expect(file.entries.map((entry) => entry.cell)).toEqual([pruning]);
    expect(file.history).toHaveLength(2);
  });

  it('survives another measuring code of the gate: entries say which one measured them', () => {
    const first = updateBaselines(updateOf([pruned(), sparsed()]));
    const upgraded = planOf({ runtime: { ...planOf().runtime, serving: hex('9') } });
    const file = updateBaselines(updateOf([pruned()], { previous: first, plan: upgraded, ...later }));
    expect(file.entries.map(({ cell: id, serving }) => [id, serving])).toEqual([
      [sparse, hex('6')],
      [pruning, hex('9')],
    ]);
    expect(file.history).toHaveLength(2);
    expect(file.anchor).toEqual(first.anchor);
    // One entry mixes no numbers of two programs.
    const [fewer] = [cell(model, 'structured-pruning', 'unchanged', pruned().metrics.slice(0, 1))];
    const again = updateBaselines(updateOf([fewer], { previous: first, plan: upgraded, ...later }));
    expect(again.entries.find(({ cell: id }) => id === pruning)?.metrics).toHaveLength(1);
    const same = updateBaselines(updateOf([fewer], { previous: first, ...later }));
    expect(same.entries.find(({ cell: id }) => id === pruning)?.metrics).toHaveLength(2);
  });

  it('keeps a cell that was renamed under its new name', () => {
    const first = updateBaselines(updateOf([pruned(), sparsed()]));
    const renamed = planOf({
      cells: planOf().cells.map((one) => (one.id === sparse ? { ...one, id: `${model}/masked`, renamedFrom: sparse } : one)),
    });
    const file = updateBaselines(updateOf([pruned()], { previous: first, plan: renamed, ...later }));
    expect(file.entries.map((entry) => entry.cell)).toEqual([`${model}/masked`, pruning]);
  });

  it('anchors cells that are new, and never moves an anchor', () => {
    const first = updateBaselines(updateOf([pruned(1.5)]));
    const second = updateBaselines(updateOf([pruned(9), sparsed(1.9)], { previous: first, ...later }));
    expect(second.anchor?.commit).toBe(hex('1', 40));
    expect(second.anchor?.values[`${pruning} decode-latency@decode-b1`]).toBe(1.5);
    expect(second.anchor?.values[`${sparse} decode-latency@decode-b1`]).toBe(1.9);
  });

  it('comes out the same in whatever order four commits arrive', () => {
    const permutations = <T>(all: readonly T[]): readonly (readonly T[])[] =>
      all.length === 0 ? [[]] : all.flatMap((one, at) => permutations(all.toSpliced(at, 1)).map((rest) => [one, ...rest]));
    const commits = ['1', '3', '5', '7'].map((digit) => hex(digit, 40));
    const updates = commits.map((commit, at) =>
      updateOf([pruned(1 + at), ...(at === 0 ? [] : [sparsed(2 + at)])], { commit, at: `2026-11-2${at}T12:00:00Z` }),
    );
    const applied = (order: readonly number[]): Baseline | null =>
      order.reduce<Baseline | null>((previous, at) => {
        const update = updates[at];
        return update === undefined ? previous : updateBaselines({ ...update, previous, newer: new Set(commits.slice(at + 1)) });
      }, null);
    const orders = permutations([0, 1, 2, 3]);
    expect(orders).toHaveLength(24);
    const file = applied([0, 1, 2, 3]);
    expect(file?.history.map(({ commit }) => commit)).toEqual(commits);
    expect(file?.entries.map(({ commit }) => commit)).toEqual([commits[3], commits[3]]);
    expect(file?.anchor).toMatchObject({
      commit: commits[0],
      values: { [`${pruning} decode-latency@decode-b1`]: 1, [`${sparse} decode-latency@decode-b1`]: 3 },
    });
    for (const order of orders) expect(applied(order), order.join()).toEqual(file);
    // Without the order of commits an older one takes the place of a younger one.
    const [oldest] = updates;
    if (oldest === undefined) throw new Error('no update');
    expect(updateBaselines({ ...oldest, previous: file }).entries.map(({ commit }) => commit)).toContain(commits[0]);
  });

  it('keeps what was written of a commit when it is measured again', () => {
    const first = updateBaselines(updateOf([pruned(1.5)]));
    expect(updateBaselines(updateOf([pruned(1.7)], { previous: first, at: '2026-11-25T12:00:00Z' }))).toEqual(first);
  });

  it('takes nothing of a commit behind which the runtime changed', () => {
    const moved = planOf({ runtime: { ...planOf().runtime, digest: hex('9') } });
    const younger = updateBaselines(updateOf([pruned()], { plan: moved, ...later }));
    expect(updateBaselines(updateOf([pruned(), sparsed()], { previous: younger, newer: new Set([later.commit]) }))).toEqual(younger);
  });

  it('is idempotent per commit, deterministic and bounded', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 15 }), fc.double({ min: 0.1, max: 9, noNaN: true }), fc.boolean()), {
          minLength: 1,
          maxLength: 30,
        }),
        fc.integer({ min: 1, max: 6 }),
        (runs, historyLimit) => {
          let file: Baseline | null = null;
          for (const [commit, decode, both] of runs) {
            const update: BaselineUpdate = updateOf(both ? [pruned(decode), sparsed(decode)] : [pruned(decode)], {
              previous: file,
              commit: hex(commit.toString(16), 40),
              historyLimit,
            });
            const once: Baseline = updateBaselines(update);
            expect(updateBaselines({ ...update, previous: once })).toEqual(once);
            expect(once.history.length).toBeLessThanOrEqual(historyLimit);
            expect(new Set(once.history.map((row) => row.commit)).size).toBe(once.history.length);
            expect(baselineText(readBaseline(baselinePath(once), baselineText(once)))).toBe(baselineText(once));
            file = once;
          }
        },
      ),
      { numRuns: 30 },
    );
  });

  it('refuses what must not become a baseline', () => {
    const file = updateBaselines(updateOf([pruned()]));
    const refusals: readonly (readonly [Partial<BaselineUpdate>, string])[] = [
      [{ plan: planOf({ event: 'change' }) }, 'baseline-untrusted'],
      [{ plan: planOf({ head: { commit: hex('1', 40), dirty: true } }) }, 'baseline-untrusted'],
      [{ verdict: verdictOf([pruned()], { runnerClass, verdict: 'unfit' }) }, 'baseline-untrusted'],
      [{ verdict: verdictOf([pruned()], { runnerClass, verdict: 'error' }) }, 'baseline-untrusted'],
      [{ samples: samplesOf({}, { plan: hex('0') }) }, 'run-mismatch'],
      [{ samples: samplesOf({}, { runnerClass: 'gpu' }) }, 'run-mismatch'],
      [{ verdict: verdictOf([pruned()], { runnerClass: null }) }, 'run-mismatch'],
      [{ previous: { ...file, model: 'mini-qwen3-moe' } }, 'baseline-invalid'],
      [{ previous: { ...file, runnerClass: 'gpu' } }, 'baseline-invalid'],
      [{ previous: { ...file, project: 'packages/a' } }, 'baseline-invalid'],
    ];
    for (const [given, code] of refusals) expect(codeOf(() => updateBaselines(updateOf([pruned()], given)))).toBe(code);
    expect(
      codeOf(() => updateBaselines(updateOf([pruned()], { verdict: verdictOf([pruned()], { runnerClass, verdict: 'regressed' }) }))),
    ).toBe('no error');
  });
});

describe('a file of baselines', () => {
  const file = updateBaselines(updateOf([pruned()]));
  const path = baselinePath(file);

  it('is refused where it does not belong', () => {
    expect(codeOf(() => readBaseline(path, baselineText(file)))).toBe('no error');
    expect(codeOf(() => readBaseline(path, baselineText({ ...file, runnerClass: 'gpu-h200' })))).toBe('baseline-invalid');
    expect(codeOf(() => readBaseline(path, baselineText({ ...file, model: 'mini-qwen3-moe' })))).toBe('baseline-invalid');
    expect(codeOf(() => readBaseline(path, baselineText({ ...file, project: 'packages/a' })))).toBe('baseline-invalid');
    expect(codeOf(() => readBaseline(`more/${path}`, baselineText(file)))).toBe('baseline-invalid');
  });

  it('has a folder of its own for each project', () => {
    const pathOf = (project: string): string => baselinePath({ runnerClass: 'cpu', project, model: 'mini' });
    const projects = ['packages/a', 'packages-a', 'packages/b', 'gate/b.yml', '.hidden/é', '../x', 'x'.repeat(900)];
    const paths = projects.map(pathOf);
    expect(new Set(paths).size).toBe(projects.length);
    for (const path of paths) expect(checkBaselinePath(path)).toMatch(/^cpu\/[A-Za-z0-9-]+\/mini\.json$/);
    expect(pathOf('packages/a')).toMatch(/^cpu\/packages-a-[0-9a-f]{8}\/mini\.json$/);
    const own = { ...file, project: 'packages/a' };
    expect(codeOf(() => readBaseline(baselinePath(own), baselineText(own)))).toBe('no error');
  });

  it('has a file for cells without a model, which no model can have', () => {
    const own = { ...file, model: null };
    const path = baselinePath(own);
    expect(path).toMatch(/\/_measurements\.json$/);
    expect(checkBaselinePath(path)).toBe(path);
    expect(readBaseline(path, baselineText(own))).toEqual(own);
    expect(codeOf(() => baselinePath({ ...file, model: '_measurements' }))).toBe('baseline-invalid');
  });

  it('takes only safe names into a path', () => {
    expect(baselinePath({ runnerClass: 'cpu-Xeon_2c.v1', project: null, model: 'mini' })).toBe('cpu-Xeon_2c.v1/mini.json');
    for (const bad of ['', '.', '..', '../x', 'a/b', 'a\\b', '.git', 'a.', 'a b', 'a\u0000', 'é', 'x'.repeat(121)]) {
      expect(
        codeOf(() => baselinePath({ ...file, runnerClass: bad })),
        JSON.stringify(bad),
      ).toBe('baseline-invalid');
      expect(
        codeOf(() => baselinePath({ ...file, model: bad })),
        JSON.stringify(bad),
      ).toBe('baseline-invalid');
    }
  });

  it('tells how old the stored numbers are, and what has none', () => {
    const at = '2026-11-26T00:00:00Z';
    expect(staleness([file], [pruning, sparse], at)).toEqual({ oldestDays: 2.5, oldestCommit: hex('1', 40), without: [sparse] });
    expect(staleness([file], [pruning], '2026-11-01T00:00:00Z')?.oldestDays).toBe(0);
    expect(staleness([], [pruning], at)).toBeNull();
  });

  it('reads files as hostile input', () => {
    expect(readBaseline(path, baselineText(file))).toEqual(file);
    for (const text of [
      '',
      '{',
      '[]',
      'null',
      '{"schema":"optimization-gate/baseline/1"}',
      baselineText(file).replace('"value":75', '"value":1e999'),
      baselineText(file).replace('"model":', '"modell":'),
      ' '.repeat(17_000_000),
    ]) {
      expect(
        codeOf(() => readBaseline(path, text)),
        text.slice(0, 40),
      ).toBe('baseline-invalid');
    }
  });
});
