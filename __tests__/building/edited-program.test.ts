import { expect, it } from 'vitest';
import { editedProgram } from '../../src/building/edited-program.ts';
import type { SubjectRef } from '../../src/records/plan.ts';
import { cell, digest } from '../gate/fixtures.ts';

const measuredBy = (command: string, folder = '', presence: 'both' | 'new' = 'both') => {
  const subject: SubjectRef = {
    door: { kind: 'measure', command, reports: ['size'] },
    tree: 'head',
    folder,
    inputs: [],
    code: digest('c'),
    ownCode: digest('c'),
  };
  return cell('engine', { model: null, presence, arms: cell('m/x').arms.map((arm) => ({ ...arm, policy: subject })) });
};
const changed = ['bench/gate.py', 'engine/attention.py', 'package.json', 'web/bench.mjs'];

it.each([
  ['python3 bench/gate.py --rounds 3', '', 'bench/gate.py'],
  ['.venv/bin/python -m bench.gate', '', 'bench/gate.py'],
  ['node bench.mjs {model}', 'web', 'web/bench.mjs'],
])('names the program of `%s` in "%s"', (command, folder, named) => {
  expect(editedProgram(measuredBy(command, folder), changed)).toMatch(
    new RegExp(`^${named}, which measures, differs between base and head`),
  );
});

it.each([
  ['python3 other.py', '', 'both'],
  ['npm run bench', '', 'both'],
  ['python3 bench/gate.py', '', 'new'],
] as const)('says nothing of `%s` in "%s" that is %s', (command, folder, presence) => {
  expect(editedProgram(measuredBy(command, folder, presence), changed)).toBeNull();
  expect(editedProgram(cell('m/x'), changed)).toBeNull();
});
