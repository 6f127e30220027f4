import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { catalogues } from '../mutants/catalogue.ts';
import { Clone } from '../mutants/clone.ts';
import { mutantsConfiguration } from '../mutants/configuration.ts';
import type { Mutant, Placebo } from '../mutants/mutant.ts';
import { outcomeOfMutant, outcomeOfPlacebo } from '../mutants/outcome.ts';
import { runtime } from '../mutants/runtime.ts';

const clone = new Clone({ 'optimization-gate.yml': mutantsConfiguration });
afterEach(() => clone.mend());
afterAll(() => clone.remove());

/** The cells of a quick run over the one that something was planted in. */
const judged = (optimization: string, { id, edits, model = 'mini-qwen3-dense', entry = optimization }: Mutant | Placebo) => {
  clone.edit(edits);
  const { report, errors, text } = clone.gate(id, '--models', model, '--optimizations', entry, '--base', 'HEAD', '--quick');
  return { cells: report?.cells ?? [], said: `${errors}\n${text}` };
};

describe('what is planted first in each optimization', () => {
  const tried = catalogues.filter((catalogue) => catalogue !== runtime);

  it.each(tried.map(({ optimization, mutants: [mutant] }) => [optimization, mutant?.what, mutant] as const))(
    '%s: %s, and the right metric notices',
    (optimization, _, mutant) => {
      if (mutant === undefined) throw new Error(`${optimization} has no mutant`);
      const { cells, said } = judged(optimization, mutant);
      expect(outcomeOfMutant(mutant, cells), said).toMatchObject({ kind: 'caught' });
    },
  );

  it.each(tried.map(({ optimization, placebos: [placebo] }) => [optimization, placebo?.what, placebo] as const))(
    '%s: %s, and no metric moves',
    (optimization, _, placebo) => {
      if (placebo === undefined) throw new Error(`${optimization} has no placebo`);
      const { cells, said } = judged(optimization, placebo);
      expect(outcomeOfPlacebo(cells), said).toMatchObject({ kind: 'left-alone' });
    },
  );
});
