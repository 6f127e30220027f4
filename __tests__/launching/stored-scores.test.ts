import { expect, it } from 'vitest';
import { openStoredScores } from '../../src/launching/stored-scores.ts';
import type { EvaluationRecord } from '../../src/records/evaluation-record.ts';
import { openRecordBook } from '../../src/store/record-book.ts';
import { testFolder } from '../testkit/folder.ts';

const digest = (letter: string): string => letter.repeat(64);
const local = { reads: ['local'], writes: 'local' } as const;
const score = (artefact: string, model = '1', runtime = '2'): EvaluationRecord => ({
  of: {
    model: digest(model),
    runtime: digest(runtime),
    reference: digest('3'),
    artefact: digest(artefact),
    steps: 0,
    windows: 4,
  },
  series: { nll: [1, 2, 3, 4] },
});
const served = (letter: string) => ({
  digest: digest(letter),
  content: digest(letter),
  folder: 'f',
  stages: [{ id: 'decoder', graph: 'g' }],
  serve: {},
  spare: 0,
});

it('hands a launch the scores of its own artefacts, model and runtime, also those of other launches and earlier runs', async () => {
  const root = testFolder();
  const request = {
    artefacts: { reference: { main: served('3') }, head: { main: served('4'), other: served('5') } },
    modelDigest: digest('1'),
    runtime: { digest: digest('2'), provider: 'cpu', threads: 1 },
  };
  const scores = openStoredScores(await openRecordBook(root, local));
  expect(scores.of(request)).toEqual([]);
  await scores.keep([score('4'), score('5'), score('6'), score('4', '7'), score('4', '1', '8')]);
  expect(scores.of(request)).toEqual([score('4'), score('5')]);
  const later = openStoredScores(await openRecordBook(root, local)).of(request);
  expect(later.map(({ of }) => of.artefact).toSorted()).toEqual([digest('4'), digest('5')]);
});
