import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Player } from '../../src/contract/player.ts';
import { readWindows } from '../../src/models/evaluation.ts';
import { openModelSource } from '../../src/models/model-source.ts';
import { findConfinement } from '../../src/processes/confinement.ts';
import { allowedEnvironment } from '../../src/processes/environment.ts';
import { busyHeadWarning } from '../../src/records/busy-head.ts';
import type { OperatingPoint } from '../../src/records/metric.ts';
import type { ArtefactRef, LaunchRequest } from '../../src/records/protocol.ts';
import type { ArmId } from '../../src/records/words.ts';
import { openModel } from '../../src/runtime/decoder.ts';
import { loadRuntime } from '../../src/runtime/library.ts';
import { newScratchPlace } from '../../src/store/scratch.ts';
import { openStore, type Store } from '../../src/store/store.ts';
import { processFacts } from '../../src/telemetry/process-facts.ts';
import { ArmError } from '../../src/worker/arm.ts';
import { clocks } from '../../src/worker/clocks.ts';
import { runLaunch } from '../../src/worker/launch.ts';
import type { LaunchTools } from '../../src/worker/launch-tools.ts';
import { openScoreBook } from '../../src/worker/score-book.ts';
import { prepareReference } from '../../src/worker/store-artefact.ts';

const packageRoot = resolve(import.meta.dirname, '..', '..');
const source = join(packageRoot, 'models', 'mini-qwen3-dense');
const folder = mkdtempSync(join(tmpdir(), 'gate-episode-'));
const opened = openModelSource(source);
let store: Store;
let reference: ArtefactRef;
const runtime = await loadRuntime([packageRoot]);

beforeAll(async () => {
  store = await openStore(join(folder, 'store'), { clock: () => 0 });
  reference = (await prepareReference({ type: 'prepare', model: source, digest: opened.digest, store: join(folder, 'store') }, store))
    .artefact;
});
afterAll(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

const windows = readWindows(join(source, 'calibration.safetensors'), opened.config);
const toolsWith = (player: Player): LaunchTools => ({
  openModel: (artefact, sessionOptions = {}) =>
    openModel(artefact.folder, artefact.stages, artefact.serve, {
      runtime,
      settings: { provider: 'cpu', threads: 1, spinning: false, ...sessionOptions },
      prompts: windows,
    }),
  facts: opened.facts,
  prompts: windows,
  player: async () => player,
  scores: openScoreBook([]),
  scratch: newScratchPlace(join(folder, 'store')),
  clock: clocks,
  beat: () => {},
  processFacts,
  energy: () => null,
});

/** A policy that a user might bring: a JavaScript module in a tree of its own. */
const policyOf = (text: string): LaunchRequest['policies'][string] => {
  const module = join(folder, `policy-${Math.abs([...text].reduce((hash, c) => (Math.imul(hash, 31) + c.charCodeAt(0)) | 0, 7))}.mjs`);
  writeFileSync(module, text);
  return {
    argv: [process.execPath, join(packageRoot, 'src', 'worker.ts'), 'subject', '--module', module],
    cwd: folder,
    environment: { ...allowedEnvironment(process.env), ORT_PATH: packageRoot },
    optimization: 'structured-pruning',
    options: { step: 2 },
    confinement: findConfinement(),
    reports: [],
    seconds: 20,
    memoryBytes: 2 ** 31,
  };
};
const counting = policyOf(
  'export const start = async ({ options, setting, seed }) => { let at = setting.from; console.log("hello"); return { next: async (seen) => ({ at: (at += options.step), seen, seed }) }; };',
);

const point = (more: Partial<Extract<OperatingPoint, { kind: 'episode' }>> = {}): OperatingPoint => ({
  id: 'trace',
  kind: 'episode',
  setting: null,
  exact: false,
  rounds: 2,
  warmUp: 1,
  arms: ['reference', 'base', 'head', 'comparator:idle'],
  ...more,
});

const request = (points: readonly OperatingPoint[], more: Partial<LaunchRequest> = {}): LaunchRequest => ({
  type: 'launch',
  launch: 'mini-qwen3-dense/x#screen-0',
  purpose: 'screen',
  selfCheck: false,
  arms: ['reference', 'base', 'head', 'comparator:idle'],
  points: [...points],
  repeated: null,
  artefacts: Object.fromEntries(['reference', 'base', 'head', 'comparator:idle'].map((arm) => [arm, { main: reference }])),
  like: 'structured-pruning',
  options: null,
  policies: { base: counting, head: counting },
  tuned: { yard: 3 },
  model: source,
  modelDigest: opened.digest,
  seed: 5,
  runtime: { digest: 'a'.repeat(64), provider: 'cpu', threads: 1 },
  scores: [],
  scratch: newScratchPlace(join(folder, 'store')),
  ...more,
});

describe('an episode', () => {
  it('plays every arm in every round, with its own policy, the same arrivals and what was tuned', async () => {
    const seen: { arm: ArmId; round: number; seed: number; drawn: number; answer: unknown }[] = [];
    const player: Player = {
      play: async (turn, tools) => {
        const policy = turn.arm === 'base' || turn.arm === 'head' ? await tools.policy({ from: 10 }) : null;
        const first = await policy?.next('a');
        const second = await policy?.next('b');
        seen.push({ arm: turn.arm, round: turn.round, seed: turn.seed, drawn: tools.random(), answer: [first, second] });
        expect(turn.tuned).toEqual({ yard: 3 });
        return { values: { at: turn.round }, trace: { time: [0, 1], queue: [turn.round, 2] }, warnings: ['a note'] };
      },
    };
    const measured = await runLaunch(request([point()]), toolsWith(player));
    expect(measured.points).toEqual([
      {
        point: 'trace',
        values: Object.fromEntries(['reference', 'base', 'head', 'comparator:idle'].map((arm) => [arm, { at: [0, 1] }])),
        warnings: ['a note'],
      },
    ]);
    expect(seen.toSorted((a, b) => a.round - b.round).map(({ round }) => round)).toEqual([-1, -1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 1]);
    for (const round of [0, 1]) expect(new Set(seen.filter((each) => each.round === round).map((each) => each.drawn)).size).toBe(1);
    expect(new Set(seen.map(({ seed }) => seed)).size).toBe(3);
    // A second episode starts anew: the policy counts from the setting again.
    const head = seen.filter(({ arm }) => arm === 'head');
    for (const { answer, seed } of head)
      expect(answer).toEqual([
        { at: 12, seen: 'a', seed },
        { at: 14, seen: 'b', seed },
      ]);
    expect(measured.traces.map(({ arm }) => arm).toSorted()).toEqual(['base', 'comparator:idle', 'head', 'reference']);
    expect(measured.traces[0]?.columns).toEqual({ time: [0, 1], queue: [1, 2] });
  }, 60_000);

  it.skipIf(process.platform !== 'linux')(
    'says that a policy of head is busy while base is played',
    async () => {
      const spinning = policyOf(
        'import { Worker } from "node:worker_threads"; for (let at = 0; at < 4; at++) new Worker("for (;;);", { eval: true }); export const start = async () => ({ next: async () => ({}) });',
      );
      const player: Player = {
        play: async (turn, tools) => {
          if (turn.arm === 'base' || turn.arm === 'head') await (await tools.policy({ from: 10 })).next('a');
          await new Promise((resolve) => setTimeout(resolve, 300));
          return { values: { at: 1 } };
        },
      };
      const warningsOf = async (base: typeof counting, head: typeof counting) => {
        const asked = request([point({ arms: ['base', 'head'] })], { policies: { base, head } });
        return (await runLaunch(asked, toolsWith(player))).points[0]?.warnings;
      };
      expect(await warningsOf(counting, spinning)).toEqual([busyHeadWarning]);
      expect(await warningsOf(spinning, counting)).toEqual([]);
    },
    60_000,
  );

  it('serves real tokens: prompts, caches, several sessions on one model, quality and counts of a variant', async () => {
    const player: Player = {
      play: async (_turn, tools) => {
        const prompt = tools.prompt(2, 16);
        expect(prompt.tokens).toHaveLength(32);
        expect(tools.prompt(2, 16)).toEqual(prompt);
        const [one, other] = [await tools.session('main'), await tools.session('main', { threads: 1, graphOptimization: 'basic' })];
        await one.prefill(prompt);
        const bytes = one.cacheBytes;
        await one.decode(4);
        const grown = one.cacheBytes;
        await other.prefill(tools.prompt(1, 8));
        await one.release();
        await other.release();
        await other.release();
        const counts = await tools.inspect('main');
        return {
          values: { bytes, grown, delta: await tools.nllDelta('main', 1), parameters: counts['parameters'] ?? 0 },
          trace: { time: Array.from({ length: 1001 }, (_, i) => i) },
        };
      },
    };
    const measured = await runLaunch(request([point({ rounds: 1, warmUp: 0, arms: ['reference'] })]), toolsWith(player));
    const values = measured.points[0]?.values['reference'];
    expect(values?.['bytes']?.[0]).toBeGreaterThan(0);
    expect(values?.['grown']?.[0]).toBe(((values?.['bytes']?.[0] ?? 0) * 20) / 16);
    expect(values?.['delta']).toEqual([0]);
    expect(values?.['parameters']?.[0]).toBeGreaterThan(100_000);
    const time = measured.traces[0]?.columns['time'] ?? [];
    expect(time).toHaveLength(256);
    expect([time[0], time.at(-1)]).toEqual([0, 1000]);
  }, 60_000);

  it('is refused by the name of the model, like an evaluation, where it wants the quality of one that knows nothing', async () => {
    const tools = toolsWith({ play: async (_turn, { nllDelta }) => ({ values: { delta: await nllDelta('main', 1) } }) });
    const knowsNothing = { ...tools, facts: { ...tools.facts, vocabulary: 30 } };
    const evaluation = { id: 'evaluation', kind: 'evaluation', windows: 1, arms: ['reference', 'head'] } as const;
    const measured = await runLaunch(request([point({ rounds: 1, warmUp: 0 }), evaluation]), knowsNothing);
    const reason = expect.stringMatching(
      /^refused: \*: Quality was to be measured\. The reference model mini-qwen3-dense is untrained: .* with a vocabulary of 30\.$/,
    );
    expect(measured.points).toEqual([
      { point: 'trace', values: {}, warnings: [reason] },
      { point: 'evaluation', values: {}, warnings: [reason] },
    ]);
  }, 60_000);

  it('is played twice where it rests on no clock, by a policy that must do the same again', async () => {
    const drawing = policyOf('export const start = async () => ({ next: async () => ({ at: Math.random() }) });');
    let plays = 0;
    const player: Player = {
      play: async (_turn, tools) => {
        plays += 1;
        const action = await (await tools.policy({ from: 0 })).next(null);
        return { values: { at: (action as { readonly at: number }).at } };
      },
    };
    const measured = (exact: boolean, head: LaunchRequest['policies'][string]): Promise<unknown> =>
      runLaunch(request([point({ arms: ['head'], exact, rounds: 1, warmUp: 0 })], { policies: { head } }), toolsWith(player)).catch(
        (thrown: unknown) => thrown,
      );
    expect(await measured(true, drawing)).toMatchObject({ arm: 'head', cause: { code: 'policy-not-deterministic' } });
    expect(plays).toBe(2);
    expect(await measured(true, counting)).toMatchObject({ points: [{ values: { head: { at: [2] } } }] });
    expect(plays).toBe(4);
    expect(await measured(false, drawing)).toMatchObject({ points: [{ point: 'trace' }] });
    expect(plays).toBe(5);
  }, 60_000);

  it('tunes on the arm that is not the reference, without a policy', async () => {
    const player: Player = {
      tune: async (tools) => ({ variants: [...tools.variants], drawn: tools.random() > 0 }),
      play: async () => ({ values: {} }),
    };
    const measured = await runLaunch(request([], { purpose: 'tune', arms: ['reference', 'base'], policies: {} }), toolsWith(player));
    expect(measured.tuned).toEqual({ variants: ['main'], drawn: true });
    expect(measured.points).toEqual([]);
  });

  const fault = async (head: LaunchRequest['policies'][string], play: Player['play']): Promise<unknown> => {
    const asked = request([point({ arms: ['head'] })], { policies: { head } });
    return runLaunch(asked, toolsWith({ play })).catch((thrown: unknown) => thrown);
  };
  const asking: Player['play'] = async (_turn, tools) => {
    await (await tools.policy({ from: 0 })).next(null);
    return { values: { fine: 1 } };
  };

  it.each([
    [
      'throws',
      'export const start = async () => ({ next: async () => { throw new Error("out of ideas"); } });',
      /out of ideas/,
      'subject-crashed',
    ],
    ['ends', 'export const start = async () => { process.exit(7); };', /7/, 'subject-crashed'],
    ['builds only', 'export const build = async () => ({ stages: [] });', /export `start`, found none/, 'subject-protocol'],
  ])('names the arm whose policy %s', async (_what, text, message, code) => {
    const thrown = await fault(policyOf(text), asking);
    expect(thrown).toBeInstanceOf(ArmError);
    expect(thrown).toMatchObject({ arm: 'head', message: expect.stringMatching(message), cause: { code } });
  });

  it('ends a policy that never answers', async () => {
    const silent = {
      ...policyOf('export const start = async () => ({ next: () => new Promise(() => setInterval(() => {}, 1000)) });'),
      seconds: 1,
    };
    expect(await fault(silent, asking)).toMatchObject({ arm: 'head', cause: { code: 'subject-timeout' } });
  });

  it('refuses numbers that are none', async () => {
    expect(await fault(counting, async () => ({ values: { goodput: Number.NaN } }))).toMatchObject({
      arm: 'head',
      cause: { code: 'non-finite-output' },
    });
    expect(await fault(counting, async () => ({ values: {}, trace: { a: [1], b: [] } }))).toMatchObject({
      cause: { code: 'non-finite-output' },
    });
  });
});
