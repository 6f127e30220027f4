import { relative, resolve } from 'node:path';
import { GateError } from '../errors.ts';
import { splitCommand } from '../processes/command-line.ts';
import { runCommand } from '../processes/run-command.ts';
import type { Plan, PlannedBuild } from '../records/plan.ts';
import { openRepository } from '../repository/repository.ts';
import { type CommandContext, subjectEnvironment } from './context.ts';
import { emptyInputs } from './leak.ts';
import { saidBy } from './said.ts';

/** The checkouts that user code runs in. */
export interface Trees {
  /** Folder of one side, set up; base's worktree is made when it is first wanted. Throws `setup-failed`. */
  folder(arm: 'head' | 'base'): Promise<string>;
  /** A copy of base in which everything that the build's code declares as its inputs is empty, set up. Throws `setup-failed`. */
  emptied(build: PlannedBuild): Promise<string>;
  release(): Promise<void>;
}

/** Opens the sides of a plan; nothing is checked out or set up before it is wanted. */
export const openTrees = async (context: CommandContext, plan: Plan): Promise<Trees> => {
  const repository = await openRepository(context.root);
  const inside = relative(repository.folder, context.root);
  const opened: { release(): Promise<void> }[] = [];
  const make = async (arm: 'head' | 'base'): Promise<string> => {
    if (arm === 'head') return setUp(context, plan, plan.setup.head, context.root, arm);
    if (plan.base === null) throw new GateError('base-not-found', 'there is no commit to build base from');
    const worktree = await repository.worktree(plan.base.commit);
    opened.push(worktree);
    return setUp(context, plan, plan.setup.base, resolve(worktree.folder, inside), arm);
  };
  const folders = new Map<string, Promise<string>>();
  return {
    folder: (arm) => {
      const folder = folders.get(arm) ?? make(arm);
      folders.set(arm, folder);
      return folder;
    },
    emptied: async (build) => {
      const worktree = await repository.worktree(plan.base?.commit ?? plan.head.commit);
      opened.push(worktree);
      emptyInputs(worktree.folder, build.subject.inputs);
      return setUp(context, plan, plan.setup.base, resolve(worktree.folder, inside), 'base with empty inputs');
    },
    release: async () => {
      for (const one of opened) await one.release();
    },
  };
};

/** Installing takes longer than a build: a short `limits.seconds` does not hold for it. */
const setupSeconds = 600;

const setUp = async (context: CommandContext, plan: Plan, command: string | null, folder: string, arm: string): Promise<string> => {
  if (command === null) return folder;
  const timeoutSeconds = Math.max(setupSeconds, plan.limits.seconds);
  const result = await runCommand({
    argv: splitCommand(command, {}, 'setup'),
    cwd: folder,
    environment: subjectEnvironment(context),
    timeoutSeconds,
    maxOutputBytes: 64 * 1024,
  });
  if (result.status !== 'exited' || result.code !== 0) {
    const said = saidBy(result);
    const how =
      result.status === 'timeout'
        ? `no end within ${timeoutSeconds} s (${setupSeconds} s, or limits.seconds where that is more)`
        : result.status;
    throw new GateError('setup-failed', `${how}${result.code === null ? '' : ` with status ${result.code}`}: ${said}`, {
      where: `setup of ${arm}`,
    });
  }
  return folder;
};
