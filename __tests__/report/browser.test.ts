import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chromium } from '../../scripts/chromium.ts';
import { indexHtml } from '../../src/report/page/page.ts';
import { type BrowserPage, openBrowser } from '../testkit/chromium.ts';
import { context } from './fixtures.ts';
import { gridEvidence, gridVerdict } from './grid.ts';

const visible = "[...document.querySelectorAll('[data-cell]')].filter(e=>e.checkVisibility()).length";

/** Sets a control of the form as a reader does. */
const choose = (name: string, value: string): string =>
  `(()=>{const e=document.querySelector('[name=${name}]');e.value=${JSON.stringify(value)};e.dispatchEvent(new Event('input',{bubbles:true}));return ${visible}})()`;

const screenshot = async (page: BrowserPage, name: string): Promise<Buffer> => {
  const { data } = await page.send('Page.captureScreenshot', { format: 'png' });
  const image = Buffer.from(data as string, 'base64');
  const folder = process.env['SCREENSHOTS'];
  if (folder !== undefined) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, name), image);
  }
  return image;
};

describe.skipIf(chromium === null)('the page in a browser', () => {
  const folder = mkdtempSync(join(tmpdir(), 'report-page-'));
  const file = join(folder, 'index.html');
  const url = pathToFileURL(file).href;
  const { cells } = gridVerdict();
  const all = cells.length;
  const ofOneModel = cells.filter(({ model }) => model === 'mini-qwen3-vl').length;
  let page: BrowserPage;

  beforeAll(async () => {
    const verdict = gridVerdict();
    writeFileSync(file, indexHtml(verdict, context, gridEvidence(verdict)));
    page = await openBrowser(chromium ?? '');
    await page.open(url);
  });
  afterAll(async () => {
    await page?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  it('loads from a file, asks for nothing else, and breaks no rule of its own policy', async () => {
    expect(page.requests.filter((request) => request !== url)).toEqual([]);
    expect(page.complaints).toEqual([]);
    expect(await page.value("document.getElementById('shown').textContent")).toBe(`${all} of ${all} cells`);
    expect(await page.value(visible)).toBe(all);
  });

  it('forbids what a policy must forbid', async () => {
    const injected =
      "(()=>{const s=document.createElement('script');s.textContent='window.harm=1';document.body.append(s);return window.harm??null})()";
    expect(await page.value(injected)).toBeNull();
    expect(page.complaints.some((text) => text.includes('Content Security Policy'))).toBe(true);
  });

  it('filters by model, optimization, verdict and text, and shows all again', async () => {
    expect(await page.value(choose('model', 'mini-qwen3-vl'))).toBe(ofOneModel);
    expect(await page.value(choose('optimization', 'adaptive-batching'))).toBe(1);
    expect(await page.value("[...document.querySelectorAll('#coverage tr[data-about]')].filter(e=>e.checkVisibility()).length")).toBe(1);
    expect(await page.value("document.querySelectorAll('.overview svg .faint').length")).toBeGreaterThan(20);
    expect(await page.value("document.querySelector('form').reset(),new Promise(r=>setTimeout(()=>r(1)))")).toBe(1);
    expect(await page.value(visible)).toBe(all);
    expect(await page.value(choose('verdict', 'regressed'))).toBe(2);
    await page.value("document.querySelector('form').reset(),new Promise(r=>setTimeout(()=>r(1)))");
    expect(await page.value(choose('text', 'MultiHeadLatentAttention'))).toBe(1);
    expect(await page.value(choose('text', 'settling-steps'))).toBe(4);
    expect(await page.value(choose('text', 'nothing of the kind'))).toBe(0);
    expect(await page.value("document.getElementById('shown').textContent")).toBe(`0 of ${all} cells`);
    await page.value("document.querySelector('form').reset(),new Promise(r=>setTimeout(()=>r(1)))");
  });

  it('opens the cell that a link leads to, even one that is filtered out', async () => {
    await page.value(choose('verdict', 'regressed'));
    await page.value("location.hash='#cell-mini-qwen3-dense:streaming',new Promise(r=>setTimeout(()=>r(1),50))");
    expect(await page.value("(e=>e.open&&e.checkVisibility())(document.getElementById('cell-mini-qwen3-dense:streaming'))")).toBe(true);
  });

  it('names every picture for those who do not see it', async () => {
    await page.value("document.getElementById('open-all').click()");
    const { nodes } = await page.send('Accessibility.getFullAXTree');
    const images = (nodes as { role?: { value: string }; name?: { value: string }; description?: { value: string } }[]).filter(
      ({ role }) => role?.value === 'image' || role?.value === 'img',
    );
    expect(images.length).toBe(await page.value("document.querySelectorAll('svg').length"));
    expect(images.length).toBeGreaterThan(100);
    for (const { name, description } of images) {
      expect(name?.value.length).toBeGreaterThan(5);
      expect(description?.value.length).toBeGreaterThan(5);
    }
    expect(new Set(images.map(({ name }) => name?.value)).size).toBe(images.length);
  });

  it('is drawn in light and in dark, and nothing overflows the page', async () => {
    const shots: Buffer[] = [];
    for (const value of ['light', 'dark']) {
      await page.send('Emulation.setEmulatedMedia', { features: [{ name: 'prefers-color-scheme', value }] });
      shots.push(await screenshot(page, `${value}.png`));
      expect(await page.value("getComputedStyle(document.querySelector('.overview svg circle, .overview svg path')).fill")).toMatch(
        /^rgb|none/,
      );
    }
    expect(shots[0]?.equals(shots[1] ?? Buffer.alloc(0))).toBe(false);
    for (const width of [1280, 390]) {
      await page.send('Emulation.setDeviceMetricsOverride', { width, height: 900, deviceScaleFactor: 1, mobile: false });
      await screenshot(page, `width-${width}.png`);
      expect(await page.value('document.documentElement.scrollWidth'), String(width)).toBeLessThanOrEqual(width);
    }
    await page.send('Emulation.clearDeviceMetricsOverride');
  });

  it('prints what is closed on the screen, without the form', async () => {
    await page.open(url);
    const height = "document.getElementById('cell-mini-qwen3-dense:streaming').getBoundingClientRect().height";
    const closed = await page.value(height);
    await page.send('Emulation.setEmulatedMedia', { media: 'print' });
    expect(await page.value(height)).toBeGreaterThan(2 * Number(closed));
    expect(await page.value("document.getElementById('filter').checkVisibility()")).toBe(false);
    await page.send('Emulation.setEmulatedMedia', { media: '' });
  });

  it('is whole without its script', async () => {
    await page.send('Emulation.setScriptExecutionDisabled', { value: true });
    await page.open(url);
    await page.send('Emulation.setScriptExecutionDisabled', { value: false });
    expect(await page.value(visible)).toBe(all);
    expect(await page.value("document.getElementById('filter').checkVisibility()")).toBe(false);
  });
});
