import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { GateError } from '../src/errors.ts';
import { allowedEnvironment } from '../src/processes/environment.ts';
import { describeEnd, ProcessGroup } from '../src/processes/process-group.ts';
import { gitIn } from '../src/repository/git.ts';
import { median } from '../src/statistics/describe.ts';
import type { Comparison } from './comparison.ts';
import { describeSpread } from './side-by-side.ts';

const runs = 10;
const patienceMs = 60_000;

/** Starts a program, waits for the first line on standard output and kills it. */
const firstLine = async (
  argv: readonly string[],
  cwd: string,
  environment: Readonly<Record<string, string>>,
): Promise<{ readonly seconds: number; readonly line: string }> => {
  const started = performance.now();
  const group = new ProcessGroup({ argv, cwd, environment, memoryBytes: null, confinement: null, stdin: 'ignore', ipc: false });
  let text = '';
  let seconds: number | null = null;
  group.child?.stdout?.on('data', (chunk: Buffer) => {
    seconds ??= (performance.now() - started) / 1000;
    text += chunk.toString('utf8');
    group.killNow();
  });
  group.child?.stderr?.resume();
  const timer = setTimeout(() => group.stop('timeout'), patienceMs);
  const end = await group.ended;
  clearTimeout(timer);
  if (seconds === null) throw new GateError('internal', `${describeEnd(end)} before it printed anything`, { where: argv.join(' ') });
  return { seconds, line: text.split('\n')[0] ?? '' };
};

/** A repository with one commit, as a job checks it out. */
const checkout = async (folder: string): Promise<void> => {
  mkdirSync(folder);
  writeFileSync(join(folder, 'optimization-gate.yml'), 'models: [mini-qwen3-dense]\noptimizations:\n  - id: structured-pruning\n');
  const git = gitIn(folder, allowedEnvironment(process.env));
  await git.read(['init', '--quiet', '--initial-branch=main', '.']);
  await git.read(['add', '.']);
  await git.read([
    '-c',
    'user.name=Bench',
    '-c',
    'user.email=bench@example.invalid',
    '-c',
    'commit.gpgSign=false',
    'commit',
    '--quiet',
    '-m',
    'first',
  ]);
};

const bytesBelow = (folder: string): number =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);

const megabytes = (files: Iterable<string>): number => [...files].reduce((sum, file) => sum + statSync(file).size, 0) / 1e6;

const importedStatically = /\bfrom\s*["'](\.[^"']+)["']|\bimport\s*["'](\.[^"']+)["']/g;
const importedAnyhow = /\b(?:from|import)\s*\(?\s*["'`](\.[^"'`]+)["'`]/g;

/** A bundled program and the files that it imports, and theirs. */
const reachableFrom = (program: string, imported: RegExp = importedAnyhow, without: string | null = null): ReadonlySet<string> => {
  const found = new Set([program]);
  for (const file of found) {
    for (const [, one, other] of readFileSync(file, 'utf8').matchAll(imported)) {
      const name = join(dirname(file), one ?? other ?? '');
      if (name !== without && existsSync(name)) found.add(name);
    }
  }
  return found;
};

/** From the start of the process to the first line in the job log, as the runner starts the action; and how large what it loads is. */
export const coldStart: Comparison = {
  name: 'cold-start',
  onRequest: false,
  run: async ({ root, folder }, show) => {
    const program = join(root, 'dist', 'action.js');
    const workspace = join(folder, 'workspace');
    await checkout(workspace);
    const event = join(folder, 'event.json');
    writeFileSync(event, JSON.stringify({ repository: { full_name: 'octo/models', default_branch: 'main' } }));
    const environment = (mode: string): Record<string, string> => ({
      ...allowedEnvironment(process.env),
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: 'workflow_dispatch',
      GITHUB_EVENT_PATH: event,
      GITHUB_REPOSITORY: 'octo/models',
      GITHUB_WORKSPACE: workspace,
      INPUT_MODE: mode,
      INPUT_COMMENT: 'false',
      INPUT_CACHE: 'false',
      INPUT_STORE: join(folder, 'store'),
    });
    const starts = [
      { mode: 'run', what: 'dist/action.js, start to the first log line' },
      { mode: 'no-such-mode', what: 'the same, start to the refusal of a bad input' },
    ];
    for (const { mode, what } of starts) {
      const all: { readonly seconds: number; readonly line: string }[] = [];
      for (let at = 0; at < runs; at++) all.push(await firstLine([process.execPath, program], workspace, environment(mode)));
      const seconds = all.map((one) => one.seconds);
      show({
        what,
        value: median(seconds),
        unit: 's',
        target: { bound: 'most', value: 0.3 },
        note: `${describeSpread(seconds, 's')}; it says "${(all[0]?.line ?? '').replace(/^::error::/, '').slice(0, 60)}"`,
      });
    }
    const page = join(root, 'dist', 'chunks', 'page.js');
    if (!existsSync(page))
      throw new GateError('internal', 'dist/ has no chunk of the page: the size without it is not known', { where: page });
    const loaded = reachableFrom(program, importedAnyhow, page);
    show({
      what: 'dist/action.js with all that it can load but the page',
      value: megabytes(loaded),
      unit: 'MB',
      target: { bound: 'most', value: 1.5 },
      note: `${loaded.size} files, ${megabytes(reachableFrom(program, importedStatically)).toFixed(2)} MB of them at every start; the plots of the page, read when one is written, ${megabytes([page]).toFixed(2)} MB; worker.js and cache-worker.js are programs of their own`,
    });
    const dist = join(root, 'dist');
    show({
      what: 'size of all of dist/',
      value: bytesBelow(dist) / 1e6,
      unit: 'MB',
      target: null,
      note: `worker.js and what it can load ${megabytes(reachableFrom(join(dist, 'worker.js'))).toFixed(2)} MB, licences ${megabytes([join(dist, 'licences.txt')]).toFixed(2)} MB`,
    });
  },
};
