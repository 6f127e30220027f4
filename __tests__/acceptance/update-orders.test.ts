import { cpSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { updateRun } from '../../src/commands/update.ts';
import type { Host } from '../../src/host/contract.ts';
import { githubHost } from '../../src/host/github/host.ts';
import type { Baseline } from '../../src/records/baseline.ts';
import type { CommandContext } from '../../src/run/context.ts';
import { runFolderAt } from '../../src/run/run-folder.ts';
import { openScene, type Scene } from '../action/scene.ts';
import { events } from '../testkit/events.ts';
import { engineConfiguration } from './engine-configuration.ts';

const config = engineConfiguration();

const program = (size: number): string =>
  `import { createInterface } from 'node:readline';\nfor await (const _ of createInterface({ input: process.stdin })) console.log('{"size":${size}}');\n`;

const sizes = [100, 90, 80, 70];

const orders = (items: readonly number[]): readonly (readonly number[])[] =>
  items.length < 2 ? [items] : items.flatMap((first) => orders(items.filter((each) => each !== first)).map((rest) => [first, ...rest]));

/** Opens the gate for the one whose turn it is; a writer that was refused has its turn still. */
const turns = (order: readonly number[]) => {
  const opened = new Map(order.map((each) => [each, Promise.withResolvers<void>()]));
  opened.get(order[0] ?? 0)?.resolve();
  return {
    of: (each: number): Promise<void> => opened.get(each)?.promise ?? Promise.resolve(),
    done: (each: number): void => opened.get(order[order.indexOf(each) + 1] ?? -1)?.resolve(),
  };
};

describe('four updates of four commits at once', () => {
  let scene: Scene;
  let commits: readonly string[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'gate-orders-'));
  const runFolder = (at: number): string => join(folder, `run-${at}`);

  beforeAll(async () => {
    scene = await openScene({ 'optimization-gate.yml': config, 'bench.mjs': program(110), '.gitignore': '.optimization-gate\n' });
    for (const [at, size] of sizes.entries()) {
      const before = await scene.head('main');
      const commit = await scene.commit('main', `size ${size}`, { 'bench.mjs': program(size) });
      const run = await scene.push(before);
      expect(run.stdout).toContain('Baselines written');
      cpSync(join(scene.workspace, '.optimization-gate'), runFolder(at), { recursive: true });
      // Without its baselines: each update below begins with none.
      await scene.move('main', commit);
      commits = [...commits, commit];
    }
  }, 240_000);

  afterAll(async () => {
    await scene.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A job of commit `at` that holds its content back until it is its turn. */
  const write = async (at: number, order: ReturnType<typeof turns>): Promise<string> => {
    const event = join(folder, `event-${at}.json`);
    writeFileSync(event, JSON.stringify(events.push('refs/heads/main', undefined, commits[at])));
    const environment = { ...scene.github.environment(), GITHUB_EVENT_NAME: 'push', GITHUB_EVENT_PATH: event, GITHUB_RUN_ID: String(at) };
    const host = githubHost({ ...environment, GITHUB_TOKEN: scene.github.token }, { pause: async () => {}, write: () => {} });
    const held: Host = {
      ...host,
      writeBaselines: (change) =>
        host.writeBaselines({
          ...change,
          files: async (read, descends) => {
            const files = await change.files(read, descends);
            await order.of(at);
            return files;
          },
        }),
    };
    const options = { config: null };
    const context = { host: held, options, now: () => new Date(Date.UTC(2026, 10, 1 + at)) } as unknown as CommandContext;
    const outcome = await updateRun(context, runFolderAt(runFolder(at)));
    order.done(at);
    return outcome;
  };

  it('end alike in each of their 24 orders, with nothing lost', async () => {
    const found = new Set<string>();
    for (const order of orders([0, 1, 2, 3])) {
      await scene.move('main', commits[3] ?? '');
      const turn = turns(order);
      expect(await Promise.all(sizes.map((_, at) => write(at, turn)))).toEqual(sizes.map(() => 'written'));
      const [path = ''] = await scene.list('main', 'baselines');
      found.add(await scene.show('main', path));
    }
    expect(found.size).toBe(1);
    const file = JSON.parse([...found][0] ?? '{}') as Baseline;
    const name = 'engine size@rounds';
    expect(file.entries.map(({ commit, metrics }) => [commit, metrics.map(({ value }) => value)])).toEqual([[commits[3], [70]]]);
    expect(file.history.map(({ commit, values }) => [commit, values[name]])).toEqual(sizes.map((size, at) => [commits[at], size]));
    expect(file.anchor).toEqual({ commit: commits[0], values: { [name]: 100 } });
    // Once more, in whatever order: nothing is written twice.
    const turn = turns([2, 0, 3, 1]);
    expect(await Promise.all(sizes.map((_, at) => write(at, turn)))).toEqual(sizes.map(() => 'already'));
  }, 240_000);
});
