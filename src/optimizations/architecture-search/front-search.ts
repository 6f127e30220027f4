import type { PoolSearchAction, PoolSearchObservation, PoolSearchSetting } from './exchange.ts';
import { beyondWorst, frontOf, hypervolume, type Objectives } from './hypervolume.ts';
import { noticeable } from './pool.ts';

type Member = PoolSearchSetting['members'][number];
type Trial = NonNullable<PoolSearchObservation['trial']>;

type Tried = readonly { readonly member: Member; readonly trial: Trial }[];

/** What is thought to be lost: layers that go cost in proportion, channels by the square of their share (the first to go matter least). */
interface LossModel {
  readonly depth: number;
  readonly width: number;
}
const lossOf = ({ depth, width }: LossModel, member: Member): number => depth * (1 - member.depth) + width * (1 - member.width) ** 2;

/** Nats from e⁻⁵ to e³: from what nobody notices to more than any model can lose. */
const weights: readonly number[] = Array.from({ length: 33 }, (_, at) => Math.exp(at / 4 - 5));
/** How far the model of losses is out, as a share of a loss, … */
const lossError = 0.2;
/** … and how far apart the logarithms of both weights are before anything is known. */
const weightSpread = 1.5;

/**
 * The two weights that fit what was tried best, of all on a grid. How much a model loses by depth and how much by width has to be learnt: one
 * that sees may do without half of its channels, and be lost without a layer.
 */
const fittedLoss = (tried: Tried): LossModel => {
  let best = { cost: Number.POSITIVE_INFINITY, depth: 1, width: 1 };
  for (const depth of weights)
    for (const width of weights) {
      let cost = (Math.log(depth / width) / weightSpread) ** 2;
      for (const { member, trial } of tried) {
        const [expected, known] = [lossOf({ depth, width }, member), Math.max(0, trial['nll-delta'])];
        cost += ((expected - known) / (lossError * Math.max(expected, known) + noticeable)) ** 2;
      }
      if (cost < best.cost) best = { cost, depth, width };
    }
  return best;
};

/** Half of a layer's time is in its channels. Only proportions count: the trials set the scale. */
const relativeLatency = ({ depth, width }: Member): number => depth * (0.5 + 0.5 * width);

/** The proportion, corrected by how far it was out for what was tried: nearer shapes count more, by the square of their distance. */
const expectedLatency = (member: Member, tried: Tried): number => {
  let [total, correction] = [0, 0];
  for (const { member: other, trial } of tried) {
    const weight = 1 / ((member.depth - other.depth) ** 2 + (member.width - other.width) ** 2);
    total += weight;
    correction += weight * Math.log(trial.latency / relativeLatency(other));
  }
  return relativeLatency(member) * Math.exp(correction / total);
};

/**
 * Search for a front with few trials: next is always the member that would add most hypervolume (loss, latency, bytes) if every untried one
 * were what simple models of shapes, fitted to the trials so far, make one expect: hypervolume-based search (Emmerich 2006) with
 * the cheapest of surrogates. Offers what none of the tried ones dominates. Deterministic.
 */
export const frontSearch = (setting: PoolSearchSetting): ((seen: PoolSearchObservation) => PoolSearchAction) => {
  const tried: { readonly member: Member; readonly trial: Trial }[] = [];
  const objectives = ({ member, trial }: (typeof tried)[number]): Objectives => [trial['nll-delta'], trial.latency, member.bytes];
  return ({ trial, left }) => {
    const member = setting.members.find(({ name }) => name === trial.name);
    if (member !== undefined) tried.push({ member, trial });
    const rest = setting.members.filter(({ name }) => !tried.some((each) => each.member.name === name));
    if (left === 0 || rest.length === 0) return { offer: frontOf(tried, objectives).map((each) => each.member.name) };
    const known = tried.map(objectives);
    const losses = fittedLoss(tried);
    const expected = rest.map((each): Objectives => [lossOf(losses, each), expectedLatency(each, tried), each.bytes]);
    const worst = beyondWorst([...known, ...expected]);
    const volumes = expected.map((each) => hypervolume([...known, each], worst));
    return { try: rest[volumes.indexOf(Math.max(...volumes))]?.name ?? '' };
  };
};
