import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { miniatures } from '../../src/models/miniatures.ts';

it('are all the folders of models/ that have a card', () => {
  const folder = join(import.meta.dirname, '../../models');
  const found = readdirSync(folder).filter((id) => existsSync(join(folder, id, 'card.json')));
  expect(miniatures.toSorted()).toEqual(found.toSorted());
});
