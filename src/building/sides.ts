import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { requireAlike } from '../processes/alike-users.ts';
import { removeClosedFolder } from '../processes/closed-folder.ts';
import { type Confinement, findConfinement } from '../processes/confinement.ts';
import { ancestors, type OtherUser, openOtherUser, type View } from '../processes/other-user.ts';
import type { Plan } from '../records/plan.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from '../run/context.ts';
import { runFolderOf } from '../run/run-folder.ts';
import { openTemporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
import { treePlace } from './tree-place.ts';

const arms = ['head', 'base'] as const;
type Arm = (typeof arms)[number];

/** As whom, and how held together, the code of each side runs. */
export interface Sides {
  /** Whether code of the sides runs as another user: it then has copies of what it writes to. */
  readonly isolated: boolean;
  /**
   * Of programs that run while none of the other side runs.
   * @param recorded folders in which the system records what they read; it does not where they can only read
   */
  confinement(arm: Arm, recorded?: readonly string[]): Confinement;
  /** Of programs that answer, beside those of the other side. */
  answering(arm: Arm, recorded?: readonly string[]): Confinement;
  /** Where the trees of one side lie. */
  folder(arm: Arm): string;
  /** A temporary folder of one side, and the variables that name it and the side's user. */
  temporary(arm: Arm): Promise<TemporaryFolder>;
  /** Lets the programs that are started from now on write in a folder, where the rest of them may. */
  admit(folder: string): void;
  /** Lets the code of one side write to a file or folder. */
  give(arm: Arm, path: string): void;
  /** Lets only the gate write to it, as before. */
  take(path: string): void;
  release(): Promise<void>;
}

/**
 * The sides of a plan. Throws `isolation-unavailable` where their code cannot run as the users that
 * base's configuration names: one is not there, may become root, reads too little or writes too much,
 * or they do not find the same machine.
 */
export const openSides = async (context: CommandContext, plan: Pick<Plan, 'isolation'>, repository: Repository): Promise<Sides> =>
  plan.isolation === null ? sameUser(repository) : isolated(context, plan.isolation, repository);

const sameUser = ({ folder }: Repository): Sides => {
  // Found before any code of head has run, which could write to what is looked for.
  const confinement = findConfinement();
  const place = treePlace(folder, tmpdir());
  return {
    isolated: false,
    confinement: () => confinement,
    answering: () => confinement,
    folder: () => place,
    temporary: () => openTemporaryFolder(tmpdir()),
    admit: () => {},
    give: () => {},
    take: () => {},
    release: async () => {},
  };
};

/** Where processes share memory by name. */
const namedMemory = '/dev/shm';

const isolated = async (
  context: CommandContext,
  { user, baseUser }: NonNullable<Plan['isolation']>,
  repository: Repository,
): Promise<Sides> => {
  const users = openUsers(user, baseUser);
  const area = await mkdtemp(join(resolve(tmpdir()), 'gate-'));
  const folders = { head: join(area, 'head'), base: join(area, 'base') } as const;
  const homes = { head: join(folders.head, 'home'), base: join(folders.base, 'home') } as const;
  const release = async (): Promise<void> => {
    users.head.take(area);
    await removeClosedFolder(area);
  };
  // Unless folders of this run lie there.
  const above = [area, context.storeRoot, context.packageRoot, repository.folder].flatMap(ancestors);
  const own = above.includes(namedMemory) || !existsSync(namedMemory) ? [] : [namedMemory];
  const admitted: string[] = [];
  // What one side could write of the other, it does not see: both may be one user.
  const viewOf = (arm: Arm, network: View['network'], recorded: readonly string[] = []): View => {
    const other = arm === 'head' ? 'base' : 'head';
    return { hidden: folders[other], own, writable: [folders[arm], ...admitted, ...recorded], network };
  };
  try {
    await chmod(area, 0o755);
    for (const arm of arms) {
      await mkdir(homes[arm], { recursive: true });
      users[arm].give(homes[arm]);
    }
    for (const arm of users.head === users.base ? (['head'] as const) : arms) {
      requireAccess(context, users[arm], repository, area);
      users[arm].requireStart(viewOf(arm, 'own'));
    }
  } catch (thrown) {
    await release();
    throw thrown;
  }
  return {
    isolated: true,
    confinement: (arm, recorded) => users[arm].confinement(viewOf(arm, 'shared', recorded)),
    // What listens at an address of one side could be asked by the other, or answer for it.
    answering: (arm, recorded) => users[arm].confinement(viewOf(arm, 'own', recorded)),
    admit: (folder) => {
      admitted.push(folder);
    },
    folder: (arm) => folders[arm],
    temporary: async (arm) => {
      const temporary = await openTemporaryFolder(folders[arm]);
      const { name, give, take } = users[arm];
      give(temporary.folder);
      return {
        folder: temporary.folder,
        environment: { ...temporary.environment, HOME: homes[arm], USER: name, LOGNAME: name },
        release: () => {
          take(temporary.folder);
          return temporary.release();
        },
      };
    },
    give: (arm, path) => {
      users[arm].give(path);
      // What git does there follows the settings in them.
      for (const folder of gitFoldersBelow(path)) users[arm].take(folder);
    },
    take: users.head.take,
    release,
  };
};

const openUsers = (user: string, baseUser: string | null): Readonly<Record<Arm, OtherUser>> => {
  const head = openOtherUser(user, 'isolation.user');
  if (baseUser === null) return { head, base: head };
  const base = openOtherUser(baseUser, 'isolation.base-user');
  requireAlike(head, base);
  return { head, base };
};

/** What git keeps of submodules that are checked out below a folder. */
const gitFoldersBelow = (folder: string): readonly string[] =>
  lstatSync(folder).isDirectory()
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .flatMap(({ name }) => (name === '.git' ? [join(folder, name)] : gitFoldersBelow(join(folder, name))))
    : [];

/** Throws `isolation-unavailable` where a user cannot read what it runs, or could write to what judges it. */
const requireAccess = (context: CommandContext, user: OtherUser, repository: Repository, area: string): void => {
  const { worker, packageRoot, ortPath, storeRoot } = context;
  const reads = [process.execPath, worker, packageRoot, ...(ortPath === null ? [] : [ortPath]), storeRoot, area];
  // Programs of the gate are found there.
  const searched = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const git = ['', 'config', 'hooks', 'objects', 'refs'].map((part) => join(repository.gitFolder, part));
  const keeps = [repository.folder, ...git, storeRoot, runFolderOf(context), packageRoot, worker, process.execPath, ...searched, area];
  user.requireAccess({ reads: reads.filter((path) => existsSync(path)), keeps: keeps.filter((path) => existsSync(path)) });
};
