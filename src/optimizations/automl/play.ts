import type { Observation, Player, Tools, Turn } from '../../contract/player.ts';
import { decodeValue } from '../../records/decode.ts';
import { mean, median } from '../../statistics/describe.ts';
import { shuffled } from '../../statistics/random.ts';
import { lossWindows } from '../serving/loss-windows.ts';
import { openPace, pairedTimes, requestPrompt, requestTimes, serveRequest } from '../serving/request-times.ts';
import type { SearchSetting } from './exchange.ts';
import { type AutomlOptions, automlOptions } from './options.ts';
import { measureOracle, type Oracle, oracleOf, oracleRecord } from './oracle.ts';
import { searchScore } from './search-score.ts';
import { type Configuration, configurationsOf, keyOf, servedAs } from './space.ts';
import { runSearch, type Search, type Trial } from './trials.ts';

/** Most timed requests of one trial. */
const mostCalls = 8;

/** Searches in replay of the recorded oracle, and once for real; what was found is timed for real. */
export const automlPlayer: Player = {
  tune: async (tools, options) => ({ ...(await measureOracle(tools, automlOptions.parse(options, 'options'))) }),
  play: async (turn, tools) => {
    const options = automlOptions.parse(turn.options, 'options');
    const oracle = oracleOf(decodeValue(oracleRecord, turn.tuned, 'tuned'), options['nll-bound'], `${turn.arm} at ${turn.point.id}`);
    return turn.point.exact ? replayed(turn, tools, oracle, options) : timed(turn, tools, oracle, options);
  },
};

const settingOf = (oracle: Oracle, options: AutomlOptions, seed: number): SearchSetting => ({
  options: oracle.space.map(({ id, values }) => ({ id, values: [...values] })),
  'nll-bound': options['nll-bound'],
  trials: Math.max(1, Math.floor(options.budget * configurationsOf(oracle.space).length)),
  calls: mostCalls,
  seed,
});

const searched = (turn: Turn, tools: Tools, oracle: Oracle, setting: SearchSetting, trial: Trial): Promise<Search> =>
  turn.arm === 'reference'
    ? Promise.resolve({ found: oracle.initial, tried: [] })
    : runSearch((start) => tools.policy(start), setting, oracle.initial, trial, `${turn.arm} at ${turn.point.id}`);

/** Trials that read the record: as many of the recorded requests as are asked for, drawn anew each time. */
const replay =
  (tools: Pick<Tools, 'random'>, oracle: Oracle): Trial =>
  async (configuration, calls) => ({
    latency: median(shuffled(oracle.entry(configuration).requests, tools.random).slice(0, calls)),
    'nll-delta': oracle.loss(configuration),
  });

const replays = async (turn: Turn, tools: Tools, oracle: Oracle, options: AutomlOptions, from: number): Promise<readonly Search[]> => {
  const searches: Search[] = [];
  for (let seed = from; seed < options.seeds; seed++)
    searches.push(await searched(turn, tools, oracle, settingOf(oracle, options, seed), replay(tools, oracle)));
  return searches;
};

const replayed = async (turn: Turn, tools: Tools, oracle: Oracle, options: AutomlOptions): Promise<Observation> => {
  const searches = await replays(turn, tools, oracle, options, 0);
  const losses: number[] = [];
  for (const { found } of searches) losses.push(await tools.nllDelta(servedAs(found).variant, lossWindows(tools.model)));
  const { values, warnings = [] } = searchScore(searches, oracle, options['nll-bound'], turn.arm);
  // By this arm's own losses: what breaks the bound may not be used, so the default is.
  const used = searches.map(({ found }, at) => ((losses[at] ?? Number.NaN) <= options['nll-bound'] ? found : oracle.initial));
  return { values: { 'nll-delta': Math.max(...losses), 'found-ms': mean(used.map(oracle.latency)), ...values }, warnings };
};

/** A real search, then the real latency of what it and the replayed ones found. What breaks the bound may not be used: the default is. */
const timed = async (turn: Turn, tools: Tools, oracle: Oracle, options: AutomlOptions): Promise<Observation> => {
  const losses = new Map<string, number>();
  const lossOf = async (configuration: Configuration): Promise<number> => {
    const { variant } = servedAs(configuration);
    const loss = losses.get(variant) ?? (await tools.nllDelta(variant, lossWindows(tools.model)));
    losses.set(variant, loss);
    return loss;
  };
  let spent = 0;
  const pace = await openPace(tools);
  const real: Trial = async (configuration, calls) => {
    const { variant, sessionOptions } = servedAs(oracle.entry(configuration).configuration);
    const loss = await lossOf(configuration);
    const started = tools.clock.wall();
    const session = await tools.session(variant, sessionOptions);
    try {
      await serveRequest(session, requestPrompt(tools));
      const pairs = await pairedTimes(tools, session, pace, calls);
      return { latency: oracle.reference * median(pairs.map(({ own, reference }) => own / reference)), 'nll-delta': loss };
    } finally {
      await session.release();
      spent += tools.clock.wall() - started;
    }
  };
  const first = await searched(turn, tools, oracle, settingOf(oracle, options, 0), real).finally(() => pace.release());
  const searches = [first, ...(turn.arm === 'reference' ? [] : await replays(turn, tools, oracle, options, 1))];
  const used: Configuration[] = [];
  for (const { found } of searches) used.push((await lossOf(found)) <= options['nll-bound'] ? found : oracle.initial);
  const distinct = [...new Map(used.map((each) => [keyOf(each), each])).values()];
  const times = await requestTimes(tools, distinct.map(servedAs), { passes: 3, requests: 6 }, oracle.reference);
  const latencies = new Map(times.of.map(({ requests }, at) => [keyOf(distinct[at] ?? oracle.initial), median(requests)]));
  return {
    values: {
      'found-ms': mean(used.map((each) => latencies.get(keyOf(each)) ?? Number.NaN)),
      ...(turn.arm === 'reference' ? {} : { 'search-seconds': spent / 1000 }),
    },
  };
};
