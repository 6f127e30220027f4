import type { Observation, Player, Tools, Turn } from '../../contract/player.ts';
import { decodeValue } from '../../records/decode.ts';
import { median } from '../../statistics/describe.ts';
import { shuffled } from '../../statistics/random.ts';
import { lossWindows } from '../serving/loss-windows.ts';
import { openPace, pairedTimes, requestPrompt, requestTimes, serveRequest } from '../serving/request-times.ts';
import { disguised, perturbed } from './disguise.ts';
import type { SearchSetting } from './exchange.ts';
import { type AutomlOptions, automlOptions } from './options.ts';
import { measureOracle, type Oracle, type OracleRecord, oracleOf, oracleRecord } from './oracle.ts';
import { randomSearch } from './random-search.ts';
import { type Judged, leavesSomething, searchScore } from './search-score.ts';
import { type Configuration, configurationsOf, fullModel, modelOption, type OptionRange, servedAs } from './space.ts';
import { runSearch, type Trial } from './trials.ts';

/** Most timed requests of one trial. */
const mostCalls = 8;

/** Searches in replay of records that are made of the recorded oracle, and once for real; what that found is timed for real. */
export const automlPlayer: Player = {
  tune: async (tools, options) => ({ ...(await measureOracle(tools, automlOptions.parse(options, 'options'))) }),
  play: async (turn, tools) => {
    const options = automlOptions.parse(turn.options, 'options');
    const record = decodeValue(oracleRecord, turn.tuned, 'tuned');
    if (turn.point.exact) return replayed(turn, tools, record, options);
    return timed(turn, tools, oracleOf(record, options['nll-bound'], `${turn.arm} at ${turn.point.id}`), options);
  },
};

const settingOf = (space: readonly OptionRange[], model: string, options: AutomlOptions, seed: number): SearchSetting => ({
  options: space.map(({ id, values }) => ({ id, values: [...values] })),
  model,
  'nll-bound': options['nll-bound'],
  trials: Math.max(1, Math.floor(options.budget * configurationsOf(space).length)),
  calls: mostCalls,
  seed,
});

/** Base's space without the models that this arm has not built: what it cannot serve, it cannot choose. */
const choicesOf = ({ space }: Oracle, { variants }: Pick<Tools, 'variants'>): readonly OptionRange[] =>
  space.map(({ id, values }) => ({
    id,
    values: id === modelOption ? values.filter((each) => each === fullModel || variants.includes(String(each))) : values,
  }));

/** Trials that read the record: as many of the recorded requests as are asked for, drawn anew each time. */
const recorded =
  (tools: Pick<Tools, 'random'>, oracle: Oracle): Trial =>
  async (configuration, calls) => ({
    latency: median(shuffled(oracle.entry(configuration).requests, tools.random).slice(0, calls)),
    'nll-delta': oracle.loss(configuration),
  });

/** Records that are drawn at most; of a space in which there ever is something to find, one of the first few has it. */
const mostDrawn = 100;

/** A drawn record in which there is something to find, so that every search has the same figures. Where no record has, they all lack them. */
const searchable = (record: OracleRecord, bound: number, where: string, random: () => number): Oracle => {
  const draw = (): Oracle => oracleOf(perturbed(record, random), bound, where);
  let oracle = draw();
  for (let drawn = 1; drawn < mostDrawn && !leavesSomething(oracle); drawn++) oracle = draw();
  return oracle;
};

/** One search, in a record of its own that nobody has seen, under names that nobody knows. */
const unseen = async (turn: Turn, tools: Tools, record: OracleRecord, options: AutomlOptions): Promise<Judged> => {
  const where = `${turn.arm} at ${turn.point.id}`;
  const bound = options['nll-bound'];
  const oracle = searchable(record, bound, where, tools.unforeseen);
  const { space, nameOf, shown, real } = disguised(choicesOf(oracle, tools), tools.unforeseen, where);
  const setting = settingOf(space, nameOf(modelOption), options, turn.round);
  const byChance = randomSearch(oracle, bound, setting.trials, tools.unforeseen);
  if (turn.arm === 'reference') return { oracle, byChance, search: { found: oracle.initial, tried: [] } };
  const read = recorded(tools, oracle);
  const trial: Trial = (configuration, calls) => read(real(configuration), calls);
  const { found, tried } = await runSearch((start) => tools.policy(start), setting, shown(oracle.initial), trial, where);
  return {
    oracle,
    byChance,
    search: { found: real(found), tried: tried.map(({ configuration, calls }) => ({ configuration: real(configuration), calls })) },
  };
};

const replayed = async (turn: Turn, tools: Tools, record: OracleRecord, options: AutomlOptions): Promise<Observation> => {
  const judged = await unseen(turn, tools, record, options);
  const loss = await tools.nllDelta(servedAs(judged.search.found).variant, lossWindows(tools.model));
  // By this arm's own loss: what breaks the bound may not be used.
  const { values, warnings = [] } = searchScore(judged, () => loss, options['nll-bound'], turn.arm);
  return { values: { 'nll-delta': loss, ...values }, warnings };
};

/** A real search, then the real latency of what it found. What breaks the bound may not be used: the default is. */
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
  const search = async (): Promise<Configuration> => {
    if (turn.arm === 'reference') return oracle.initial;
    const setting = settingOf(choicesOf(oracle, tools), modelOption, options, 0);
    return (await runSearch((start) => tools.policy(start), setting, oracle.initial, real, `${turn.arm} at ${turn.point.id}`)).found;
  };
  const found = await search().finally(() => pace.release());
  const used = (await lossOf(found)) <= options['nll-bound'] ? found : oracle.initial;
  const times = await requestTimes(tools, [servedAs(used)], { passes: 3, requests: 6 }, oracle.reference);
  return {
    values: {
      'found-ms': median(times.of[0]?.requests ?? []),
      ...(turn.arm === 'reference' ? {} : { 'search-seconds': spent / 1000 }),
    },
  };
};
