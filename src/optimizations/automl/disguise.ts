import { GateError } from '../../errors.ts';
import { shuffled } from '../../statistics/random.ts';
import type { OracleRecord } from './oracle.ts';
import type { Configuration, OptionRange, OptionValue } from './space.ts';

/** How far the times of the values of an option, and of single configurations, are moved: a standard deviation of their logarithm. */
const [ofValues, ofConfigurations] = [0.25, 0.03];

/** A draw from the normal distribution (Box and Muller 1958). */
const normal = (random: () => number): number => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());

/**
 * A record in which other choices are good ones: every value of an option makes requests longer or shorter by a factor that is drawn, and so
 * does every configuration. Noise and losses stay. Whoever knows the real record by heart knows nothing of this one.
 */
export const perturbed = (record: OracleRecord, random: () => number): OracleRecord => {
  const factors = new Map<string, number>();
  const factorOf = (id: string, value: OptionValue): number => {
    const key = JSON.stringify([id, value]);
    const known = factors.get(key) ?? Math.exp(ofValues * normal(random));
    factors.set(key, known);
    return known;
  };
  return {
    ...record,
    configurations: record.configurations.map((entry) => {
      const own = Math.exp(ofConfigurations * normal(random));
      const factor = Object.entries(entry.configuration).reduce((product, [id, value]) => product * factorOf(id, value), own);
      return { ...entry, requests: entry.requests.map((ms) => ms * factor) };
    }),
  };
};

/** A space under other names, in another order. */
export interface Disguise {
  /** The default first, as always. */
  readonly space: readonly OptionRange[];
  /** Of an option by its real name. */
  readonly nameOf: (id: string) => string;
  readonly shown: (real: Configuration) => Configuration;
  /** @throws GateError subject-protocol for a configuration that does not exist. */
  readonly real: (shown: Configuration) => Configuration;
}

const letters = 'abcdefghijklmnopqrstuvwxyz';

/** What a search is shown in place of a space: options `option-1` …, with values `a` … */
export const disguised = (space: readonly OptionRange[], random: () => number, where: string): Disguise => {
  const options = shuffled(space, random).map(({ id, values: [initial, ...others] }, at) => {
    const values = initial === undefined ? [] : [initial, ...shuffled(others, random)];
    return { id, values, name: `option-${at + 1}`, names: values.map((_, which) => letters[which] ?? `value-${which + 1}`) };
  });
  return {
    space: options.map(({ name, names }) => ({ id: name, values: names })),
    nameOf: (id) => options.find((option) => option.id === id)?.name ?? id,
    shown: (real) => Object.fromEntries(options.map(({ id, values, name, names }) => [name, names[values.indexOf(real[id] ?? '')] ?? ''])),
    real: (shown) =>
      Object.fromEntries(
        options.map(({ id, values, name, names }) => {
          const value = values[names.indexOf(String(shown[name]))];
          if (value === undefined || Object.keys(shown).length !== options.length)
            throw new GateError(
              'subject-protocol',
              `The program asked for a configuration. There is none such as ${JSON.stringify(shown).slice(0, 200)}.`,
              { where },
            );
          return [id, value];
        }),
      ),
  };
};
