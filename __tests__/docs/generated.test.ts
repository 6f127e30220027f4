import { cpSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { drifted, filledIn, generatedFiles } from '../../scripts/docs.ts';
import { root, textOf } from './documentation.ts';

const copy = mkdtempSync(join(tmpdir(), 'docs-'));
afterAll(() => rmSync(copy, { recursive: true }));

describe('generated files', () => {
  it('are what the source says', () => {
    expect(drifted(root)).toEqual([]);
    expect([...generatedFiles(root).keys()]).toEqual(
      expect.arrayContaining(['action.yml', 'README.md', 'docs/errors.md', 'schemas/plan.schema.json']),
    );
  });

  it('are all schemas that there are', () => {
    const generated = [...generatedFiles(root).keys()].filter((path) => path.startsWith('schemas/'));
    expect(
      readdirSync(join(root, 'schemas'))
        .map((name) => `schemas/${name}`)
        .toSorted(),
    ).toEqual(generated.toSorted());
  });

  it('are seen to drift', () => {
    for (const path of ['action.yml', 'README.md', 'models/README.md', 'docs', 'schemas'])
      cpSync(join(root, path), join(copy, path), { recursive: true });
    expect(drifted(copy)).toEqual([]);
    writeFileSync(join(copy, 'action.yml'), textOf('action.yml').replace('  fail-on:', '  fail_on:'));
    writeFileSync(join(copy, 'docs/errors.md'), textOf('docs/errors.md').replace('| `config-syntax` | 2 |', '| `config-syntax` | 3 |'));
    writeFileSync(join(copy, 'models/README.md'), textOf('models/README.md').replace('perplexity 23.', 'perplexity 13.'));
    rmSync(join(copy, 'schemas/plan.schema.json'));
    expect(drifted(copy)).toEqual(['action.yml', 'models/README.md', 'docs/errors.md', 'schemas/plan.schema.json']);
  });

  it.each([
    ['structured-pruning', 'All shared metrics.'],
    ['streaming', /^The shared metrics without `prefill-latency`, .*`energy`\.$/],
    ['modular-components', /^Of the shared metrics `nll-delta`, .*`model-size`\.$/],
    ['automl', 'None of the shared metrics.'],
    ['model', 'All shared metrics.'],
  ])('say which of the shared metrics %s has', (id, says) => {
    const text = generatedFiles(root).get('docs/metrics.md') ?? '';
    const sentence = new RegExp(`^### .* \`${id}\`\\n\\n(.*)$`, 'm').exec(text)?.[1] ?? '';
    if (typeof says === 'string') expect(sentence).toBe(says);
    else expect(sentence).toMatch(says);
  });

  it('refuse a marker that is unknown or has no end', () => {
    expect(() => filledIn('<!-- generated: nothing -->\n<!-- end of nothing -->', 'a.md')).toThrow('nothing is called "nothing"');
    expect(() => filledIn('<!-- generated: inputs -->\n', 'a.md')).toThrow('has no end');
    expect(() => filledIn('<!-- generated: inputs -->\n<!-- end of outputs -->', 'a.md')).toThrow('has no end');
    expect(filledIn('plain text', 'a.md')).toBe('plain text');
  });
});
