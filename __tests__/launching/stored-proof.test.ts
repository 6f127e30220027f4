import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keepSeen, type ProofSetting, seenBefore, seenKey } from '../../src/launching/stored-proof.ts';
import type { Baseline } from '../../src/records/baseline.ts';
import type { PlannedCell } from '../../src/records/plan.ts';
import type { SampleLine, SettledLine } from '../../src/records/sample.ts';
import { appendLines, readSamples } from '../../src/records/samples-file.ts';
import { openRecordBook, type RecordBook } from '../../src/store/record-book.ts';
import { cell, digest, planOf, points, samplesOf, settle } from '../gate/fixtures.ts';

const folder = mkdtempSync(join(tmpdir(), 'gate-seen-'));
const at = new Date('2026-06-01T10:00:00.000Z');
const id = 'mini/pruning';
const planned: PlannedCell = cell(id);
const plan = { ...planOf([planned]), models: [{ id: 'mini', digest: digest('7'), folder: 'models/mini' }] };

let records: RecordBook;
beforeAll(async () => {
  records = await openRecordBook(join(folder, 'store'), { reads: ['local'], writes: 'local' });
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
let classes = 0;
/** Every test has a class of runner of its own. */
const setting = (): ProofSetting => ({ plan, runnerClass: `class-${classes++}`, node: 'v24.0.0', records, baselines: [] });

const launch = (
  fields: Partial<Extract<SampleLine, { line: 'launch' }>> = {},
  status: 'complete' | 'failed' | 'discarded' = 'complete',
): SampleLine[] => [
  { line: 'launch', launch: 'l', cell: id, purpose: 'screen', index: 0, selfCheck: false, ...fields },
  {
    line: 'point',
    launch: 'l',
    point: 'decode-b1',
    values: { head: { 'wall-ms': [1, 2], 'cpu-ms': [] }, base: { 'wall-ms': [3] } },
    warnings: ['no-meter: joules: none here', 'a plain warning'],
  },
  { line: 'end', launch: 'l', status, error: null, process: null },
];
const settled = (status: SettledLine['status']): SettledLine => settle(id, status);
const proven = async (given: ProofSetting, line = settled('unchanged')) => seenBefore(given, [line]);

describe('what the store proves', () => {
  it('is not relied on where other code of the gate measured the baseline', async () => {
    const own = setting();
    await keepSeen(own, launch(), samplesOf([settled('changed')]), at);
    const baseline = (serving: string): Baseline => ({
      schema: 'optimization-gate/baseline/1',
      runnerClass: own.runnerClass,
      project: null,
      model: 'mini',
      runtime: plan.runtime.digest,
      entries: [{ cell: id, commit: 'b'.repeat(40), at: '2026-01-01T00:00:00Z', arm: digest('9'), serving, artefacts: {}, metrics: [] }],
      history: [],
      anchor: null,
    });
    expect(await proven({ ...own, baselines: [baseline(plan.runtime.serving)] })).toHaveLength(1);
    expect(await proven({ ...own, baselines: [baseline(digest('6'))] })).toEqual([]);
  });

  it('is what a launch ran to its end, by the digests of both its arms', async () => {
    const own = setting();
    expect(await proven(own)).toEqual([]);
    await keepSeen(own, launch(), samplesOf([settled('changed')]), at);
    const point = { at: at.toISOString(), series: ['wall-ms'], warnings: ['no-meter: joules: none here'] };
    const line = { line: 'seen', cell: id, arm: digest('9'), points: { 'decode-b1': point } };
    expect(await proven(own)).toEqual([line]);
    // After the merge, what was head is base; what was base is known too.
    expect(await proven(own, { ...settled('unchanged'), arms: { base: digest('8'), head: digest('8') } })).toEqual([
      { ...line, arm: digest('8') },
    ]);
    for (const status of ['changed', 'new', 'failed', 'skipped', 'removed'] as const)
      expect(await proven(own, settled(status))).toEqual([]);
  });

  it('is nothing of a launch that failed or was discarded, of a self-check, or of an arm that it did not run', async () => {
    const own = setting();
    await keepSeen(own, launch({}, 'failed'), samplesOf([settled('unchanged')]), at);
    await keepSeen(own, launch({}, 'discarded'), samplesOf([settled('unchanged')]), at);
    await keepSeen(own, launch({ selfCheck: true }), samplesOf([settled('unchanged')]), at);
    await keepSeen(own, launch({ cell: 'mini/other' }), samplesOf([settled('unchanged')]), at);
    await keepSeen(own, launch().toSpliced(2), samplesOf([settled('unchanged')]), at);
    const reference = launch().map((line) => (line.line === 'point' ? { ...line, values: { reference: { 'wall-ms': [1] } } } : line));
    await keepSeen(own, reference, samplesOf([settled('unchanged')]), at);
    expect(await proven(own)).toEqual([]);
  });

  it('survives its way through samples.jsonl', async () => {
    const own = setting();
    await keepSeen(own, launch(), samplesOf([settled('unchanged')]), at);
    const lines = await proven(own);
    const path = join(folder, 'samples.jsonl');
    const run: SampleLine = {
      line: 'run',
      schema: 'optimization-gate/samples/1',
      plan: digest('f'),
      at: at.toISOString(),
      runnerClass: 'c',
      environment: {},
    };
    appendLines(path, [run, settled('unchanged'), ...lines]);
    expect([...readSamples(readFileSync(path)).seen.values()]).toEqual(lines);
  });
});

describe('seenKey', () => {
  it('differs with all that a proof rests on, and not with the arms of the point', () => {
    const own = { plan, runnerClass: 'c', node: 'v24.0.0' };
    const point = points[1]!;
    const arm = digest('9');
    const known = seenKey(own, planned, point, arm);
    expect(seenKey(own, planned, { ...point, arms: ['head'] } as typeof point, arm)).toBe(known);
    expect(seenKey(own, { ...planned, id: 'mini/renamed' }, point, arm)).toBe(known);
    const others = [
      seenKey({ ...own, runnerClass: 'd' }, planned, point, arm),
      seenKey({ ...own, node: 'v24.0.1' }, planned, point, arm),
      seenKey({ ...own, plan: { ...plan, runtime: { ...plan.runtime, digest: digest('3') } } }, planned, point, arm),
      seenKey({ ...own, plan: { ...plan, models: [{ ...plan.models[0]!, digest: digest('3') }] } }, planned, point, arm),
      seenKey(own, { ...planned, like: 'other' }, point, arm),
      seenKey(own, { ...planned, options: { a: 1 } }, point, arm),
      seenKey(own, planned, points[0]!, arm),
      seenKey(own, planned, { ...point, rounds: 7 } as typeof point, arm),
      seenKey(own, planned, point, digest('8')),
    ];
    expect(new Set([known, ...others]).size).toBe(others.length + 1);
  });
});
