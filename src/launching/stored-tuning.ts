import { digestOf } from '../records/decode.ts';
import type { LaunchRequest } from '../records/protocol.ts';
import type { SampleLine } from '../records/sample.ts';
import type { Json } from '../records/words.ts';

/** What a tuning launch measures, in one run: the benchmark and its options on what its arms serve. */
export const tuningSubject = ({ like, options, modelDigest, artefacts, arms }: TuningLaunch): Json => {
  const served = Object.entries(artefacts)
    .filter(([arm]) => arms.some((each) => each === arm))
    .map(([arm, variants]) => [arm === 'reference' ? arm : 'own', Object.entries(variants).map(([name, { digest }]) => [name, digest])]);
  return [like, options, modelDigest, served];
};
export type TuningLaunch = Pick<LaunchRequest, 'like' | 'options' | 'modelDigest' | 'artefacts' | 'arms'>;

/** What a comparator rests on: that, the runtime and the class of runner. */
export const tuningKey = (request: LaunchRequest, runnerClass: string): string =>
  digestOf(JSON.stringify([tuningSubject(request), request.runtime.digest, request.seed, runnerClass]));

/** The lines of a tuning launch whose answer is known from an earlier run on this class of runner. */
export const tunedBefore = (
  wanted: { readonly launch: string; readonly cell: string; readonly index: number },
  value: Json,
): readonly SampleLine[] => {
  const { launch, cell, index } = wanted;
  return [
    { line: 'launch', launch, cell, purpose: 'tune', index, selfCheck: false },
    { line: 'tuned', launch, value },
    { line: 'end', launch, status: 'complete', error: null, process: null },
  ];
};
