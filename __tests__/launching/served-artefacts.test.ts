import { describe, expect, it } from 'vitest';
import { servedArtefacts } from '../../src/launching/launch-request.ts';
import type { PlannedCell } from '../../src/records/plan.ts';
import type { ArtefactRef } from '../../src/records/protocol.ts';
import { cell, digest } from '../gate/fixtures.ts';

const artefact = (letter: string): ArtefactRef => ({
  digest: digest(letter),
  content: digest(letter),
  folder: letter,
  stages: [{ id: 'decoder', graph: 'g' }],
  serve: {},
  spare: 0,
});
const built = new Map(['1', '2', '3', '4'].map((letter) => [digest(letter), artefact(letter)]));
const reference = artefact('0');

type Builds = Readonly<Record<string, string>>;
/** arm → variant → the letter of what it serves */
const served = (
  arms: { readonly head?: Builds; readonly base?: Builds },
  selfCheck = false,
  comparators: PlannedCell['comparators'] = {},
) => {
  const planned = (['head', 'base'] as const).flatMap((id) => {
    const builds = arms[id];
    return builds === undefined
      ? []
      : [
          {
            id,
            policy: null,
            options: null,
            code: digest('c'),
            builds: Object.fromEntries(Object.entries(builds).map(([name, letter]) => [name, digest(letter)])),
          },
        ];
  });
  const all = servedArtefacts(cell('m/x', { arms: planned, comparators }), { selfCheck }, { built }, reference);
  return Object.fromEntries(
    Object.entries(all).map(([arm, variants]) => [
      arm,
      Object.fromEntries(Object.entries(variants).map(([name, { folder }]) => [name, folder])),
    ]),
  );
};

describe('what the arms of a launch serve', () => {
  it('the reference has the reference model under every name', () => {
    expect(served({ head: { main: '1', 'a-then-b': '3' }, base: { main: '2' } })).toEqual({
      head: { main: '1', 'a-then-b': '3' },
      base: { main: '2' },
      reference: { main: '0', 'a-then-b': '0' },
    });
  });

  it('without a main the variants are a pool beside the reference model, and the reference has base’s', () => {
    expect(served({ head: { small: '1', tiny: '3' }, base: { small: '2', tiny: '4' } })).toEqual({
      head: { main: '0', small: '1', tiny: '3' },
      base: { main: '0', small: '2', tiny: '4' },
      reference: { main: '0', small: '2', tiny: '4' },
    });
    expect(served({ head: { small: '1' } })).toEqual({ head: { main: '0', small: '1' }, reference: { main: '0', small: '1' } });
  });

  it('an arm that builds nothing serves the reference model', () => {
    expect(served({ head: {}, base: {} })).toEqual({ head: { main: '0' }, base: { main: '0' }, reference: { main: '0' } });
  });

  it('what was not built is not there', () => {
    expect(served({ head: { small: '9', tiny: '3' } })['head']).toEqual({ main: '0', tiny: '3' });
    expect(served({ head: { main: '9' } })['head']).toEqual({});
  });

  it('comparators serve head’s build or the reference model; a self-check compares base with itself', () => {
    expect(served({ head: { main: '1' }, base: { main: '2' } }, true, { 'comparator:dense': null, 'comparator:own': 'main' })).toEqual({
      head: { main: '2' },
      base: { main: '2' },
      reference: { main: '0' },
      'comparator:dense': { main: '0' },
      'comparator:own': { main: '1' },
      'self-check:planted': { main: '2' },
    });
  });
});
