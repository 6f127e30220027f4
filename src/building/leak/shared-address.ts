import { GateError } from '../../errors.ts';
import { type Listener, listeners } from '../../processes/listeners.ts';
import { subjectEnvironment } from '../../run/context.ts';
import { answerOnce, launched, type Rehearsal, type SideProgram } from '../side-program.ts';
import type { Trees } from '../trees.ts';

interface Looking extends Rehearsal {
  readonly trees: Trees;
}

/**
 * The error of two programs that listen at one address: side by side, as a launch runs them, what
 * one of them starts would answer for the other. So would a server that base's leaves behind, where
 * head's starts none. Null where each has addresses of its own, or one of them does not answer.
 * `known`: what listened before any of them was run.
 */
export const findSharedAddress = async (
  base: SideProgram,
  head: SideProgram,
  known: readonly Listener[],
  looking: Looking,
): Promise<GateError | null> => {
  const first = await sharedAddress(base, head, known, looking);
  // Something else on this machine may have begun to listen at that moment.
  return first !== null && first === (await sharedAddress(base, head, known, looking)) ? collision(head, first) : null;
};

const sharedAddress = async (
  base: SideProgram,
  head: SideProgram,
  known: readonly Listener[],
  looking: Looking,
): Promise<string | null> => {
  const tree = await looking.trees.folder(base.arm);
  const first = await looking.alone(base.arm, launched(base, tree), () => listen(base, known, looking));
  const addresses = new Set(first.opened.map(({ address }) => address));
  const shared = ({ opened }: Listening): string | null => opened.find(({ address }) => addresses.has(address))?.address ?? null;
  const beside = addresses.size === 0 ? null : await listen(head, listeners(), looking);
  await beside?.close();
  await first.close();
  if (beside === null) return null;
  const both = shared(beside);
  if (both !== null) return both;
  const still = new Set(listeners().map(({ inode }) => inode));
  const left = first.opened.filter(({ inode, chosen }) => chosen && still.has(inode));
  if (left[0] !== undefined && !beside.opened.some(({ chosen }) => chosen)) return left[0].address;
  // Beside base it may have taken the next free port, or none.
  const alone = await listen(head, listeners(), looking);
  await alone.close();
  return beside.opened.length < alone.opened.length ? shared(alone) : null;
};

/** A program that has answered and still runs. */
interface Listening {
  /** Sockets that listen beside those that were known. */
  readonly opened: readonly Listener[];
  close(): Promise<void>;
}

const listen = async ({ arm, cell, policy }: SideProgram, known: readonly Listener[], looking: Looking): Promise<Listening> => {
  if (policy === null) return { opened: [], close: async () => {} };
  const tree = await looking.trees.folder(arm);
  const temporary = await looking.sides.temporary(arm);
  const before = new Set(known.map(({ inode }) => inode));
  const environment = { ...subjectEnvironment(looking.context), ...temporary.environment };
  const channel = await answerOnce(policy, cell, { tree, environment, confinement: looking.sides.answering(arm) }, looking);
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
    `The programs of base and head were to answer side by side. Expected an address of its own for each, got ${address} for both: one would answer for the other.`,
    { where: cell.id },
  );
