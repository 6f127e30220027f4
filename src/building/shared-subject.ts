import type { LineChannel } from '../processes/line-channel.ts';
import type { PlannedBuild } from '../records/plan.ts';

/** A subject process that makes several builds, one after the other. */
export interface SharedSubject {
  /** The process that goes by a name, or else, once its predecessor is closed, a new one. */
  channel(name: string, start: () => Promise<LineChannel>): Promise<LineChannel>;
  /** Whether what was handed out last had been handed out before. */
  readonly used: boolean;
  close(): Promise<void>;
}

/** Starts nothing before it is asked. */
export const openSharedSubject = (): SharedSubject => {
  let running: { readonly name: string; readonly channel: LineChannel } | null = null;
  let used = false;
  const close = async (): Promise<void> => {
    const ended = running;
    running = null;
    await ended?.channel.close(2);
  };
  return {
    channel: async (name, start) => {
      used = running?.name === name;
      if (running?.name !== name) {
        await close();
        running = { name, channel: await start() };
      }
      return running.channel;
    },
    get used() {
      return used;
    },
    close,
  };
};

/** Larger models leave more in a process than a start of another costs. */
const mostBytes = 32 * 2 ** 20;

/**
 * Whether a build may be made in the process that made another of its cell: a start, and what was
 * seen of the calibration, are then had once. A user's own code may leave something behind that the
 * next build would depend on. The seconds of what an entry of its own would build are a metric.
 * @param bytes of the model that it starts from
 */
export const mayShareProcess = ({ subject, told, on }: Pick<PlannedBuild, 'subject' | 'told' | 'on'>, bytes: number): boolean =>
  subject.door.kind === 'builtin' && (told.name !== 'main' || on !== null) && bytes <= mostBytes;
