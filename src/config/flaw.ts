import { asSentence, GateError } from '../errors.ts';

/** A mistake in one part of a configuration. Where it ends no run, the part counts as absent. */
export interface Flaw {
  /** Names the part and what it says: the same for the same mistake in another version of the file. */
  readonly key: string;
  readonly error: GateError;
}

export const flawOf = (part: string, value: unknown, error: GateError): Flaw => ({ key: JSON.stringify([part, value]), error });

/** The flaws of one list that no flaw of the other is. */
export const newFlaws = (flaws: readonly Flaw[], known: readonly Flaw[]): readonly Flaw[] => {
  const keys = new Set(known.map(({ key }) => key));
  return flaws.filter(({ key }) => !keys.has(key));
};

const mostShown = 10;

/** Throws the first flaw, with the others each on a line of its own. */
export const refuseFlaws = (flaws: readonly Flaw[]): void => {
  const [first, ...others] = flaws.map(({ error }) => error);
  if (first === undefined) return;
  const rest = others.slice(0, mostShown - 1).map(({ where, message }) => `\n  ${where === null ? '' : `${where}: `}${message}`);
  const hidden = others.length + 1 - mostShown;
  throw new GateError(first.code, `${first.message}${rest.join('')}${hidden > 0 ? `\n  And ${hidden} more mistakes.` : ''}`, {
    ...(first.where === null ? {} : { where: first.where }),
    cause: first,
  });
};

/**
 * What a report says of a flaw that ends no run. `side`: whose file it is in, `base` or `head`.
 */
export const flawNote = ({ error: { where, message } }: Flaw, side: 'base' | 'head'): string =>
  `${where === null ? '' : `${where} of ${side}: `}${asSentence(message)} This part counts as absent until a change corrects it.`;
