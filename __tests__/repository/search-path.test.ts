import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { checkoutLast } from '../../src/repository/search-path.ts';

it('looks in folders of the checkout last, however they are named', () => {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'gate-search-')));
  onTestFinished(() => rmSync(root, { recursive: true }));
  for (const folder of ['checkout/.git', 'checkout/bin', 'checkout/below', 'checkout-beside'])
    mkdirSync(join(root, folder), { recursive: true });
  symlinkSync(join(root, 'checkout'), join(root, 'link'));
  const inside = ['', 'bin', join(root, 'checkout', 'bin'), join(root, 'link', 'bin'), join(root, 'checkout', 'later')];
  const outside = ['/usr/bin', join(root, 'checkout-beside')];
  const given = [inside[0], inside[1], outside[0], inside[2], inside[3], outside[1], inside[4]].join(':');
  for (const at of ['checkout', 'checkout/below', 'link/below'])
    expect(checkoutLast(given, join(root, at)).split(':')).toEqual([...outside, ...inside]);
});
