import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { inflateSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { chromium } from '../../scripts/chromium.ts';
import { commentPage, draw } from '../../scripts/pictures.ts';

const repository = resolve(import.meta.dirname, '..', '..');
const golden = join(repository, '__tests__', 'golden', 'report');
const folder = mkdtempSync(join(tmpdir(), 'pictures-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const script = join(repository, 'scripts', 'pictures.ts');

/** Bytes of a picture's rows that differ from those of an empty one, which are 0 after the first row. */
const inked = (png: Buffer): number => {
  const parts: Buffer[] = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at))
    if (png.toString('latin1', at + 4, at + 8) === 'IDAT') parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  const rows = inflateSync(Buffer.concat(parts));
  const row = rows.length / png.readUInt32BE(20);
  return rows.subarray(row).filter((byte, at) => at % row !== 0 && byte !== 0).length;
};

describe.skipIf(chromium === null)('pictures', () => {
  it('show the report of a run, as high as its comment', () => {
    const report = join(folder, 'report');
    mkdirSync(report);
    writeFileSync(join(report, 'comment.md'), readFileSync(join(golden, 'comment-regressed.md')));
    writeFileSync(join(report, 'index.html'), readFileSync(join(golden, 'index-regressed.html')));
    execFileSync(process.execPath, [script, '--report', report, '--to', join(folder, 'pictures')]);
    for (const name of ['comment.png', 'page.png']) {
      const png = readFileSync(join(folder, 'pictures', name));
      expect(inked(png), name).toBeGreaterThan(10_000);
      expect(png.readUInt32BE(20), name).toBeGreaterThan(500);
    }
  }, 120_000);

  it('are blank for an empty page, and refused where they are too large', () => {
    const png = join(folder, 'blank.png');
    draw(chromium ?? '', folder, { html: '<!doctype html><body></body>', png, width: 900, height: 600 });
    expect(inked(readFileSync(png))).toBe(0);
    const long = commentPage(`${readFileSync(join(golden, 'comment-44-cells.md'), 'utf8')}\n\n`.repeat(8));
    expect(() => draw(chromium ?? '', folder, { html: long, png, width: 1100, height: null })).toThrow(
      /Expected at most 204800 bytes, got \d+/,
    );
  }, 120_000);
});

describe('without a browser', () => {
  it('says what is missing and how to install it, before anything is measured', () => {
    const { status, stderr } = spawnSync(process.execPath, [script, '--to', join(folder, 'none')], {
      env: { PATH: dirname(process.execPath), TMPDIR: folder },
      encoding: 'utf8',
    });
    expect(stderr).toContain('Expected Chromium on this machine, found none. Install it');
    expect(status).toBe(2);
  });
});
