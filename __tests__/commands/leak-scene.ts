import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { findLeaks, type LeakFinding } from '../../src/building/leak/leak.ts';
import { watchReads } from '../../src/building/leak/read-watch.ts';
import { openSubjectFolders } from '../../src/building/subject-folders.ts';
import { openTrees } from '../../src/building/trees.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import type { Plan, SubjectRef } from '../../src/records/plan.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { cell, digest, planOf } from '../gate/fixtures.ts';
import { ScratchRepository } from '../repository/scratch-repository.ts';

/** How an entry is run, and what surrounds it. */
export interface Entry {
  readonly door: SubjectRef['door'];
  readonly inputs?: readonly string[];
  readonly like?: string;
  readonly setup?: string;
  /** Base's, where it is another one. */
  readonly formerSetup?: string | null;
  /** More of the environment of the programs. */
  readonly environment?: Readonly<Record<string, string>>;
  readonly watch?: typeof watchReads;
  /** Whether head's files differ from its commit. */
  readonly dirty?: boolean;
  /** Whether the event is about a commit. */
  readonly reviewed?: boolean;
}

/**
 * A repository of two commits, base and head, whose programs are run and looked at without a model
 * and without a plan of the command line.
 */
export class LeakScene extends ScratchRepository {
  static make(): LeakScene {
    return new LeakScene(ScratchRepository.create().folder);
  }

  /** Writes files that no commit holds. */
  leave(files: Readonly<Record<string, string>>): void {
    for (const [path, content] of Object.entries(files)) {
      mkdirSync(dirname(join(this.folder, path)), { recursive: true });
      writeFileSync(join(this.folder, path), content);
    }
  }

  link(target: string, path: string): void {
    mkdirSync(dirname(join(this.folder, path)), { recursive: true });
    symlinkSync(target, join(this.folder, path));
  }

  /** What is found when head's files are compared with the commit before HEAD. */
  async find({
    door,
    inputs = ['**'],
    like = 'external',
    setup,
    formerSetup = setup ?? null,
    environment = {},
    watch = watchReads,
    dirty = false,
    reviewed = false,
  }: Entry): Promise<LeakFinding> {
    const subject = (tree: 'head' | 'base'): SubjectRef => ({
      door,
      tree,
      folder: '',
      inputs: [...inputs],
      code: digest(tree === 'head' ? 'c' : 'd'),
      ownCode: digest(tree === 'head' ? 'c' : 'd'),
    });
    const arms = (['head', 'base'] as const).map((id) => ({ id, builds: {}, policy: subject(id), options: null, code: subject(id).code }));
    const plan: Plan = planOf([cell('m/entry', { like, arms })], {
      head: { commit: this.git('rev-parse', 'HEAD'), dirty },
      base: { commit: this.git('rev-parse', 'HEAD~1'), dirty: false },
      setup: { head: setup ?? null, base: formerSetup },
    });
    const context = {
      root: this.folder,
      workspace: dirname(this.folder),
      packageRoot: this.folder,
      storeRoot: join(this.folder, 'kept', 'store'),
      worker: join(import.meta.dirname, '..', '..', 'src', 'worker.ts'),
      ortPath: null,
      searchesLibraries: true,
      options: { config: null, runDir: '.optimization-gate' },
      signal: new AbortController().signal,
      host: {
        log: { info: () => {}, warn: () => {} },
        event: reviewed ? { kind: 'change', checkout: { kind: 'off-base' } } : { kind: 'developer' },
        subjectEnvironment: { ...allowedEnvironment(process.env), ...environment },
      },
    } as unknown as CommandContext;
    const trees = await openTrees(context, plan, null);
    onTestFinished(() => trees.release());
    const unused = (): never => {
      throw new Error('nothing is built');
    };
    const folders = await openSubjectFolders(this.folder, trees.sides);
    onTestFinished(() => folders.release());
    const { sides, alone, isLearned } = trees;
    const rehearsal = { context, plan, folders, source: unused, references: new Map(), sides, alone, isLearned };
    return (await findLeaks(rehearsal, trees, watch)).get('entry') ?? { error: null, warning: null };
  }
}

/**
 * A program in Python that measures `tables.SIZE`; `path` goes before the places that Python looks
 * in.
 */
export const measuring = (path: string | null): string =>
  [
    'import json, sys',
    ...(path === null ? [] : [`sys.path.insert(0, ${JSON.stringify(path)})`]),
    'import tables',
    'for line in sys.stdin:',
    '    print(json.dumps({"size": tables.SIZE}), flush=True)',
    '',
  ].join('\n');

export const measure = (command: string): SubjectRef['door'] => ({ kind: 'measure', command, reports: [] });
