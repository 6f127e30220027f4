import type { LaunchRequest } from '../../src/records/protocol.ts';

const digest = (digit: string): string => digit.repeat(64);

/** A launch as it is asked of a worker, on one thread of the processor; what a test is about is given. */
export const launchRequestOf = (
  given: Pick<LaunchRequest, 'purpose' | 'arms' | 'points' | 'artefacts'> & Partial<LaunchRequest>,
): LaunchRequest => ({
  type: 'launch',
  launch: `m/x#${given.purpose}-0`,
  selfCheck: false,
  repeated: null,
  like: 'structured-pruning',
  options: null,
  policies: {},
  tuned: null,
  model: 'models/m',
  modelDigest: digest('3'),
  seed: 1,
  runtime: { digest: digest('4'), provider: 'cpu', threads: 1 },
  scores: [],
  scratch: { root: 's', secret: digest('5') },
  ...given,
});
