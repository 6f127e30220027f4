import type { Observation, Player, Tools } from '../../contract/player.ts';
import { absenceText } from '../../records/absence.ts';
import type { Values } from '../../records/words.ts';
import { mean } from '../../statistics/describe.ts';
import { compositionEffect } from './effect.ts';
import { type ModularOptions, modularOptions } from './options.ts';
import { type Composition, compositionsOf, cutVariant, type PartId, type PassId, passesOf, zeroedBy } from './passes.ts';
import { type Tried, tryVariant, type VariantFiles, variantFiles } from './tried-variant.ts';

const nothingComposed = ['interoperability', 'composition-effect', 'composed-nll-delta', 'modules-touched'].map((series) =>
  absenceText({ state: 'not-applicable', series, reason: 'a composition needs a pass that applies to the model' }),
);

interface Judged {
  readonly name: string;
  /** Loss against the reference model, nats; null: it does not work. */
  readonly nll: number | null;
  /** The most that it may lose; null when one of its parts alone does not work. */
  readonly allowed: number | null;
  /** Share of the claims of its parts that it keeps, 0 to 1. */
  readonly kept: number;
  readonly faults: readonly string[];
}

const lossFaults = (nll: number, allowed: number): readonly string[] =>
  nll <= allowed ? [] : [`loses ${nll.toFixed(4)} nats, more than ${allowed.toFixed(4)}`];

/** Nats that the cut may lose on top of a pass: it computes the same, in other roundings. */
const cutTolerance = 0.001;

/** The most that the parts of a composition may lose together; null where one of them does not work. */
const allowedLoss = ({ parts }: Composition, alone: ReadonlyMap<PartId, Tried>, { slack, tolerance }: ModularOptions): number | null => {
  const losses = parts.flatMap((part) => {
    const tried = alone.get(part);
    return tried?.works === true ? [tried.nll] : [];
  });
  const sum = losses.reduce((total, loss) => total + loss, 0);
  if (losses.length < parts.length) return null;
  return sum + (parts.includes('main') ? cutTolerance : Math.max(tolerance, slack * sum));
};

const judgeAll = async (
  tools: Tools,
  compositions: readonly Composition[],
  read: VariantFiles,
  options: ModularOptions,
): Promise<readonly Judged[]> => {
  const alone = new Map<PartId, Tried>();
  for (const part of new Set(compositions.flatMap(({ parts }) => parts))) alone.set(part, await tryVariant(tools, part, options.windows));
  const filesOf = async (variant: string | null): Promise<Values> => (await read(variant)) ?? {};
  const judged: Judged[] = [];
  for (const composition of compositions) {
    const { name, parts } = composition;
    const tried = await tryVariant(tools, name, options.windows);
    const nll = tried.works ? tried.nll : null;
    const allowed = allowedLoss(composition, alone, options);
    if (nll === null || allowed === null) {
      const faults = [tried.works ? 'one of the two does not work alone' : tried.reason];
      judged.push({ name, nll, allowed, kept: 0, faults });
      continue;
    }
    const [first, then] = parts;
    const { kept, faults } = compositionEffect({
      reference: await filesOf(null),
      parts: [
        { id: first, alone: await filesOf(first) },
        { id: then, alone: await filesOf(then) },
      ],
      whole: await filesOf(name),
    });
    judged.push({ name, nll, allowed, kept, faults: [...lossFaults(nll, allowed), ...faults] });
  }
  return judged;
};

const share = (part: number, whole: number): number => (100 * part) / whole;

const composed = (judged: readonly Judged[], vocabulary: number): Observation => {
  // Who answers nothing loses at most what a guess does.
  const guess = Math.log(vocabulary);
  const working = judged.flatMap(({ nll, allowed, kept }, composition) =>
    nll === null || allowed === null ? [] : [{ composition, nll, allowed, kept }],
  );
  return {
    values: {
      interoperability: share(judged.filter(({ faults }) => faults.length === 0).length, judged.length),
      'composition-effect': 100 * mean(judged.map(({ kept }) => kept)),
      'composed-nll-delta': mean(judged.map(({ nll }) => Math.min(guess, nll ?? guess))),
    },
    trace: {
      composition: working.map(({ composition }) => composition),
      'nll-delta': working.map(({ nll }) => nll),
      allowed: working.map(({ allowed }) => allowed),
      effect: working.map(({ kept }) => 100 * kept),
    },
    warnings: judged.flatMap(({ name, faults }) => (faults.length === 0 ? [] : [`${name}: ${faults.join('; ')}`])),
  };
};

/** How many modules of the pipeline are other bytes, or not there, when the model is changed by each pass before it is cut; of those that were built. */
const touchedModules = async (passes: readonly PassId[], read: VariantFiles): Promise<readonly number[]> => {
  const pipeline = (await read('main')) ?? {};
  const counts: number[] = [];
  for (const pass of passes) {
    const touched = await read(cutVariant(pass));
    if (touched === null) continue;
    const modules = new Set([...Object.keys(pipeline), ...Object.keys(touched)].filter((key) => key.startsWith('module:')));
    counts.push([...modules].filter((module) => touched[module] !== pipeline[module]).length);
  }
  return counts;
};

/**
 * Plays the compositions: the ordered pairs a-then-b of the passes that apply, and each pass before the cut. `interoperability`: the share (%)
 * whose model loads, takes a prompt and decoding steps, has logits of the reference's shape, keeps fidelity, and keeps the effect of
 * both parts (`compositionEffect`). Fidelity: with sum = nll-delta(a) + nll-delta(b), nll-delta(a-then-b) ≤ sum + max(`tolerance`, `slack` · sum),
 * in nats on the first `windows` held-out windows; the cut loses nothing but 0.001. A composition of which a part does not work alone counts as failed.
 * `composition-effect`: mean over compositions of the share (%) that is left of the claims of its parts. `composed-nll-delta`: mean of their
 * losses; what does not work counts as a guess. `modules-touched`: mean over passes of the modules that differ when the model is cut
 * after the pass instead of before it.
 */
export const compositionPlayer: Player = {
  play: async (turn, tools) => {
    const options = modularOptions.parse(turn.options, 'options');
    const applying = passesOf(tools.model, options.passes);
    if (applying.length === 0) return { values: {}, warnings: nothingComposed };
    const passes = applying.map(({ id }) => id);
    const compositions = compositionsOf(passes);
    const read = variantFiles(tools, zeroedBy(applying, compositions));
    const { values, ...shown } = composed(await judgeAll(tools, compositions, read, options), tools.model.vocabulary);
    const touched = await touchedModules(passes, read);
    return { ...shown, values: touched.length === 0 ? values : { ...values, 'modules-touched': mean(touched) } };
  },
};
