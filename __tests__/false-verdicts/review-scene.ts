import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readEvent } from '../../src/host/github/event.ts';
import type { BaseCommit } from '../../src/repository/base-commit.ts';
import { openRepository } from '../../src/repository/repository.ts';
import { environment, root, ScratchRepository } from '../repository/scratch-repository.ts';
import { testFolder } from '../testkit/folder.ts';
import { type ActionRun, runAction } from '../testkit/run-action.ts';

const packageRoot = join(import.meta.dirname, '..', '..');

const config = `models: [mini-qwen3-dense]
optimizations:
  - id: engine
    measure: node bench/size.mjs
    inputs: [bench/**]
    metrics: [{ id: size, unit: bytes, better: lower, kind: exact }]
`;
const program = `import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
const size = Number(readFileSync('bench/size.txt', 'utf8'));
for await (const line of createInterface({ input: process.stdin })) console.log(JSON.stringify({ size }));
`;

/** A repository on a host: its only metric is the number in a file. */
export class Origin extends ScratchRepository {
  static make(): Origin {
    const origin = new Origin(ScratchRepository.create().folder);
    origin.git('config', 'uploadpack.allowAnySHA1InWant', 'true');
    origin.commit({
      '.gitignore': '.optimization-gate\n',
      'optimization-gate.yml': config,
      'bench/size.mjs': program,
      'bench/size.txt': '100',
    });
    return origin;
  }

  static #nineFold: { readonly origin: Origin; readonly main: string; readonly topic: string } | null = null;

  /** main at 100 B, topic at 900 B: a copy for each caller. */
  static nineFold(): { readonly origin: Origin; readonly main: string; readonly topic: string } {
    if (Origin.#nineFold === null) {
      const origin = Origin.make();
      Origin.#nineFold = { origin, main: origin.head(), topic: origin.size('topic', 900) };
    }
    const template = Origin.#nineFold;
    return { ...template, origin: new Origin(template.origin.copy().folder) };
  }

  /** A commit on a branch, which begins at what is checked out where it is new. */
  size(branch: string, size: number): string {
    return this.on(branch, { 'bench/size.txt': `${size}` });
  }

  /** The same, of something that nobody measures. */
  note(branch: string): string {
    return this.on(branch, { 'README.md': `${branch} ${this.git('rev-list', '--count', '--all')}` });
  }

  on(branch: string, files: Readonly<Record<string, string>>): string {
    const there = this.git('branch', '--list', branch) !== '';
    this.git('switch', '--quiet', ...(there ? [] : ['--create']), branch);
    return this.commit(files);
  }

  head(branch = 'HEAD'): string {
    return this.git('rev-parse', branch);
  }

  /** A merge commit with the tree of `tree`, on no branch yet. */
  merge(first: string, second: string, tree = second): string {
    return this.git('commit-tree', `${tree}^{tree}`, '-p', first, '-p', second, '-m', 'merge');
  }

  /**
   * A checkout step: one commit, detached, without `origin/HEAD`. `whole`: with all branches and
   * their history.
   */
  checkOut(commit: string, how: 'depth-1' | 'depth-2' | 'whole' = 'depth-1'): ScratchRepository {
    const work = ScratchRepository.create();
    work.git('config', 'remote.origin.url', `file://${this.folder}`);
    if (how === 'whole') work.git('fetch', '--quiet', 'origin', '+refs/heads/*:refs/remotes/origin/*');
    work.git('fetch', '--quiet', ...(how === 'whole' ? [] : [`--depth=${how.slice(-1)}`]), 'origin', commit);
    work.git('checkout', '--quiet', '--detach', commit);
    return work;
  }
}

/**
 * What base is found to be for an event and a checkout, by the parts of the action that find it.
 */
export const baseOf = async (
  work: ScratchRepository,
  eventName: string,
  payload: unknown,
  more: { readonly named?: string; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<BaseCommit> => {
  const path = join(testFolder(), 'event.json');
  writeFileSync(path, JSON.stringify(payload));
  const runner = { GITHUB_EVENT_NAME: eventName, GITHUB_EVENT_PATH: path, GITHUB_REPOSITORY: 'octo/models', ...more.environment };
  const { event } = readEvent(runner);
  const repository = await openRepository(work.folder, { environment, temporary: root });
  return repository.baseCommit({ event, named: more.named ?? null });
};

/** The action itself on a checkout. */
export const actionOn = (
  work: ScratchRepository,
  eventName: string,
  event: unknown,
  more: { readonly inputs?: Readonly<Record<string, string>>; readonly environment?: Readonly<Record<string, string>> } = {},
): Promise<ActionRun> =>
  runAction({
    program: join(packageRoot, 'src', 'action.ts'),
    cwd: work.folder,
    eventName,
    event,
    environment: { TMPDIR: root, GITHUB_API_URL: 'http://127.0.0.1:9', ...more.environment },
    inputs: { 'ort-path': packageRoot, cache: 'false', comment: 'false', ...more.inputs },
  });
