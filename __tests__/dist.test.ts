import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { buildPrograms } from '../scripts/build.ts';

const contents = (folder: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((name) => statSync(join(folder, name)).isFile())
      .sort()
      .map((name) => [name, readFileSync(join(folder, name), 'utf8')]),
  );

it('dist/ is what the sources build to (npm run build)', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'optimization-gate-dist-'));
  try {
    await buildPrograms(folder);
    const [committed, built] = [contents(join(import.meta.dirname, '..', 'dist')), contents(folder)];
    expect(Object.keys(committed)).toEqual(Object.keys(built));
    // Names only: a difference of two minified files would fill the screen.
    expect(Object.keys(built).filter((name) => committed[name] !== built[name])).toEqual([]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
