import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { mostBytes } from '../../scripts/pictures.ts';
import { root } from './documentation.ts';

const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const readme = readFileSync(join(root, 'README.md'), 'utf8');
const shown = [...readme.matchAll(/!\[([^\]]*)\]\(([^)]*)\)/g)].map(([, alt = '', path = '']) => ({ alt, path }));

describe('pictures of the README', () => {
  it('are the comment and the page, near the top, each with words for who does not see it', () => {
    expect(shown.map(({ path }) => path)).toEqual(['docs/pictures/comment.png', 'docs/pictures/page.png']);
    for (const { alt } of shown) expect(alt.split(/\s+/).length).toBeGreaterThan(10);
    expect(readme.indexOf('docs/pictures/page.png')).toBeLessThan(readme.indexOf('## Try it'));
  });

  it.each(shown)('$path is a PNG that loads quickly', ({ path }) => {
    expect(existsSync(join(root, path))).toBe(true);
    const bytes = readFileSync(join(root, path));
    expect(bytes.subarray(0, signature.length).equals(signature)).toBe(true);
    expect(bytes.length).toBeLessThanOrEqual(mostBytes);
    expect(bytes.readUInt32BE(16)).toBeGreaterThan(800);
  });
});
