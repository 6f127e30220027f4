import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelView } from '../src/contract/build.ts';
import type { GenerationSession } from '../src/contract/generation.ts';
import { GateError } from '../src/errors.ts';
import { readWindows } from '../src/models/evaluation.ts';
import { openModelSource } from '../src/models/model-source.ts';
import { buildGraphs } from '../src/models/reference.ts';
import { openWeights } from '../src/models/weights.ts';
import { streamingOptions } from '../src/optimizations/streaming/options.ts';
import { streaming } from '../src/optimizations/streaming/subject.ts';
import type { ModelFacts, ServeHints } from '../src/records/serving.ts';
import { openModel } from '../src/runtime/decoder.ts';
import { loadRuntime, runtimeRoots } from '../src/runtime/library.ts';
import { promptRows } from '../src/runtime/prompt.ts';
import { greedySession } from '../src/runtime/serving-session.ts';
import { median } from '../src/statistics/describe.ts';
import { deriveSeed, seededRandom } from '../src/statistics/random.ts';
import type { Comparison, Row } from './comparison.ts';
import { type Blocks, describeRatio, inBlocks, ratioOf, timed } from './side-by-side.ts';

const model = 'mini-qwen3-dense';
const unused = (): never => {
  throw new GateError('internal', 'streaming changes no weight');
};

const hintsOf = async (facts: ModelFacts, input: ModelView, output: string): Promise<ServeHints> => {
  mkdirSync(output);
  const built = await streaming.build?.({
    model: facts,
    input,
    options: streamingOptions.parse({}, 'with'),
    variant: { name: 'main', options: null },
    output,
    seed: 1,
    calibration: { observe: unused, through: unused },
    products: { multiply: unused },
  });
  return built?.serve ?? {};
};

const rowOf = <Name extends string>(what: string, times: Blocks<Name>, slow: Name, fast: Name): Row => {
  const ratio = ratioOf(times[slow], times[fast]);
  return {
    what,
    value: ratio.median,
    unit: '×',
    target: null,
    note: `${describeRatio(ratio)}; ${median(times[slow]).toPrecision(3)} → ${median(times[fast]).toPrecision(3)} ms`,
  };
};

/** What each part of streaming saves on a shipped model, one thread: keys written in place, a bounded past, prompts in chunks. */
export const streamingSavings: Comparison = {
  name: 'streaming',
  onRequest: false,
  run: async ({ root, folder, seed }, show) => {
    const source = openModelSource(join(root, 'models', model));
    const weights = openWeights([join(source.folder, 'model.safetensors')]);
    const graphs = join(folder, 'graphs');
    mkdirSync(graphs);
    const stages = buildGraphs(weights, source.config, graphs);
    weights.close();
    const prompts = readWindows(join(source.folder, 'calibration.safetensors'), source.config);
    const hints = await hintsOf(source.facts, { folder: graphs, stages }, join(folder, 'streaming'));
    const runtime = await loadRuntime(runtimeRoots(null, root));
    const settings = { provider: 'cpu', threads: 1, spinning: false } as const;
    const open = (serve: ServeHints) => openModel(graphs, stages, serve, { runtime, settings, prompts });
    const models = { whole: await open({}), copied: await open({ ...hints, inPlace: false }), placed: await open(hints) };
    type Name = keyof typeof models;
    const random = seededRandom(deriveSeed(seed, 'streaming'));
    const talk = async (name: Name, length: number): Promise<GenerationSession> => {
      const session = greedySession(models[name]);
      await session.prefill(promptRows(prompts, source.facts.vocabulary, 1, length, seed));
      return session;
    };
    for (const past of [320, 1024]) {
      const talks = { whole: await talk('whole', past), copied: await talk('copied', past), placed: await talk('placed', past) };
      const sides = {
        whole: timed(() => talks.whole.decode(1)),
        copied: timed(() => talks.copied.decode(1)),
        placed: timed(() => talks.placed.decode(1)),
      };
      const times = await inBlocks(sides, { blocks: 25, warmUp: 3, calls: 16, random });
      show(rowOf(`a token after ${past}: cache copied against in place`, times, 'copied', 'placed'));
      show(rowOf(`a token after ${past}: full past against bounded`, times, 'whole', 'placed'));
    }
    const prompt = promptRows(prompts, source.facts.vocabulary, 1, 384, seed);
    const stalled = (name: Name) => {
      const [talking, other] = [greedySession(models[name]), greedySession(models[name])];
      return async (calls: number): Promise<readonly number[]> => {
        const stalls: number[] = [];
        await talking.prefill(prompt);
        for (let call = 0; call < calls; call++) {
          const arrival = other.prefill(prompt);
          const [first = 0] = await timed(() => talking.decode(1))(1);
          stalls.push(first);
          await arrival;
        }
        return stalls;
      };
    };
    const stalls = await inBlocks({ whole: stalled('whole'), placed: stalled('placed') }, { blocks: 15, warmUp: 2, calls: 1, random });
    show(rowOf('wait for a token while 384 others arrive: whole against in chunks', stalls, 'whole', 'placed'));
    for (const each of Object.values(models)) await each.release();
  },
};
