import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { GateError } from '../../src/errors.ts';
import { parseConfig } from '../testkit/config.ts';
import { blocks, textOf } from './documentation.ts';

const published = z.fromJSONSchema(JSON.parse(textOf('schemas/optimization-gate.schema.json')));

const program = (text: string): boolean => {
  try {
    parseConfig(text, 'x');
    return true;
  } catch (error) {
    if (error instanceof GateError) return false;
    throw error;
  }
};

describe('the published schema of the configuration', () => {
  it.each([
    textOf('optimization-gate.yml'),
    textOf('optimization-gate.targets.yml'),
    ...blocks('yaml')
      .map(({ text }) => text)
      .filter((text) => !/^jobs:/m.test(text) && parse(text) !== null),
  ])('accepts what the program accepts: %s', (text) => {
    expect(published.safeParse(parse(text)).success).toBe(true);
    expect(program(text)).toBe(true);
  });

  it.each([
    'gaet: {}',
    'models: []',
    'gate: {alpha: 2}',
    'gate: {must-detect: much}',
    'optimizations: [{}]',
    'limits: {memory: 4gb}',
    'optimizations: [{id: a, liek: b}]',
  ])('refuses what the program refuses: %s', (text) => {
    expect(published.safeParse(parse(text)).success).toBe(false);
    expect(program(text)).toBe(false);
  });
});

describe('the other schemas', () => {
  it.each(['plan', 'samples-line', 'verdict', 'report', 'coverage', 'baseline'])('%s refuses an empty document', (name) => {
    expect(z.fromJSONSchema(JSON.parse(textOf(`schemas/${name}.schema.json`))).safeParse({}).success).toBe(false);
  });
});
