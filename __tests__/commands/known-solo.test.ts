import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { isOnlyShown, soloBefore, soloKey, soloRecorded } from '../../src/commands/known-solo.ts';
import type { CallPoint } from '../../src/records/metric.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import type { SampleLine } from '../../src/records/sample.ts';
import { digest } from '../gate/fixtures.ts';
import { configuration, copied, copyProgram, Project } from './project.ts';

const artefact = (letter: string) => ({
  digest: digest(letter),
  folder: 'f',
  stages: [{ id: 'decoder', graph: 'g' }],
  serve: {},
});
const call: CallPoint = {
  id: 'quick',
  kind: 'call',
  phase: 'decode',
  length: 8,
  batch: 1,
  rounds: 9,
  warmUp: 1,
  arms: ['reference', 'head'],
};
const request: LaunchRequest = {
  type: 'launch',
  launch: 'm/x#solo-0',
  purpose: 'solo',
  control: 'none',
  arms: ['head'],
  points: [{ id: 'solo', kind: 'solo', of: 'quick', seconds: 5, launches: 3, arms: ['head'] }],
  repeated: call,
  artefacts: { reference: { main: artefact('1') }, head: { main: artefact('2') } },
  like: 'structured-pruning',
  options: null,
  policies: {},
  tuned: null,
  model: 'models/m',
  modelDigest: digest('3'),
  seed: 1,
  runtime: { digest: digest('4'), provider: 'cpu', threads: 1 },
  store: 's',
};
const wanted = { launch: 'm/x#solo-0', cell: 'm/x', index: 0, arms: request.arms, points: request.points } as const;

describe('what a solo launch is known by', () => {
  it('is the bytes, the call, the machine and the repetition; not the arm, nor the folder', () => {
    const known = soloKey(request, 0, 'class');
    const arms = ['base'] as const;
    const points = request.points.map((point) => ({ ...point, arms }));
    const moved = { ...artefact('2'), folder: 'elsewhere' };
    expect(soloKey({ ...request, arms: [...arms], points, artefacts: { base: { main: moved } } }, 0, 'class')).toBe(known);
    const others = [
      soloKey(request, 1, 'class'),
      soloKey(request, 0, 'another class'),
      soloKey({ ...request, artefacts: { head: { main: artefact('1') } } }, 0, 'class'),
      soloKey({ ...request, runtime: { ...request.runtime, digest: digest('5') } }, 0, 'class'),
      soloKey({ ...request, seed: 2 }, 0, 'class'),
      soloKey({ ...request, repeated: { ...call, batch: 2 } }, 0, 'class'),
    ];
    expect(new Set([known, ...others]).size).toBe(7);
    expect(soloKey({ ...request, purpose: 'screen' }, 0, 'class')).toBeNull();
  });
});

describe('a solo launch that is only shown', () => {
  const settled = (status: 'changed' | 'unchanged' | 'new') => () => ({
    settled: new Map([['m/x', { line: 'settled' as const, cell: 'm/x', status, arms: {}, error: null }]]),
  });
  const shown = (
    arm: 'reference' | 'base' | 'head',
    status: 'changed' | 'unchanged' | 'new',
    event: 'change' | 'default-branch' = 'change',
  ) => isOnlyShown({ cell: 'm/x', arms: [arm] }, { plan: { event }, energyMeter: false, seen: settled(status) });

  it('is one of the untouched model, or of a cell in which nothing is compared', () => {
    expect([shown('reference', 'changed'), shown('head', 'unchanged')]).toEqual([true, true]);
    expect([shown('head', 'changed'), shown('base', 'changed'), shown('head', 'new')]).toEqual([false, false, false]);
  });

  it('is none that becomes a baseline, or where energy is read', () => {
    expect(shown('reference', 'unchanged', 'default-branch')).toBe(false);
    const run = { plan: { event: 'change' as const }, energyMeter: true, seen: settled('unchanged') };
    expect(isOnlyShown({ cell: 'm/x', arms: ['reference'] }, run)).toBe(false);
  });
});

describe('soloRecorded', () => {
  const lines = (status: 'complete' | 'discarded' | 'failed'): readonly SampleLine[] => [
    { line: 'launch', launch: wanted.launch, cell: 'm/x', purpose: 'solo', index: 0, control: 'none' },
    { line: 'point', launch: wanted.launch, point: 'solo', values: { head: { 'peak-bytes': [7] } }, warnings: ['w'] },
    { line: 'end', launch: wanted.launch, status, error: null, process: null },
  ];

  it('is what the same launch says again, and nothing of one that did not end well', () => {
    expect(soloBefore(wanted, soloRecorded(lines('complete'))!)).toEqual(lines('complete'));
    expect([soloRecorded(lines('discarded')), soloRecorded(lines('failed')), soloRecorded([])]).toEqual([null, null, null]);
  });
});

describe('a second run', () => {
  it('says the same of the memory of what it does not compare, and measures what it does', async () => {
    const project = Project.make();
    project.commit({
      '.gitignore': '.optimization-gate*\n',
      'copy.mjs': copyProgram(false),
      'optimization-gate.yml': configuration([copied('own')]),
    });
    await project.gate('--base', 'HEAD');
    await project.gate('--base', 'HEAD', '--run-dir', '.optimization-gate-2');
    const soloOf = (folder: string) =>
      project
        .samples(join(project.folder, folder, 'samples.jsonl'))
        .launches.filter(({ purpose }) => purpose === 'solo')
        .map(({ id, points, process: facts }) => ({ id, points, measured: facts !== null }))
        .toSorted((a, b) => a.id.localeCompare(b.id));
    const [first, second] = [soloOf('.optimization-gate'), soloOf('.optimization-gate-2')];
    expect(first.map(({ measured }) => measured)).toEqual([true, true]);
    expect(second).toEqual(first.map((launch) => ({ ...launch, measured: false })));
    project.commit({ 'copy.mjs': copyProgram(true) });
    await project.gate('--base', 'HEAD~1', '--quick', '--run-dir', '.optimization-gate-3');
    const third = soloOf('.optimization-gate-3');
    const measured = third
      .filter((launch) => launch.measured)
      .flatMap(({ points }) => Object.values(points).flatMap(({ values }) => Object.keys(values)));
    // The first repetition of the untouched model is known.
    expect(measured.toSorted()).toEqual(['base', 'base', 'base', 'head', 'head', 'head', 'reference', 'reference']);
    expect(third).toHaveLength(9);
  }, 300_000);
});
