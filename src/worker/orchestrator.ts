import { join } from 'node:path';
import type { Player, Tools } from '../contract/player.ts';
import { asGateError, GateError } from '../errors.ts';
import { readWindows } from '../models/evaluation.ts';
import { runtimeSettingsIn } from '../processes/environment.ts';
import { decodeValue } from '../records/decode.ts';
import { type FromWorker, type LaunchRequest, type ToWorker, toWorker } from '../records/protocol.ts';
import type { ArmId } from '../records/words.ts';
import { openModel } from '../runtime/decoder.ts';
import { loadRuntime, locateRuntime } from '../runtime/library.ts';
import { describeRuntime } from '../runtime/runtime-spec.ts';
import { openStore } from '../store/store.ts';
import { processFacts } from '../telemetry/process-facts.ts';
import { openEnergyMeter } from '../telemetry/rapl.ts';
import { ArmError } from './arm.ts';
import { runLaunch } from './launch.ts';
import type { LaunchTools } from './launch-tools.ts';
import { openPlannedModel } from './planned-model.ts';
import { openScoreBook } from './score-book.ts';

/** What this needs of `process`. */
interface Channel {
  on(event: 'message', listener: (message: unknown) => void): unknown;
  send?(message: unknown): unknown;
}

/** Signs of life are sent no more often than this, so that they do not disturb what is measured. */
const beatMs = 500;

/** Answers each message of the orchestrator with one message, in order; errors are answers too. */
export const serveOrchestrator = (channel: Channel, roots: readonly string[], clock: Tools['clock']): void => {
  const send = (message: FromWorker | { readonly heartbeat: string }): void => void channel.send?.(message);
  channel.on('message', (message) => {
    answer(message, roots, clock, send).then(send, (thrown: unknown) => send(failure(thrown)));
  });
};

const failure = (thrown: unknown): FromWorker => {
  const arm: ArmId | null = thrown instanceof ArmError ? thrown.arm : null;
  const error = asGateError(thrown instanceof ArmError ? thrown.cause : thrown, 'launch-crashed');
  // The reason first: a path may be long, and a table shows the beginning.
  const message = `${error.message.slice(0, 18_000)}${error.where === null ? '' : ` (at ${error.where.slice(0, 1000)})`}`;
  return { type: 'failed', error: { code: error.code, message, arm, ...(error.starting ? { starting: true } : {}) } };
};

/** What a launch does not need is imported only where it is: a run starts hundreds of these processes for one launch each. */
const answer = async (
  message: unknown,
  roots: readonly string[],
  clock: Tools['clock'],
  send: (beat: { readonly heartbeat: string }) => void,
): Promise<FromWorker> => {
  const request: ToWorker = decodeValue(toWorker, message, 'message to the worker');
  switch (request.type) {
    case 'describe': {
      const settings = { provider: request.provider, threads: request.threads, spinning: false };
      return {
        type: 'described',
        runtime: await describeRuntime(request.library ? locateRuntime(roots) : null, settings, runtimeSettingsIn(process.env)),
      };
    }
    case 'locate': {
      const { folder, libraries } = locateRuntime(roots);
      return { type: 'located', folder, libraries };
    }
    case 'probe': {
      const { probeProvider } = await import('../runtime/probe.ts');
      const runtime = await loadRuntime(roots);
      await probeProvider(runtime, { provider: request.provider, threads: request.threads, spinning: false });
      return { type: 'probed', providers: [...runtime.providers] };
    }
    case 'prepare':
    case 'seal': {
      const { prepareReference, sealArtefact } = await import('./store-artefact.ts');
      const store = await openStore(request.store, { clock: storeClock });
      if (request.type === 'prepare') return prepareReference(request, store);
      return sealArtefact(request, store, async ({ folder, stages, serve }) => {
        const settings = { ...request.runtime, spinning: false };
        const model = await openModel(folder, stages, serve, { runtime: await loadRuntime(roots), settings, prompts: null });
        await model.release();
      });
    }
    case 'launch': {
      let loading: ReturnType<typeof loadRuntime> | null = null;
      const runtime = (): ReturnType<typeof loadRuntime> => {
        loading ??= loadRuntime(roots);
        return loading;
      };
      const settings = { provider: request.runtime.provider, threads: request.runtime.threads, spinning: false };
      let last = Number.NEGATIVE_INFINITY;
      const judged = judgedModel(request);
      // Here its files are nobody's fault; later they would be taken for an arm's.
      if (request.model !== null) judged();
      return runLaunch(request, {
        clock,
        openModel: async ({ folder, stages, serve }, sessionOptions = {}) =>
          openModel(folder, stages, serve, {
            runtime: await runtime(),
            settings: { ...settings, ...sessionOptions },
            prompts: judged().prompts,
          }),
        get facts() {
          return judged().facts;
        },
        get prompts() {
          return judged().prompts;
        },
        player: playerOf,
        energy: openEnergyMeter,
        scores: openScoreBook(request.scores),
        scratch: request.scratch,
        beat: (point) => {
          const now = clock.wall();
          if (now - last < beatMs) return;
          last = now;
          send({ heartbeat: point });
        },
        processFacts,
      });
    }
    default:
      throw new GateError('internal', 'The measuring process got an unknown message.');
  }
};

/** The model of a launch and its prompts, opened once. Throws where the launch has none. */
const judgedModel = ({ model, modelDigest }: LaunchRequest): (() => Pick<LaunchTools, 'facts' | 'prompts'>) => {
  let opened: Pick<LaunchTools, 'facts' | 'prompts'> | null = null;
  return () => {
    if (opened !== null) return opened;
    const { folder, config, facts } = openPlannedModel(model, modelDigest);
    opened = { facts, prompts: readWindows(join(folder, 'calibration.safetensors'), config) };
    return opened;
  };
};

const playerOf = async (optimization: string): Promise<Player> => {
  const { findOptimization } = await import('../optimizations/registry.ts');
  const player = await findOptimization(optimization)?.benchmark.player?.();
  if (player === undefined) throw new GateError('internal', `${optimization} plays no episodes.`);
  return player;
};

const storeClock = (): number => Date.now();
