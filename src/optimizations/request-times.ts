import { quantile } from '../statistics/describe.ts';
import { shuffled } from '../statistics/random.ts';
import type { Prompt, ServingSession, SessionTuning, Tools } from './contract.ts';

/** One request: the tokens of its prompt and the greedy steps after it. Small, so that an episode can really run a hundred of them. */
const request = { tokens: 64, steps: 2 } as const;

/** What every request asks for; drawn outside the clock. */
export const requestPrompt = (tools: Pick<Tools, 'prompt'>): Prompt => tools.prompt(1, request.tokens);

/** Serves one request. */
export const serveRequest = async (session: Pick<ServingSession, 'prefill' | 'decode'>, prompt: Prompt): Promise<void> => {
  await session.prefill(prompt);
  await session.decode(request.steps);
};

/** Milliseconds of wall time that something took. */
export const elapsed = async ({ clock }: Pick<Tools, 'clock'>, work: () => Promise<unknown>): Promise<number> => {
  const started = clock.wall();
  await work();
  return clock.wall() - started;
};

/** What is served, and how. */
export interface Served {
  readonly variant: string;
  readonly tuning?: SessionTuning;
}

export interface RequestTimes {
  /** Milliseconds until it was loaded and had served its first request: the least of all passes. */
  readonly ready: number;
  /** Milliseconds of single requests after that, ascending, to the microsecond. */
  readonly requests: readonly number[];
}

/**
 * What a request takes when nothing interrupts it: the lower quartile. Whatever else runs on a machine only adds time (Chen and Revels,
 * arXiv 1608.04295, take the minimum for that reason; the quartile does not rest on one lucky request).
 */
export const undisturbed = (requests: readonly number[]): number => quantile(requests, 0.25);

const toMicrosecond = (milliseconds: number): number => Math.max(0.001, Math.round(milliseconds * 1000) / 1000);

/**
 * Times requests of several variants or settings. One is loaded at a time, however large a model is; each pass goes through all of them in
 * an order drawn anew, so that drift meets all alike. In the order of `all`.
 */
export const requestTimes = async (
  tools: Pick<Tools, 'session' | 'prompt' | 'clock' | 'random'>,
  all: readonly Served[],
  { passes, requests }: { readonly passes: number; readonly requests: number },
): Promise<readonly RequestTimes[]> => {
  const prompt = requestPrompt(tools);
  const taken = all.map((served) => ({ ...served, ready: [] as number[], requests: [] as number[] }));
  for (let pass = 0; pass < passes; pass++)
    for (const each of shuffled(taken, tools.random)) {
      const started = tools.clock.wall();
      const session = await tools.session(each.variant, each.tuning);
      try {
        await serveRequest(session, prompt);
        each.ready.push(toMicrosecond(tools.clock.wall() - started));
        for (let at = 0; at < requests; at++) each.requests.push(toMicrosecond(await elapsed(tools, () => serveRequest(session, prompt))));
      } finally {
        await session.release();
      }
    }
  return taken.map(({ ready, requests: times }) => ({ ready: Math.min(...ready), requests: times.toSorted((a, b) => a - b) }));
};
