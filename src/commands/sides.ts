import { existsSync, lstatSync, readdirSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { type Confinement, findConfinement } from '../processes/confinement.ts';
import { ancestors, openOtherUser } from '../processes/other-user.ts';
import type { Plan } from '../records/plan.ts';
import type { Repository } from '../repository/repository.ts';
import type { CommandContext } from './context.ts';
import { runFolderOf } from './run-folder.ts';
import { openTemporaryFolder, type TemporaryFolder } from './temporary-folder.ts';
import { treePlace } from './tree-place.ts';

type Arm = 'head' | 'base';

/** As whom, and how held together, the code of each side runs. */
export interface Sides {
  /** Whether code of the sides runs as another user: it then has copies of what it writes to. */
  readonly isolated: boolean;
  confinement(arm: Arm): Confinement;
  /** Where the trees of one side lie. */
  folder(arm: Arm): string;
  /** A temporary folder of one side, and the variables that name it and the user. */
  temporary(arm: Arm): Promise<TemporaryFolder>;
  /** Lets the programs that are started from now on write in a folder, where the rest of them may. */
  admit(folder: string): void;
  /** Lets the code of the sides write to a file or folder. */
  give(path: string): void;
  /** Lets only the gate write to it, as before. */
  take(path: string): void;
  release(): Promise<void>;
}

/** The sides of a plan. Throws `isolation-unavailable` where their code cannot run as the user that base's configuration names. */
export const openSides = async (context: CommandContext, plan: Pick<Plan, 'isolation'>, repository: Repository): Promise<Sides> =>
  plan.isolation === null ? sameUser(repository) : isolated(context, plan.isolation.user, repository);

const sameUser = ({ folder }: Repository): Sides => {
  // Found before any code of head has run, which could write to what is looked for.
  const confinement = findConfinement();
  const place = treePlace(folder, tmpdir());
  return {
    isolated: false,
    confinement: () => confinement,
    folder: () => place,
    temporary: () => openTemporaryFolder(tmpdir()),
    admit: () => {},
    give: () => {},
    take: () => {},
    release: async () => {},
  };
};

/** Everybody writes there. */
const sharedFolders = ['/tmp', '/var/tmp'] as const;
/** Where processes share memory by name. */
const namedMemory = '/dev/shm';

const isolated = async (context: CommandContext, name: string, repository: Repository): Promise<Sides> => {
  const user = openOtherUser(name);
  const area = await mkdtemp(join(resolve(tmpdir()), 'gate-'));
  const folders = { head: join(area, 'head'), base: join(area, 'base') } as const;
  const homes = { head: join(folders.head, 'home'), base: join(folders.base, 'home') } as const;
  const release = async (): Promise<void> => {
    user.take(area);
    await rm(area, { recursive: true, force: true });
  };
  try {
    await chmod(area, 0o755);
    for (const home of Object.values(homes)) {
      await mkdir(home, { recursive: true });
      user.give(home);
    }
    requireIsolation(context, name, repository, [area]);
  } catch (thrown) {
    await release();
    throw thrown;
  }
  // Programs look for settings and packages in the folders above theirs too, which for both sides are the same.
  const above = [area, context.storeRoot, context.packageRoot, repository.folder].flatMap(ancestors);
  const own = above.includes(namedMemory) || !existsSync(namedMemory) ? [] : [namedMemory];
  const shared = [...sharedFolders, namedMemory, ...above].filter((folder) => existsSync(folder) && !own.includes(folder));
  const closed = user.writable([...new Set(shared)]);
  const admitted: string[] = [];
  return {
    isolated: true,
    // Both sides are one user: what one could write of the other, it does not see.
    confinement: (arm) =>
      user.confinement({
        hidden: arm === 'head' ? folders.base : folders.head,
        own,
        closed,
        writable: [arm === 'head' ? folders.head : folders.base, ...admitted],
      }),
    admit: (folder) => {
      admitted.push(folder);
    },
    folder: (arm) => folders[arm],
    temporary: async (arm) => {
      const temporary = await openTemporaryFolder(folders[arm]);
      user.give(temporary.folder);
      return {
        folder: temporary.folder,
        environment: { ...temporary.environment, HOME: homes[arm], USER: name, LOGNAME: name },
        release: () => {
          user.take(temporary.folder);
          return temporary.release();
        },
      };
    },
    give: (path) => {
      user.give(path);
      // What git does there follows the settings in them.
      for (const folder of gitFoldersBelow(path)) user.take(folder);
    },
    take: user.take,
    release,
  };
};

/** What git keeps of submodules that are checked out below a folder. */
const gitFoldersBelow = (folder: string): readonly string[] =>
  lstatSync(folder).isDirectory()
    ? readdirSync(folder, { withFileTypes: true })
        .filter((entry) => entry.isDirectory())
        .flatMap(({ name }) => (name === '.git' ? [join(folder, name)] : gitFoldersBelow(join(folder, name))))
    : [];

/**
 * Throws `isolation-unavailable` where there is no such user, where it may become root, cannot read
 * what it runs, or could write to what judges it.
 * @param besides folders that it must be able to read too
 */
export const requireIsolation = (context: CommandContext, name: string, repository: Repository, besides: readonly string[] = []): void => {
  const { worker, packageRoot, ortPath, storeRoot } = context;
  const reads = [process.execPath, worker, packageRoot, ...(ortPath === null ? [] : [ortPath]), storeRoot, ...besides];
  // Programs of the gate are found there.
  const searched = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => isAbsolute(folder));
  const git = ['', 'config', 'hooks', 'objects', 'refs'].map((part) => join(repository.gitFolder, part));
  const keeps = [
    repository.folder,
    ...git,
    storeRoot,
    runFolderOf(context),
    packageRoot,
    worker,
    process.execPath,
    ...searched,
    ...besides,
  ];
  openOtherUser(name).requireAccess({ reads: reads.filter((path) => existsSync(path)), keeps: keeps.filter((path) => existsSync(path)) });
};
