import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type * as published from '../src/index.ts';
import type * as batching from '../src/optimizations/adaptive-batching/exchange.ts';
import type * as pool from '../src/optimizations/architecture-search/exchange.ts';
import type { MemberShape } from '../src/optimizations/architecture-search/options.ts';
import type * as configuration from '../src/optimizations/automl/exchange.ts';
import type * as feedback from '../src/optimizations/feedback-control/exchange.ts';
import { builtinOptimizations } from '../src/optimizations/registry.ts';

const source = join(import.meta.dirname, '..', 'src');
const index = readFileSync(join(source, 'index.ts'), 'utf8');
const policies = builtinOptimizations.filter(({ benchmark }) => benchmark.needs.includes('policy')).map(({ benchmark }) => benchmark.id);

describe('the published contract', () => {
  it.each(policies)('has all that %s says to a policy and wants to hear', (id) => {
    const path = `./optimizations/${id}/exchange.ts`;
    const types = [...readFileSync(join(source, path), 'utf8').matchAll(/^export type (\w+)/gm)].map((match) => match[1]);
    const clause = new RegExp(`export type \\{([^}]*)\\} from '${path.replaceAll('.', '\\.')}'`).exec(index)?.[1] ?? '';
    const exported = clause.split(',').flatMap((name) => /^\s*(\w+)/.exec(name)?.[1] ?? []);
    expect(exported.toSorted()).toEqual(types.toSorted());
    for (const part of ['Setting', 'Observation', 'Action']) expect(types.filter((name) => name?.endsWith(part))).not.toEqual([]);
  });

  it('has them as they are', () => {
    expectTypeOf<published.BatchingSetting>().toEqualTypeOf<batching.BatchingSetting>();
    expectTypeOf<published.BatchingObservation>().toEqualTypeOf<batching.BatchingObservation>();
    expectTypeOf<published.BatchingAction>().toEqualTypeOf<{ readonly batch: number }>();
    expectTypeOf<published.FeedbackSetting>().toEqualTypeOf<feedback.FeedbackSetting>();
    expectTypeOf<published.FeedbackObservation>().toEqualTypeOf<feedback.FeedbackObservation>();
    expectTypeOf<published.FeedbackAction>().toEqualTypeOf<{ readonly batch: number }>();
    expectTypeOf<published.PoolShape>().toEqualTypeOf<MemberShape>();
    expectTypeOf<published.PoolSearchSetting>().toEqualTypeOf<pool.PoolSearchSetting>();
    expectTypeOf<published.PoolSearchObservation>().toEqualTypeOf<pool.PoolSearchObservation>();
    expectTypeOf<published.PoolSearchAction>().toEqualTypeOf<pool.PoolSearchAction>();
    expectTypeOf<published.PoolServeSetting>().toEqualTypeOf<pool.ServeSetting>();
    expectTypeOf<published.PoolServeObservation>().toEqualTypeOf<pool.ServeObservation>();
    expectTypeOf<published.PoolServeAction>().toEqualTypeOf<{ readonly serve: string }>();
    expectTypeOf<published.ConfigurationSetting>().toEqualTypeOf<configuration.SearchSetting>();
    expectTypeOf<published.ConfigurationObservation>().toEqualTypeOf<configuration.SearchObservation>();
    expectTypeOf<published.ConfigurationAction>().toEqualTypeOf<configuration.SearchAction>();
  });

  it('lets a policy be written in the words of its benchmark', () => {
    type Batcher = published.Policy<published.BatchingObservation, published.BatchingAction>;
    const batcher: Batcher = { next: async ({ waiting, last }) => ({ batch: last === null ? 1 : waiting }) };
    expectTypeOf(batcher.next).parameter(0).toHaveProperty('ages');
    // @ts-expect-error no action of this benchmark
    const wrong: Batcher = { next: async () => ({ serve: 'main' }) };
    expect(wrong).not.toBe(batcher);
  });
});
