import type { ServeObservation, ServeSetting } from './exchange.ts';
import type { SearchOptions } from './options.ts';
import { roundedLoss } from './pool.ts';

type Member = ServeSetting['members'][number];

/** How far one service time moves what is thought of the machine's speed. */
const step = 0.015;

/**
 * Chooses sub-networks as Once-for-All (arXiv 1908.09791) deploys them: the one that loses least among those whose expected latency is
 * within the budget by `margin`. What is expected is what is known of the pool times how slow the machine is now, which follows the median of
 * the service times seen by small steps (one outlier moves it no further than any other).
 *
 * A variant stays for as long as it is within the budget without the margin: the margin keeps noise from swapping to and fro. A tighter
 * budget is obeyed at once; a looser one must have lasted `dwell` requests before a better variant is loaded, because a swap takes longer
 * than a request. What would lift the mean loss above the bound is not served; having had to leave a variant for that, the controller
 * comes back to such only when the budget has changed.
 */
export const variantController = (
  { members, 'loss-bound': bound }: ServeSetting,
  { margin, dwell }: Pick<SearchOptions, 'margin' | 'dwell'>,
): ((seen: ServeObservation) => string) => {
  let slowness = 1;
  let budget = Number.NaN;
  let lasted = 0;
  let seen = 0;
  let spent = false;
  const latencyOf = ({ latency }: Member): number => latency * slowness;
  const lossOf = (member: Member): number => roundedLoss(member['nll-delta']);
  const learn = ({ last, served }: ServeObservation): void => {
    if (last === null || served === seen) return;
    seen = served;
    const member = members.find(({ name }) => name === last.name);
    if (member !== undefined) slowness *= last.service > latencyOf(member) ? 1 + step : 1 - step;
  };
  const byLatency = (one: Member, other: Member): number => latencyOf(one) - latencyOf(other);
  const byLoss = (one: Member, other: Member): number => lossOf(one) - lossOf(other) || byLatency(one, other);
  return (view) => {
    learn(view);
    if (view.budget !== budget) [budget, lasted, spent] = [view.budget, 0, false];
    else if (view.event === 'request') lasted += 1;
    const affordable = members.filter(
      (each) => each['nll-delta'] <= bound || (!spent && view['nll-delta'] * view.served + each['nll-delta'] <= bound * (view.served + 1)),
    );
    const fits = (each: Member): boolean => latencyOf(each) * (1 + margin) <= budget;
    const wanted = affordable.filter(fits).toSorted(byLoss)[0] ?? affordable.toSorted(byLatency)[0] ?? members.toSorted(byLoss)[0];
    const current = members.find(({ name }) => name === view.current);
    if (current === undefined) return wanted?.name ?? '';
    if (!affordable.includes(current)) spent = true;
    const better = lasted >= dwell && wanted !== undefined && fits(wanted) && lossOf(wanted) < lossOf(current);
    const stays = affordable.includes(current) && latencyOf(current) <= budget && !better;
    return stays ? current.name : (wanted ?? current).name;
  };
};
