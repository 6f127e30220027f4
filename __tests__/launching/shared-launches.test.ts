import { describe, expect, it } from 'vitest';
import type { Artefacts } from '../../src/building/artefacts.ts';
import type { LaunchDemand } from '../../src/gate/launch-demand.ts';
import { measurementOf, measuringOnce } from '../../src/launching/shared-launches.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { PlannedCell } from '../../src/records/plan.ts';
import type { ArtefactRef } from '../../src/records/protocol.ts';
import type { SampleLine } from '../../src/records/sample.ts';
import type { ArmId, Json } from '../../src/records/words.ts';
import { cell, digest, planOf, points } from '../gate/fixtures.ts';

const artefact = (letter: string): ArtefactRef => ({
  digest: digest(letter),
  content: digest(letter),
  folder: 'f',
  stages: [{ id: 'decoder', graph: 'g' }],
  serve: {},
  spare: 0,
});
const shorter = points.map((point): OperatingPoint => (point.kind === 'call' ? { ...point, length: 128 } : point));
const tuned = (id: string, options: Json = null, letter = '3'): PlannedCell => {
  const own = cell(id, { like: 'serving', tunes: 'shared', options });
  return { ...own, arms: own.arms.map((arm) => ({ ...arm, builds: { small: digest(letter) } })) };
};
const plan = planOf(
  [
    ...[cell('a/x'), cell('a/y'), cell('b/x'), cell('a/z', { points: shorter })],
    ...[tuned('a/one'), tuned('a/two'), tuned('a/other', 'options'), tuned('a/smaller', null, '4'), tuned('b/one')],
  ],
  { models: ['a', 'b'].map((id) => ({ id, digest: digest(id), folder: id })) },
);
const artefacts: Artefacts = {
  references: new Map([
    ['a', artefact('1')],
    ['b', artefact('2')],
  ]),
  built: new Map(['3', '4'].map((letter) => [digest(letter), artefact(letter)])),
};
const solo = points.filter(({ kind }) => kind === 'solo');

const wanted = (id: string, arm: ArmId, index: number, purpose: LaunchDemand['purpose'] = 'solo'): LaunchDemand => ({
  launch: `${id}#${purpose}-${index}`,
  cell: id,
  purpose,
  index,
  arms: [arm],
  points: solo.map((point) => ({ ...point, arms: [arm] })),
  selfCheck: false,
  alone: false,
});

/** Measures once, and notes which launches really ran; `result` makes what one of them gave from how many have run. */
const measuring = (result: (launch: string, count: number) => SampleLine) => {
  const ran: string[] = [];
  const run = measuringOnce(
    async ({ launch, cell: of, purpose, index }): Promise<readonly SampleLine[]> => {
      ran.push(launch);
      return [
        { line: 'launch', launch, cell: of, purpose, index, selfCheck: false },
        result(launch, ran.length),
        { line: 'end', launch, status: 'complete', error: null, process: null },
      ];
    },
    measurementOf(plan, artefacts),
  );
  return { run, ran };
};
const under = (id: string, launch: string, lines: readonly SampleLine[]): readonly unknown[] =>
  lines.map((line) => ({ ...line, launch, ...(line.line === 'launch' ? { cell: id } : {}) }));

describe('measuringOnce', () => {
  it('measures the reference model of all cells once per index, and names each copy after its own cell', async () => {
    const { run, ran } = measuring((launch, count) => ({
      line: 'point',
      launch,
      point: 'memory',
      values: { reference: { 'peak-bytes': [count] } },
      warnings: [],
    }));
    const first = await run(wanted('a/x', 'reference', 0));
    const [second] = await Promise.all([
      run(wanted('a/y', 'reference', 0)),
      run(wanted('a/y', 'reference', 1)),
      run(wanted('a/x', 'reference', 1)),
    ]);
    expect(second).toEqual(under('a/y', 'a/y#solo-0', first));
    expect(ran).toEqual(['a/x#solo-0', 'a/y#solo-1']);
    // Another model, another call to repeat, another arm, another purpose: their own launches.
    for (const other of [
      wanted('b/x', 'reference', 0),
      wanted('a/z', 'reference', 0),
      wanted('a/x', 'head', 0),
      wanted('a/y', 'head', 0),
      wanted('a/x', 'reference', 0, 'once'),
    ]) {
      await run(other);
      expect(ran.at(-1)).toBe(other.launch);
    }
  });

  it('finds a comparator once for all cells that serve the same to the same benchmark with the same options', async () => {
    const { run, ran } = measuring((launch, value) => ({ line: 'tuned', launch, value }));
    const tune = (id: string, index = 0): LaunchDemand => ({
      ...wanted(id, 'reference', index, 'tune'),
      arms: ['reference', 'base'],
      points: [],
    });
    const [first, second] = await Promise.all([run(tune('a/one')), run(tune('a/two'))]);
    expect(second).toEqual(under('a/two', 'a/two#tune-0', first ?? []));
    expect(ran).toEqual(['a/one#tune-0']);
    // What is tried again after a launch that was discarded, other options, other bytes, another model.
    for (const other of [tune('a/two', 1), tune('a/other'), tune('a/smaller'), tune('b/one')]) {
      await run(other);
      expect(ran.at(-1)).toBe(other.launch);
    }
  });
});
