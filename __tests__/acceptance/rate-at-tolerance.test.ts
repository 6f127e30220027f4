import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/statistics/random.ts';
import { type Asked, failuresAtTolerance, judged, metric } from '../gate/external.ts';

/** Largest count out of 200 that a true rate of .05 exceeds with a chance below .01. */
const most = 18;

describe('pull requests of which every metric sits at its tolerance fail with a rate of at most .05', () => {
  it.each([
    [0, 0.01, 0, 0.02],
    [0, 0.01, 0.01, 0.02],
    [0, 0.03, 0.03, 0.02],
    [0.01, 0.0002, 0, 0.02],
    [0.05, 0.001, 0.001, 0.02],
    [2 ** -4, 0.0005, 0, 0.02],
    [0.1, 0.0003, 0, 0.02],
    [0.1, 0.002, 0.001, 0.02],
    [0.1, 0.02, 0.01, 0.02],
    [0.25, 0.0002, 0, 0.02],
    [0.25, 0.001, 0, 0.02],
    [0.25, 0.005, 0.002, 0.02],
    [0.5, 0.002, 0.001, 0.05],
    [1, 0.005, 0.005, 0.1],
    // Coarser than a quarter of the tolerance: undecided, or beyond it by more than the step.
    [0.5, 0.003, 0.001, 0.02],
    [2, 0.01, 0, 0.02],
    [1, 0.0002, 0.01, 0.02],
  ])('steps of %d ms of 50, noise of rounds %d and of launches %d, tolerance %d', (step, noise, launchNoise, tolerance) => {
    expect(failuresAtTolerance({ runs: 200, cells: 8, rounds: 5, step, noise, launchNoise, tolerance })).toBeLessThanOrEqual(most);
  });
});

describe('looks and last test together keep that rate, whatever the screens let through', () => {
  it.each([
    [1, 0.05],
    [4, 0.05],
    [4, 0.2],
    [12, 0.1],
  ])('%d metrics of one program, with launches that vary by %d', (count, noise) => {
    const metrics = Array.from({ length: count }, (_, at) => metric({ id: `m${at}` }));
    let failed = 0;
    for (let run = 0; run < 200; run++) {
      const random = seededRandom(run);
      const gauss = (): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
      const program = ({ arm }: Asked) =>
        Object.fromEntries(metrics.map(({ id }) => [id, 50 * (arm === 'head' ? 1.02 : 1) * Math.exp(noise * gauss())]));
      if (judged({ metrics, program, rounds: 1, seed: run }).verdict.verdict === 'regressed') failed += 1;
    }
    expect(failed).toBeLessThanOrEqual(most);
  });
});
