import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { ShownEvidence } from '../../src/report/evidence.ts';
import { listedMetrics } from '../../src/report/listed-metric.ts';
import { anchorOf } from '../../src/report/page/cell-link.ts';
import { indexHtml } from '../../src/report/page/page.ts';
import { style } from '../../src/report/page/style.ts';
import { anyNumber, hostileText, hostileVerdict } from './arbitrary.ts';
import { context, failed, fullGrid, inconclusive, passed, regressed, verdictOf } from './fixtures.ts';
import { expectGolden } from './golden.ts';
import { gridEvidence, gridVerdict } from './grid.ts';

const nothing: ShownEvidence = { history: new Map(), traces: [] };

const tags = /<\/?([a-z0-9]+)[\s>]/gi;
const allowed = new Set(
  (
    'html head meta title style body main nav h1 h2 h3 p code a section div table caption thead tbody tr th td details summary span small b br ul li strong pre ' +
    'form label select option input button output figure figcaption svg desc g path text circle rect line tspan'
  ).split(' '),
);

/** What a hostile string could have done to the page; empty for a sound one. */
const flaws = (page: string): readonly string[] => {
  const body = page.slice(page.indexOf('<body>')).replace(/<script>[\s\S]*<\/script>/, '');
  return [
    ...[...body.matchAll(tags)].map(([, tag = '']) => tag).filter((tag) => !allowed.has(tag)),
    ...(body.match(/<[a-z][^>]*\s(?:on\w+|src|style)\s*=/gi) ?? []),
    ...(body.match(/<!--/g) ?? []),
    ...[...body.matchAll(/href="([^"]*)"/g)].map(([, target = '']) => target).filter((target) => !target.startsWith('#')),
    ...['table', 'details', 'section', 'ul', 'tr', 'svg', 'figure', 'g'].filter(
      (tag) =>
        [...body.matchAll(new RegExp(`<${tag}(?=[\\s>])[^>]*(?<!/)>`, 'g'))].length !==
        [...body.matchAll(new RegExp(`</${tag}>`, 'g'))].length,
    ),
    ...(body.match(/\bNaN\b|\bundefined\b|Infinity/g) ?? []),
  ];
};

describe('indexHtml', () => {
  it('reads as written down', () => {
    expectGolden('index-regressed.html', indexHtml(regressed, context, nothing));
    expectGolden('index-failed.html', indexHtml(failed, context, nothing));
  });

  it('tells what became better beside what became worse, and what stayed undecided with its reason', () => {
    for (const [verdict, heading, kind] of [
      [fullGrid, 'Regressions', 'regressed'],
      [fullGrid, 'Improvements', 'improved'],
      [inconclusive, 'Undecided', 'inconclusive'],
    ] as const) {
      const section = indexHtml(verdict, context, nothing).split(`<h2>${heading}</h2>`)[1]?.split('</section>')[0] ?? '';
      const found = listedMetrics(verdict, kind);
      expect(found.length).toBeGreaterThan(0);
      expect([...section.matchAll(/<tr data-about="([^"]*)"/g)].map(([, about]) => about)).toEqual(found.map(({ cell }) => anchorOf(cell)));
    }
    expect(indexHtml(passed, context, nothing)).not.toContain('<h2>Undecided</h2>');
  });

  it('says aloud that sparser is not faster', () => {
    expect(indexHtml(passed, context, nothing)).toMatch(/<p class="warning">⚠️ ineffective: sparser, not faster/);
  });

  const verdict = gridVerdict();
  const page = indexHtml(verdict, context, gridEvidence(verdict));

  it('has a target for every link inside the page, and each cell in the grid, the details and the coverage', () => {
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    const links = [...page.matchAll(/href="#([^"]*)"/g)].map(([, target]) => target);
    expect(links.filter((target) => !ids.includes(target))).toEqual([]);
    for (const { id } of verdict.cells) {
      const anchor = `cell-${id.replace('/', ':')}`;
      expect(ids).toContain(anchor);
      expect(links.filter((target) => target === anchor).length).toBeGreaterThanOrEqual(2);
    }
  });

  it('draws speed against quality, gains, launches, traces and history, in less than 3 MB', () => {
    expect(Buffer.byteLength(page)).toBeLessThan(3_000_000);
    const titles = [...page.matchAll(/<svg [^>]*role="img"[^>]*><title>([^<]*)<\/title><desc>[^<]+<\/desc>/g)].map(
      ([, title = '']) => title,
    );
    expect(titles).toHaveLength(page.match(/<svg /g)?.length ?? -1);
    const drawn = (start: string): number => titles.filter((title) => title.startsWith(start)).length;
    expect(drawn('Speed against quality of mini-')).toBe(4);
    expect(drawn('Gain of each optimization of mini-')).toBe(4);
    expect(drawn('Launches of latency-p50@steady of mini-qwen3-vl/adaptive-batching')).toBe(1);
    expect(drawn('latency of mini-qwen3-vl/adaptive-batching at burst')).toBe(1);
    expect(drawn('History of ')).toBe(verdict.cells.filter(({ verdict: kind }) => kind !== 'failed').length);
    expect(page).not.toContain('No room for pictures');
    expect(flaws(page.replaceAll(/<a href="https:[^>]*>/g, '<a>'))).toEqual([]);
  });

  it('leaves pictures out, the least important first, where there is no room, and says so', () => {
    const evidence = gridEvidence(verdict);
    const traces = Array.from({ length: 12 }, (_, index) =>
      evidence.traces.map((trace) => ({ ...trace, point: `${trace.point}-${index}` })),
    );
    const full = indexHtml(verdict, context, { ...evidence, traces: traces.flat() });
    expect(Buffer.byteLength(full)).toBeLessThan(3_000_000);
    expect(full).toContain('No room for pictures');
    expect(full).toContain('latency of mini-qwen3-vl/adaptive-batching at burst-3');
  });

  it('allows its own style and script by their digests, and nothing else', () => {
    const policy = /Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const digest = (text: string | undefined): string =>
      createHash('sha256')
        .update(text ?? 'none')
        .digest('base64');
    expect(policy).toContain(`script-src 'sha256-${digest(/<script>([\s\S]*)<\/script>/.exec(page)?.[1])}'`);
    expect(policy).toContain(`style-src 'sha256-${digest(/<style>([\s\S]*?)<\/style>/.exec(page)?.[1])}'`);
    expect(policy).toContain("default-src 'none'");
    expect(policy).not.toContain('unsafe');
  });

  it('is the same text for the same input', () => {
    expect(indexHtml(verdict, context, gridEvidence(verdict))).toBe(page);
  });

  it('is sound for any verdict, history and trace', () => {
    const evidence = fc.record({
      point: hostileText,
      name: hostileText,
      values: fc.array(anyNumber, { maxLength: 300 }),
      sample: fc.array(anyNumber, { maxLength: 6 }),
    });
    fc.assert(
      fc.property(hostileVerdict, evidence, (given, { point, name, values, sample }) => {
        const positive = sample.filter((value) => value > 0);
        const gains = { base: positive, head: positive };
        const cells = given.cells.map((one) => ({
          ...one,
          metrics: one.metrics.map((metric) => ({
            ...metric,
            samples: { reference: sample, base: sample, head: sample, change: [], gains },
          })),
        }));
        const history = new Map(
          cells.flatMap(({ id, metrics }) =>
            metrics.map(
              (metric) => [`${id} ${metric.id}@${metric.point}`, values.map((value) => ({ commit: point, at: name, value }))] as const,
            ),
          ),
        );
        const columns = { time: values, [name]: values, latency: values, 'set-point': values };
        const traces = cells.flatMap(({ id }) => ['reference', 'head', point].map((arm) => ({ cell: id, point, arm, columns })));
        expect(flaws(indexHtml({ ...given, cells }, { ...context, runUrl: null }, { history, traces }))).toEqual([]);
      }),
      { numRuns: 25 },
    );
  });

  it.each(['$`', "$'", '$&', '$$'])('shows %s in a name as it is', (name) => {
    const [trace] = gridEvidence(verdict).traces;
    if (trace === undefined) throw new Error('no trace');
    const shown = indexHtml(verdict, { ...context, runUrl: null }, { history: new Map(), traces: [{ ...trace, point: name }] });
    expect(flaws(shown)).toEqual([]);
    expect(shown).toContain(` at ${name.replace(/[&']/g, (one) => `&#${one.charCodeAt(0)};`)}</title>`);
  });

  it('is judged by a check that sees harm', () => {
    const harm = [
      '<script>x',
      '<img src=x>',
      '<a href="https://x.example">',
      '<p onclick="x">',
      '<svg>',
      '<!--',
      '<p>NaN</p>',
      '<iframe >',
    ];
    for (const text of harm) expect(flaws(`<body>${text}`), text).not.toEqual([]);
  });

  it('stands without cells', () => {
    const empty = indexHtml(verdictOf([]), { ...context, runUrl: null }, nothing);
    expect(flaws(empty)).toEqual([]);
    expect(empty).not.toContain('<script>');
  });
});

/** WCAG 2 contrast of two colours. */
const contrast = (one: string, other: string): number => {
  const luminance = (colour: string): number => {
    const wide = colour.length === 4 ? [...colour.slice(1)].map((digit) => digit + digit) : (colour.slice(1).match(/../g) ?? []);
    const [red = 0, green = 0, blue = 0] = wide.map((part) => {
      const value = Number.parseInt(part, 16) / 255;
      return value <= 0.03928 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
};

describe('style', () => {
  it('keeps a contrast of 4.5 for every colour of text and marks, in light and in dark', () => {
    expect(contrast('#000', '#ffffff')).toBeCloseTo(21);
    const themes = [...style.matchAll(/:root\{([^}]*)\}/g)].map(
      ([, text = '']) => new Map([...text.matchAll(/--([a-z]+):(#[0-9a-f]+)/g)].map(([, name = '', colour = '']) => [name, colour])),
    );
    expect(themes).toHaveLength(2);
    for (const theme of themes)
      for (const name of ['ink', 'good', 'bad', 'warning', 'calm', 'head', 'base'])
        for (const ground of ['paper', 'soft'])
          expect(contrast(theme.get(name) ?? '#fff', theme.get(ground) ?? '#fff'), `${name} on ${ground}`).toBeGreaterThanOrEqual(4.5);
  });
});
