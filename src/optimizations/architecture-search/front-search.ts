import type { SearchAction, SearchObservation, SearchSetting } from './exchange.ts';
import { beyondWorst, frontOf, hypervolume, type Objectives } from './hypervolume.ts';

type Member = SearchSetting['members'][number];
type Trial = NonNullable<SearchObservation['trial']>;

type Tried = readonly { readonly member: Member; readonly trial: Trial }[];

/** Loss is compared by its logarithm; less than this is nothing. */
const leastLoss = 1e-4;

/**
 * What is expected of shapes before any was tried: layers that go cost in proportion, channels by the square of their share (the first
 * ones to go matter least), and half of a layer's time is in its channels. Only proportions count: the trials set the scale.
 */
const prior = ({ depth, width }: Member): { readonly loss: number; readonly latency: number } => ({
  loss: Math.max(leastLoss, 1 - depth + (1 - width) ** 2),
  latency: depth * (0.5 + 0.5 * width),
});

/** The prior, corrected by how far it was out for what was tried: nearer shapes count more, by the square of their distance. */
const guess = (member: Member, tried: Tried): Objectives => {
  let [weights, loss, latency] = [0, 0, 0];
  for (const { member: other, trial } of tried) {
    const weight = 1 / ((member.depth - other.depth) ** 2 + (member.width - other.width) ** 2);
    const expected = prior(other);
    weights += weight;
    loss += weight * Math.log(Math.max(leastLoss, trial['nll-delta']) / expected.loss);
    latency += weight * Math.log(trial.latency / expected.latency);
  }
  const expected = prior(member);
  return [expected.loss * Math.exp(loss / weights), expected.latency * Math.exp(latency / weights), member.bytes];
};

/**
 * Search for a front with few trials: next is always the member that would add most hypervolume (loss, latency, bytes) if every untried one
 * were what a simple model of shapes, corrected by the trials so far, makes one expect: hypervolume-based search (Emmerich 2006) with
 * the cheapest of surrogates. Offers what none of the tried ones dominates. Deterministic.
 */
export const frontSearch = (setting: SearchSetting): ((seen: SearchObservation) => SearchAction) => {
  const tried: { readonly member: Member; readonly trial: Trial }[] = [];
  const objectives = ({ member, trial }: (typeof tried)[number]): Objectives => [trial['nll-delta'], trial.latency, member.bytes];
  return ({ trial, left }) => {
    const member = setting.members.find(({ name }) => name === trial.name);
    if (member !== undefined) tried.push({ member, trial });
    const rest = setting.members.filter(({ name }) => !tried.some((each) => each.member.name === name));
    if (left === 0 || rest.length === 0) return { offer: frontOf(tried, objectives).map((each) => each.member.name) };
    const known = tried.map(objectives);
    const expected = rest.map((each) => guess(each, tried));
    const worst = beyondWorst([...known, ...expected]);
    const volumes = expected.map((each) => hypervolume([...known, each], worst));
    return { try: rest[volumes.indexOf(Math.max(...volumes))]?.name ?? '' };
  };
};
