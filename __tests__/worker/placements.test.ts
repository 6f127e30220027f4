import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { LaunchRequest } from '../../src/records/protocol.ts';
import type { LoadedModel } from '../../src/runtime/decoder.ts';
import { runLaunch } from '../../src/worker/launch.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';
import { joinedColumns, placementsOf, share } from '../../src/worker/placements.ts';
import { openScoreBook } from '../../src/worker/score-book.ts';
import { digest } from '../gate/fixtures.ts';
import { launchRequestOf } from '../testkit/launch-request.ts';

const folder = mkdtempSync(join(tmpdir(), 'gate-placements-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const artefactOf = (name: string, bytes: number) => {
  const own = mkdtempSync(join(folder, `${name}-`));
  writeFileSync(join(own, 'model.onnx'), '');
  truncateSync(join(own, 'model.onnx'), bytes);
  return {
    main: {
      digest: digest('1'),
      content: 'c'.repeat(64),
      folder: own,
      stages: [{ id: 'decoder', graph: 'model.onnx' }],
      serve: {},
      spare: 0,
    },
  };
};
const [small, large] = [artefactOf('small', 2 ** 20), artefactOf('large', 2 ** 26)];
const step = {
  id: 'quick',
  kind: 'call',
  phase: 'decode',
  length: 8,
  batch: 1,
  rounds: 60,
  warmUp: 5,
  arms: ['base', 'head'],
} as const satisfies OperatingPoint;
const request = (given: Partial<LaunchRequest> = {}): LaunchRequest =>
  launchRequestOf({
    purpose: 'screen',
    arms: ['base', 'head'],
    points: [step],
    artefacts: { reference: small, base: small, head: small },
    ...given,
  });

describe('the sessions that an arm gets in one launch', () => {
  it('are three where steps of small artefacts are compared, and one else', () => {
    const purposes = ['screen', 'confirm', 'impact', 'once', 'solo', 'tune'] as const;
    expect(purposes.map((purpose) => placementsOf(request({ purpose })))).toEqual([3, 3, 1, 1, 1, 1]);
    expect(placementsOf(request({ selfCheck: true }))).toBe(3);
    expect(placementsOf(request({ artefacts: { base: small, head: large } }))).toBe(1);
    expect(placementsOf(request({ runtime: { digest: digest('4'), provider: 'cuda', threads: 1 } }))).toBe(1);
    expect(placementsOf(request({ points: [{ ...step, phase: 'prefill' }] }))).toBe(1);
  });

  it('are as many in screens that hold the reference model as in those that do not, whatever its size', () => {
    const artefacts = { reference: large, base: small, head: small };
    expect(
      [['reference', 'base', 'head'] as const, ['base', 'head'] as const].map((arms) =>
        placementsOf(request({ arms: [...arms], artefacts })),
      ),
    ).toEqual([3, 3]);
  });

  it('of an artefact that is not there are for whoever opens it to refuse', () => {
    const gone = { main: { ...small.main, folder: join(folder, 'gone') } };
    expect(placementsOf(request({ artefacts: { base: small, head: gone } }))).toBe(3);
  });

  it('share all rounds among them, whatever the numbers', () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.integer({ min: 1, max: 9 }), (whole, count) => {
        const shares = Array.from({ length: count }, (_, at) => share(whole, at, count));
        expect(shares.reduce((sum, each) => sum + each, 0)).toBe(whole);
        expect(Math.max(...shares) - Math.min(...shares)).toBeLessThanOrEqual(1);
      }),
    );
  });

  it('give one series, in the order in which they ran', () => {
    expect(joinedColumns([{ head: { 'wall-ms': [1, 2] } }, { head: { 'wall-ms': [3] }, base: { 'wall-ms': [4] } }])).toEqual({
      head: { 'wall-ms': [1, 2, 3] },
      base: { 'wall-ms': [4] },
    });
  });

  /** Models that say what is done with them, numbered as they are opened. */
  const told = (): { readonly tools: LaunchTools; readonly said: string[] } => {
    let opened = 0;
    const said: string[] = [];
    const openModel: LaunchTools['openModel'] = async () => {
      const name = `${++opened}`;
      const prepareCall: LoadedModel['prepareCall'] = async () => {
        said.push(`prepared ${name}`);
        return async () => said.push(name);
      };
      return { prepareCall, release: async () => void said.push(`released ${name}`) } as unknown as LoadedModel;
    };
    const tools = {
      openModel,
      clock: { wall: () => 0, cpu: () => 0 },
      beat: () => {},
      processFacts: () => null,
      scores: openScoreBook([]),
    } as unknown as LaunchTools;
    return { tools, said };
  };
  const names = (what: string, count: number): string[] => Array.from({ length: count }, (_, at) => `${what} ${at + 1}`);

  it('are all prepared before one is timed, run one after the other, and are all released', async () => {
    const { tools, said } = told();
    const { points } = await runLaunch(request(), tools);
    expect([points[0]?.values['base']?.['wall-ms']?.length, points[0]?.values['head']?.['wall-ms']?.length]).toEqual([60, 60]);
    expect(said.slice(0, 6).toSorted()).toEqual(names('prepared', 6));
    expect(said.slice(-6).toSorted()).toEqual(names('released', 6));
    // A third of the rounds and two to warm up for each of the two arms.
    const timed = said.slice(6, -6);
    const turns = [0, 1, 2].map((at) => timed.slice(44 * at, 44 * (at + 1)));
    expect(turns.map((turn) => new Set(turn).size)).toEqual([2, 2, 2]);
    expect(new Set(timed).size).toBe(6);
    expect(timed).toHaveLength(3 * 44);
  });

  it('are those of base and head alone, and a prefill needs one', async () => {
    const { tools, said } = told();
    const arms = ['reference', 'base', 'head'] as const;
    const decode = { ...step, rounds: 9, warmUp: 0, arms: [...arms] };
    const prefill = { ...decode, id: 'long', phase: 'prefill' } as const;
    const { points } = await runLaunch(request({ arms: [...arms], points: [decode, prefill] }), tools);
    for (const { values } of points) for (const arm of arms) expect(values[arm]?.['wall-ms']).toHaveLength(9);
    expect(said.filter((what) => what.startsWith('released')).toSorted()).toEqual(names('released', 7));
    // Seven for the steps, then the first of each arm again.
    expect(said.filter((what) => what.startsWith('prepared'))).toHaveLength(7 + 3);
    const ran = Map.groupBy(
      said.filter((what) => /^\d+$/.test(what)),
      (name) => name,
    );
    // Nine rounds of a step and of a prefill: the reference model runs all of them, and a third of the steps is what each other session runs.
    expect([...ran.values()].map((calls) => calls.length).toSorted((a, b) => a - b)).toEqual([3, 3, 3, 3, 12, 12, 18]);
  });
});
