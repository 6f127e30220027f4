import type { Values } from '../../records/words.ts';
import { mean } from '../../statistics/describe.ts';
import type { PartId } from './passes.ts';

/** One claim of a part, as files show it: a quantity that it divides, or one that it gives the model. */
interface PartClaim {
  readonly quantity: string;
  readonly does: 'shrinks' | 'gives';
  /** Share of what the part does alone that it must do in a composition. */
  readonly least: number;
}

/** Two passes that cut the same matrices cut less together. Less than a tenth is nothing. */
const shrinks = (quantity: string): PartClaim => ({ quantity, does: 'shrinks', least: 0.1 });

const claims: Readonly<Record<PartId, readonly PartClaim[]>> = {
  'structured-pruning': ['bytes', 'parameters', 'multiply-adds'].map(shrinks),
  'tensor-decomposition': ['bytes', 'parameters'].map(shrinks),
  'sparse-network': [
    shrinks('bytes'),
    { quantity: 'sparsity', does: 'gives', least: 0.9 },
    // Kernels that skip zeros need the pattern everywhere.
    { quantity: 'pattern-conformity', does: 'gives', least: 0.999 },
  ],
  main: [{ quantity: 'modules', does: 'gives', least: 1 }],
};

/** What both parts multiply to, and the least share of it that both together must come to. */
const [multiplied, leastOfProduct] = [['bytes', 'multiply-adds'], 0.9] as const;
/** A part that alone shrinks a quantity by less claims nothing about it. */
const leastShrinkage = 0.01;

interface InspectedPart {
  readonly id: PartId;
  readonly alone: Values;
}

/** The numbers of the files of one composition, of its parts alone, and of the reference model. */
export interface Inspected {
  readonly reference: Values;
  readonly parts: readonly [InspectedPart, InspectedPart];
  readonly whole: Values;
}

export interface CompositionEffect {
  /** Mean over the claims of both parts of the share that is left, 0 to 1; 0 where one of them has no effect alone. */
  readonly kept: number;
  /** In words, what is not kept. */
  readonly faults: readonly string[];
}

/** Share of a claim that is kept in `whole`; null where the part claims nothing alone. `beside`: the other part alone. */
const keptOf = ({ quantity, does }: PartClaim, alone: Values, beside: Values, { reference, whole }: Inspected): number | null => {
  const [own, other, before, after] = [alone, beside, reference, whole].map((values) => values[quantity]);
  if (own === undefined) return null;
  if (does === 'gives') return own > 0 ? (after ?? 0) / own : null;
  if (before === undefined || own > (1 - leastShrinkage) * before) return null;
  return other === undefined || after === undefined ? 0 : Math.log(other / after) / Math.log(before / own);
};

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const productFaults = ({ reference, parts, whole }: Inspected): readonly string[] =>
  multiplied.flatMap((quantity) => {
    const before = reference[quantity] ?? Number.NaN;
    const product = parts.reduce((share, { alone }) => share * ((alone[quantity] ?? Number.NaN) / before), 1);
    const left = (whole[quantity] ?? Number.NaN) / before;
    return product / left < leastOfProduct
      ? [`${percent(left)} of the ${quantity} are left, where the passes alone leave ${percent(product)} together`]
      : [];
  });

/**
 * Whether the two parts of a composition have both taken effect. A part that shrinks a quantity does so to what the other has made; its share is the
 * quotient of the logarithms of both factors. One that gives something gives as much. Together they shrink bytes and multiply-adds by
 * nine tenths of the product of their factors.
 */
export const compositionEffect = (inspected: Inspected): CompositionEffect => {
  const { parts } = inspected;
  const kept: (readonly number[])[] = [];
  const faults: string[] = [];
  for (const { id, alone } of parts) {
    const beside = parts.find((other) => other.id !== id)?.alone ?? inspected.reference;
    const name = id === 'main' ? 'the cut' : id;
    const found = claims[id].flatMap((claim) => {
      const share = keptOf(claim, alone, beside, inspected);
      return share === null ? [] : [{ ...claim, share: Math.max(0, Math.min(1, share)) }];
    });
    kept.push(found.map(({ share }) => share));
    if (found.length === 0) faults.push(`${name} has no effect alone`);
    for (const { share, least, quantity } of found)
      if (share < least) faults.push(`${name} keeps ${percent(share)} of its effect on ${quantity}`);
  }
  return { kept: kept.some((shares) => shares.length === 0) ? 0 : mean(kept.flat()), faults: [...faults, ...productFaults(inspected)] };
};
