import { GateError } from '../../errors.ts';

/** How the rate of arrivals changes over a trace. */
export type TraceShape = 'steady' | 'ramp' | 'burst' | 'drift';

/** A stretch of the trace over which the rate goes in a straight line, as multiples of the mean rate. */
interface Stretch {
  /** Share of the trace's duration. */
  readonly share: number;
  readonly from: number;
  readonly to: number;
}

/** The mean of each over the whole trace is 1, so that one rate means one load whatever the shape. */
const profiles: Readonly<Record<TraceShape, readonly Stretch[]>> = {
  steady: [{ share: 1, from: 1, to: 1 }],
  ramp: [{ share: 1, from: 0.25, to: 1.75 }],
  burst: [
    { share: 0.4, from: 0.5, to: 0.5 },
    { share: 0.2, from: 3, to: 3 },
    { share: 0.4, from: 0.5, to: 0.5 },
  ],
  drift: [
    { share: 0.25, from: 1, to: 1.6 },
    { share: 0.5, from: 1.6, to: 0.4 },
    { share: 0.25, from: 0.4, to: 1 },
  ],
};

/** The share of the duration at which this share of all arrivals is expected. */
const elapsedAt = (stretches: readonly Stretch[], arrived: number): number => {
  let left = arrived;
  let elapsed = 0;
  for (const { share, from, to } of stretches) {
    const area = (share * (from + to)) / 2;
    if (left <= area) {
      // left = from·x + slope·x²/2, solved without cancellation where the slope is small.
      const slope = (to - from) / share;
      return elapsed + (2 * left) / (from + Math.sqrt(from * from + 2 * slope * left));
    }
    left -= area;
    elapsed += share;
  }
  return elapsed;
};

/**
 * Times at which requests arrive, ascending, in milliseconds: a Poisson process whose rate follows the shape, given that exactly
 * `requests` arrive within `requests ÷ rate` seconds (so that the load is the same for every seed and shape). `steady` keeps the
 * rate; `ramp` goes from 0.25 to 1.75 times it; `burst` has three times it for the middle fifth and half of it around; `drift`
 * swings between 1.6 and 0.4 times it. `rate` is the mean in requests per second, `random` uniform in [0, 1).
 * @throws GateError option-invalid for a rate that is not positive and finite or a count that is not a whole number from 1 on.
 */
export const arrivalTrace = (wanted: {
  readonly shape: TraceShape;
  readonly rate: number;
  readonly requests: number;
  readonly random: () => number;
}): readonly number[] => {
  const { shape, rate, requests, random } = wanted;
  if (!(rate > 0 && Number.isFinite(rate)))
    throw new GateError('option-invalid', `The arrivals of requests were drawn. Expected a rate above 0, got ${rate}.`);
  if (!Number.isSafeInteger(requests) || requests < 1)
    throw new GateError(
      'option-invalid',
      `The arrivals of requests were drawn. Expected a whole number of requests, at least 1, got ${requests}.`,
    );
  const duration = (1000 * requests) / rate;
  return Array.from({ length: requests }, random)
    .sort((one, other) => one - other)
    .map((arrived) => duration * elapsedAt(profiles[shape], arrived));
};
