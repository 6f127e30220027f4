import { afterAll, describe, expect, it } from 'vitest';
import { catalogues } from '../mutants/catalogue.ts';
import { Clone } from '../mutants/clone.ts';
import { mutantsConfiguration } from '../mutants/configuration.ts';
import { reachOf, together } from '../mutants/together.ts';
import { mostTogether, placed, tryTogether } from '../mutants/trial.ts';

const clone = new Clone({ 'optimization-gate.yml': mutantsConfiguration });
afterAll(() => clone.remove());

const reach = await reachOf();
const namesOf = (group: readonly { readonly planted: { readonly id: string } }[]): string =>
  group.map(({ planted }) => planted.id).join(', ');

describe('what is planted first in each optimization, the right metric notices', () => {
  const first = catalogues.map(({ mutants: [mutant] }) => mutant);
  const groups = together(
    placed('mutants').filter(({ planted }) => first.includes(planted as (typeof first)[number])),
    reach,
    mostTogether,
  );

  it.each(groups.map((group) => [namesOf(group), group] as const))('%s', async (_, group) => {
    const { tried, said } = await tryTogether(clone, group, '1');
    for (const { trial, outcome } of tried) expect(outcome, `${trial.planted.id}\n${said}`).toMatchObject({ kind: 'caught' });
  });
});

describe.each(['1', '2', '3'])('no metric moves for a rewrite that changes nothing, seed %s', (seed) => {
  it.each(together(placed('placebos'), reach, mostTogether).map((group) => [namesOf(group), group] as const))('%s', async (_, group) => {
    const { tried, said } = await tryTogether(clone, group, seed);
    for (const { trial, outcome } of tried) expect(outcome, `${trial.planted.id}\n${said}`).toMatchObject({ kind: 'left-alone' });
  });
});
