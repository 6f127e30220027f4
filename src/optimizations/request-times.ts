import { median, quantile } from '../statistics/describe.ts';
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

/** How fast the machine is now. */
export interface Pace {
  /** Milliseconds of a request of the untouched model in this moment: the faster of two. */
  now(): Promise<number>;
  release(): Promise<void>;
}

/**
 * Opens the untouched model to tell how fast the machine is: shared machines change by a third within seconds, and what is timed a second
 * apart is comparable only beside something that never changes.
 */
export const openPace = async (tools: Pick<Tools, 'session' | 'prompt' | 'clock'>): Promise<Pace> => {
  const prompt = requestPrompt(tools);
  // What is the default said aloud: an instance of its own, so that nobody who is to load the untouched model finds it loaded.
  const session = await tools.session('main', { memoryPattern: true });
  await serveRequest(session, prompt);
  const once = (): Promise<number> => elapsed(tools, () => serveRequest(session, prompt));
  return { now: async () => Math.min(await once(), await once()), release: () => session.release() };
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
 * Times requests of several variants or settings. One is loaded at a time (beside the untouched model), however large a model is; each pass
 * goes through all of them in an order drawn anew. Times are what they would be at the machine's middling pace: each is divided by how
 * slow the untouched model was just before and after. In the order of `all`.
 */
export const requestTimes = async (
  tools: Pick<Tools, 'session' | 'prompt' | 'clock' | 'random'>,
  all: readonly Served[],
  { passes, requests }: { readonly passes: number; readonly requests: number },
): Promise<readonly RequestTimes[]> => {
  const prompt = requestPrompt(tools);
  const blocks: { readonly of: Served; readonly pace: number; readonly ready: number; readonly requests: readonly number[] }[] = [];
  const pace = await openPace(tools);
  try {
    let before = await pace.now();
    for (let pass = 0; pass < passes; pass++)
      for (const of of shuffled(all, tools.random)) {
        const started = tools.clock.wall();
        const session = await tools.session(of.variant, of.tuning);
        try {
          await serveRequest(session, prompt);
          const ready = tools.clock.wall() - started;
          const times: number[] = [];
          for (let at = 0; at < requests; at++) times.push(await elapsed(tools, () => serveRequest(session, prompt)));
          const after = await pace.now();
          blocks.push({ of, pace: (before + after) / 2, ready, requests: times });
          before = after;
        } finally {
          await session.release();
        }
      }
  } finally {
    await pace.release();
  }
  const middling = median(blocks.map((block) => block.pace));
  return all.map((one) => {
    const own = blocks.filter(({ of }) => of === one).map((block) => ({ ...block, factor: middling / block.pace }));
    return {
      ready: toMicrosecond(Math.min(...own.map(({ ready, factor }) => factor * ready))),
      requests: own.flatMap((block) => block.requests.map((time) => toMicrosecond(block.factor * time))).toSorted((a, b) => a - b),
    };
  });
};
