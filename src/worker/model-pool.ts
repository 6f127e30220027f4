import type { SessionOptions } from '../contract/generation.ts';
import type { ArtefactRef } from '../records/protocol.ts';
import type { LoadedModel } from '../runtime/decoder.ts';
import type { LaunchTools } from './launch-tools.ts';

/** A loaded model that is held by one user of the pool. */
export interface Held {
  readonly model: LoadedModel;
  /** Gives it back; the model is unloaded with its last holder. Once is enough. */
  release(): Promise<void>;
}

/** The models of one launch, each loaded once however many arms and sessions use it. */
export interface ModelPool {
  hold(artefact: ArtefactRef, sessionOptions?: SessionOptions): Promise<Held>;
  /** Unloads whatever is still held. */
  close(): Promise<void>;
}

interface Entry {
  readonly loading: Promise<LoadedModel>;
  holders: number;
}

export const openModelPool = (open: LaunchTools['openModel']): ModelPool => {
  const entries = new Map<string, Entry>();
  const drop = async (key: string, entry: Entry): Promise<void> => {
    if (entries.get(key) === entry) entries.delete(key);
    await (await entry.loading).release();
  };
  return {
    hold: async (artefact, sessionOptions = {}) => {
      const key = JSON.stringify([artefact.digest, Object.entries(sessionOptions).sort(([a], [b]) => (a < b ? -1 : 1))]);
      const entry = entries.get(key) ?? { loading: open(artefact, sessionOptions), holders: 0 };
      entries.set(key, entry);
      entry.holders++;
      let held = true;
      try {
        return {
          model: await entry.loading,
          release: async () => {
            if (!held) return;
            held = false;
            entry.holders--;
            if (entry.holders === 0) await drop(key, entry);
          },
        };
      } catch (thrown) {
        // What failed to load may load under other circumstances: nothing of it is kept.
        if (entries.get(key) === entry) entries.delete(key);
        throw thrown;
      }
    },
    close: async () => {
      const left = [...entries];
      entries.clear();
      for (const [key, entry] of left) await drop(key, entry);
    },
  };
};
