import type { GenerationSession } from '../../contract/generation.ts';
import type { Tools } from '../../contract/player.ts';
import { seededRandom } from '../../statistics/random.ts';
import { atRecordedPace, elapsed, openPace, requestPrompt, serveRequest } from '../serving/request-times.ts';
import type { Measured } from './comparator.ts';
import type { DriftServer } from './serving.ts';

/** What serves the requests of one episode. */
export interface DriftServing extends Pick<DriftServer, 'swap' | 'serve'> {
  release(): Promise<void>;
}

/** How far the pace of an episode may lie from that of the record, either way. */
const drift = 0.1;

/**
 * Serves in replay: each request takes one of the times that its variant was recorded with, drawn, at a pace that is drawn, the same luck for the
 * same request of every arm. A variant of this arm that does other work than the recorded one takes as much more or less time.
 */
export const replayedServing = async (
  members: readonly Measured[],
  { inspect, random }: Pick<Tools, 'inspect' | 'random'>,
): Promise<DriftServing> => {
  const luck = seededRandom(Math.floor(random() * 2 ** 32));
  const pace = 1 + drift * (2 * luck() - 1);
  const shares = new Map<string, number>();
  for (const { name, work } of members) {
    const { 'multiply-adds': own } = await inspect(name);
    shares.set(name, own === undefined || work === null ? pace : (pace * own) / work);
  }
  let loaded: Measured | undefined;
  const taking = (recorded: number): number => recorded * (shares.get(loaded?.name ?? '') ?? pace);
  return {
    swap: (name) => {
      loaded = members.find((each) => each.name === name);
      return taking(loaded?.swap ?? Number.NaN);
    },
    serve: () => {
      const latencies = loaded?.latencies ?? [];
      return taking(latencies[Math.floor(luck() * latencies.length)] ?? Number.NaN);
    },
    release: async () => {},
  };
};

/**
 * Serves for real; a swap ends one session, opens and warms another. What is executed counts at the pace of the machine when the pool was
 * measured: the record says how variants compare and is used for months, a machine is now slower, now faster.
 */
export const liveServing = async (tools: Tools, recorded: number): Promise<DriftServing> => {
  const pace = await openPace(tools);
  const paced = await atRecordedPace(pace, recorded);
  const prompt = requestPrompt(tools);
  let session: GenerationSession | null = null;
  return {
    swap: (name) =>
      paced(() =>
        elapsed(tools, async () => {
          await session?.release();
          session = null;
          session = await tools.session(name);
          await serveRequest(session, prompt);
        }),
      ),
    serve: () =>
      paced(() =>
        elapsed(tools, async () => {
          if (session !== null) await serveRequest(session, prompt);
        }),
      ),
    release: async () => {
      await session?.release();
      await pace.release();
    },
  };
};
