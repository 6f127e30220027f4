import { z } from 'zod';
import type { Immutable } from '../../records/words.ts';
import type { ServiceTimes } from '../serving/service-times.ts';

/** How long a batch takes, in three numbers: milliseconds that are there at any size, per request, and per token of a prompt. */
export const plant = z.strictObject({
  fixed: z.number().nonnegative(),
  request: z.number().nonnegative(),
  token: z.number().nonnegative(),
});
export type Plant = Immutable<z.infer<typeof plant>>;

type Row = readonly [number, number, number];

/** Solves a symmetric system of at most three unknowns by elimination; unknowns that the equations leave open are 0. */
const solved = (system: readonly (readonly number[])[]): readonly number[] => {
  const rows = system.map((row) => [...row]);
  const size = rows.length;
  for (let pivot = 0; pivot < size; pivot++) {
    const own = rows[pivot] ?? [];
    const scale = own[pivot] ?? 0;
    for (const [at, row] of rows.entries()) {
      if (at === pivot || Math.abs(scale) < 1e-12) continue;
      const share = (row[pivot] ?? 0) / scale;
      for (let column = pivot; column <= size; column++) row[column] = (row[column] ?? 0) - share * (own[column] ?? 0);
    }
  }
  return rows.map((row, at) => (Math.abs(row[at] ?? 0) < 1e-12 ? 0 : (row[size] ?? 0) / (row[at] ?? 1)));
};

/** Least squares of the relative errors with the chosen terms; the others are 0. */
const fitted = (samples: readonly { readonly terms: Row; readonly ms: number }[], chosen: readonly number[]): readonly number[] => {
  const system = chosen.map((i) =>
    [...chosen.map((j) => [i, j] as const), [i, -1] as const].map(([one, other]) =>
      samples.reduce((sum, { terms, ms }) => sum + ((terms[one] ?? 0) / ms) * (other < 0 ? 1 : (terms[other] ?? 0) / ms), 0),
    ),
  );
  const found = solved(system);
  return [0, 1, 2].map((term) => found[chosen.indexOf(term)] ?? 0);
};

/**
 * The plant that comes closest to a table, by least squares of the relative errors, no number of it negative. One recording is noisy and has
 * kinks where a kernel changes; what a loop is judged on should have neither, or the kink of one machine would decide.
 */
export const fitPlant = ({ lengths, batches, ms }: ServiceTimes): Plant => {
  const samples = lengths.flatMap((length, row) =>
    batches.map((batch, column) => ({ terms: [1, batch, batch * length] as const, ms: ms[row]?.[column] ?? 1 })),
  );
  // Non-negative least squares over three terms: of all choices of terms that come out above zero, the one with the least error.
  const choices = [[0, 1, 2], [0, 1], [0, 2], [1, 2], [0], [1], [2]];
  let best = { error: Number.POSITIVE_INFINITY, found: [0, 0, 0] as readonly number[] };
  for (const chosen of choices) {
    const found = fitted(samples, chosen);
    if (found.some((each) => each < 0)) continue;
    const error = samples.reduce(
      (sum, { terms, ms: own }) => sum + (terms.reduce((all, term, at) => all + term * (found[at] ?? 0), 0) / own - 1) ** 2,
      0,
    );
    if (error < best.error) best = { error, found };
  }
  const [fixed = 0, request = 0, token = 0] = best.found;
  return { fixed, request, token };
};

/** Milliseconds of a batch; sizes may be fractions. */
export const plantTime = ({ fixed, request, token }: Plant, requests: number, tokens: number): number =>
  fixed + requests * (request + token * tokens);
