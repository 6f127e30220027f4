import type { Policy } from '../../contract/policy.ts';
import { GateError } from '../../errors.ts';
import { nextAction } from '../serving/policy-action.ts';
import { type SearchObservation, type SearchSetting, searchAction } from './exchange.ts';
import type { Configuration } from './space.ts';

/** What a trial of so many timed requests gives. */
export type Trial = (configuration: Configuration, calls: number) => Promise<Pick<SearchObservation, 'latency' | 'nll-delta'>>;

export interface Search {
  readonly found: Configuration;
  /** In the order of the trials, the default not among them. */
  readonly tried: readonly { readonly configuration: Configuration; readonly calls: number }[];
}

/**
 * Lets a policy make trials until it has found a configuration. The default is tried before the first, and costs none.
 * @throws GateError subject-protocol for more trials than allowed, more requests than a trial has, or an answer that was not tried.
 */
export const runSearch = async (
  start: (setting: SearchSetting) => Promise<Policy>,
  setting: SearchSetting,
  initial: Configuration,
  trial: Trial,
  where: string,
): Promise<Search> => {
  const policy = await start(setting);
  const tried: Search['tried'][number][] = [];
  const known = (wanted: Configuration): boolean =>
    [initial, ...tried.map(({ configuration }) => configuration)].some(
      (each) =>
        Object.keys(each).length === Object.keys(wanted).length && Object.entries(each).every(([id, value]) => wanted[id] === value),
    );
  const outcome = async (configuration: Configuration, calls: number): Promise<SearchObservation> => ({
    configuration,
    calls,
    ...(await trial(configuration, calls)),
    left: setting.trials - tried.length,
  });
  let seen = await outcome(initial, setting.calls);
  for (;;) {
    const action = await nextAction(policy, seen, searchAction, where);
    if ('found' in action) {
      if (!known(action.found))
        throw new GateError('subject-protocol', 'The program returned a configuration. Expected one that it tried before, got another.', {
          where,
        });
      return { found: action.found, tried };
    }
    if (tried.length >= setting.trials)
      throw new GateError('subject-protocol', `The program asked for another trial. It may have at most ${setting.trials}.`, { where });
    if (action.calls > setting.calls)
      throw new GateError(
        'subject-protocol',
        `The program asked for a trial. Expected at most ${setting.calls} requests, got ${action.calls}.`,
        { where },
      );
    tried.push({ configuration: action.try, calls: action.calls });
    seen = await outcome(action.try, action.calls);
  }
};
