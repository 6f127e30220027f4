import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hostProvider, providerFacts } from '../../src/records/provider.ts';

it('knows the processor, and takes every other provider for a device', () => {
  expect(providerFacts(hostProvider)).toEqual({ lanes: 2, metered: true, placed: true, ownLibraries: false });
  for (const provider of ['cuda', 'webgpu', 'nobody-knows', 'constructor', '__proto__'])
    expect(providerFacts(provider), provider).toEqual({ lanes: 1, metered: false, placed: false, ownLibraries: true });
});

it('is the only place that tells providers apart', () => {
  const compares = /provider\s*[!=]==\s*['"]|['"](cpu|cuda|webgpu|tensorrt|coreml|dml)['"]\s*[!=]==/i;
  const source = join(import.meta.dirname, '../../src');
  const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  expect(files).toContain(join('records', 'provider.ts'));
  expect(files.filter((name) => compares.test(readFileSync(join(source, name), 'utf8')))).toEqual([]);
  expect(compares.test("const lanes = provider === 'cpu' ? 2 : 1;")).toBe(true);
});
