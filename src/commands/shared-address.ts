import { GateError } from '../errors.ts';
import { type Listener, listeners } from '../processes/listeners.ts';
import { subjectEnvironment } from './context.ts';
import { answerOnce, type Rehearsal, type SideProgram } from './side-program.ts';
import { openTemporaryFolder } from './temporary-folder.ts';
import type { Trees } from './trees.ts';

interface Looking extends Rehearsal {
  readonly trees: Trees;
}

/**
 * The error of two programs that listen at one address: side by side, as a launch runs them, what
 * one of them starts would answer for the other. Null where each has addresses of its own, or one
 * of them does not answer.
 */
export const findSharedAddress = async (base: SideProgram, head: SideProgram, looking: Looking): Promise<GateError | null> => {
  const first = await sharedAddress(base, head, looking);
  // Something else on this machine may have begun to listen at that moment.
  return first !== null && first === (await sharedAddress(base, head, looking)) ? collision(head, first) : null;
};

const sharedAddress = async (base: SideProgram, head: SideProgram, looking: Looking): Promise<string | null> => {
  const first = await listen(base, looking);
  const addresses = new Set(first.opened.map(({ address }) => address));
  const shared = ({ opened }: Listening): string | null => opened.find(({ address }) => addresses.has(address))?.address ?? null;
  const beside = addresses.size === 0 ? null : await listen(head, looking);
  await beside?.close();
  await first.close();
  if (beside === null) return null;
  const both = shared(beside);
  if (both !== null) return both;
  // Beside base it may have taken the next free port, or none.
  const alone = await listen(head, looking);
  await alone.close();
  return beside.opened.length < alone.opened.length ? shared(alone) : null;
};

/** A program that has answered and still runs. */
interface Listening {
  /** Sockets that listen since it was started. */
  readonly opened: readonly Listener[];
  close(): Promise<void>;
}

const listen = async ({ arm, cell, policy }: SideProgram, looking: Looking): Promise<Listening> => {
  if (policy === null) return { opened: [], close: async () => {} };
  const tree = await looking.trees.folder(arm);
  const temporary = await openTemporaryFolder();
  const before = new Set(listeners().map(({ inode }) => inode));
  const environment = { ...subjectEnvironment(looking.context), ...temporary.environment };
  const channel = await answerOnce(policy, cell, { tree, environment }, looking);
  return {
    opened: channel === null ? [] : listeners().filter(({ inode }) => !before.has(inode)),
    close: async () => {
      await channel?.close(2);
      await temporary.release();
    },
  };
};

const collision = ({ cell }: SideProgram, address: string): GateError =>
  new GateError(
    'address-shared',
    `The programs of base and head were to answer side by side. Expected each to listen at an address of its own, got ${address} in both: one would answer for the other.`,
    { where: cell.id },
  );
