import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GateError } from '../../src/errors.ts';
import { moduleStructure } from '../../src/models/module-structure.ts';
import { dependencies, reachablePairs } from '../../src/models/reachable-pairs.ts';
import { graphBuilder } from '../../src/onnx/graph-builder.ts';
import type { OnnxModel } from '../../src/onnx/model.ts';

/** A system of nodes: which module each lies in, and which lower nodes it reads. */
interface System {
  readonly modules: readonly number[];
  readonly reads: readonly (readonly number[])[];
}

/** One graph per module, with `dead` nodes that nothing needs; node i makes `t<i>`, which is handed on where another module reads it. */
const modelsOf = ({ modules, reads }: System, extra: readonly (readonly [number, number])[] = [], dead = 0): readonly OnnxModel[] => {
  const crossing = [
    ...reads.flatMap((own, node) =>
      own.filter((below) => modules[below] !== modules[node]).map((below) => [below, modules[node] ?? 0] as const),
    ),
    ...extra,
  ];
  return Array.from({ length: Math.max(...modules) + 1 }, (_, module) => {
    const graph = graphBuilder(`m${module}`);
    graph.input('x', 'float32', [1]);
    for (const below of new Set(crossing.filter(([, reader]) => reader === module).map(([below]) => below)))
      graph.input(`t${below}`, 'float32', [1]);
    modules.forEach((own, node) => {
      if (own === module)
        graph.node('Sum', `n${node}`, ['x', ...(reads[node] ?? []).map((below) => `t${below}`)], { outputs: [`t${node}`] });
    });
    const handedOn = crossing.filter(([below]) => modules[below] === module).map(([below]) => below);
    const last = modules.flatMap((own, node) => (own === module && !reads.some((each) => each.includes(node)) ? [node] : []));
    for (const given of new Set([...handedOn, ...last])) graph.output(`t${given}`, 'float32', [1]);
    for (let at = 0; at < dead; at++) graph.node('Identity', `dead${at}`, [`t${modules.indexOf(module)}`], { outputs: [`dead${at}`] });
    return { proto: graph.finish().proto, folder: '', graph: `m${module}.onnx` };
  });
};

/** Warshall's closure of a square matrix of truths, reflexive. */
const closure = (edges: readonly (readonly boolean[])[]): boolean[][] => {
  const reached = edges.map((row, i) => row.map((cell, j) => cell || i === j));
  for (let k = 0; k < edges.length; k++)
    for (let i = 0; i < edges.length; i++) for (let j = 0; j < edges.length; j++) reached[i]![j] ||= reached[i]![k]! && reached[k]![j]!;
  return reached;
};

/** The definitions, cell by cell. */
const slowly = ({ modules, reads }: System): { score: number; q: number; handed: number } => {
  const n = modules.length;
  const edges = reads.map((own) => Array.from({ length: n }, (_, j) => own.includes(j)));
  const all = closure(edges);
  const inside = closure(edges.map((row, i) => row.map((cell, j) => cell && modules[i] === modules[j])));
  const open = modules.map((module, j) => edges.some((row, i) => row[j] && modules[i] !== module));
  let filled = 0;
  for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) if (modules[i] === modules[j] ? inside[i]![j] : open[j] && all[i]![j]) filled++;
  // Q over ordered pairs of nodes: (A_ij − k_i k_j / 2m) / 2m where they share a module.
  const joined = edges.map((row, i) => row.map((cell, j) => (cell || edges[j]![i] ? 1 : 0)));
  const degree = joined.map((row) => row.reduce((sum: number, cell) => sum + cell, 0));
  const ends = degree.reduce((sum, each) => sum + each, 0);
  let q = 0;
  if (ends > 0)
    for (let i = 0; i < n; i++)
      for (let j = 0; j < n; j++) if (modules[i] === modules[j]) q += (joined[i]![j]! - (degree[i]! * degree[j]!) / ends) / ends;
  const taken = new Set(reads.flatMap((own, i) => own.filter((j) => modules[j] !== modules[i]).map((j) => `${j}>${modules[i]}`)));
  const count = Math.max(...modules) + 1;
  return { score: 1 - filled / n ** 2, q, handed: (taken.size + open.filter(Boolean).length) / count };
};

/** Modules in the order of their numbers; a node reads some of those below it. */
const systems = fc
  .array(fc.tuple(fc.nat(3), fc.array(fc.nat(30), { maxLength: 4 })), { minLength: 1, maxLength: 24 })
  .map((drawn): System => {
    const modules = drawn.map(([module]) => module).sort((a, b) => a - b);
    return { modules, reads: drawn.map(([, reads], node) => [...new Set(reads.filter((below) => below < node))]) };
  });

describe('moduleStructure', () => {
  it('is what the definitions say, cell by cell', () => {
    fc.assert(
      fc.property(systems, (system) => {
        const found = moduleStructure(modelsOf(system));
        const { score, q, handed } = slowly(system);
        expect(found.modularityScore).toBeCloseTo(score, 12);
        expect(found.newmanQ).toBeCloseTo(q, 12);
        expect(found.interfaceTensors).toBeCloseTo(handed, 12);
      }),
      { numRuns: 150, seed: 11 },
    );
  });

  it('is the published propagation cost for one module: a chain of n fills n(n + 1) ÷ 2 cells', () => {
    const chain: System = { modules: Array(9).fill(0), reads: Array.from({ length: 9 }, (_, i) => (i === 0 ? [] : [i - 1])) };
    expect(moduleStructure(modelsOf(chain)).modularityScore).toBeCloseTo(1 - 45 / 81, 12);
    expect(moduleStructure(modelsOf(chain))).toMatchObject({ newmanQ: 0, interfaceTensors: 0 });
  });

  it('rates a cut higher than none, and a wider interface lower than a narrow one', () => {
    const reads = Array.from({ length: 12 }, (_, i) => (i === 0 ? [] : [i - 1]));
    const whole = moduleStructure(modelsOf({ modules: Array(12).fill(0), reads }));
    const modules = reads.map((_, i) => Math.floor(i / 4));
    const narrow = moduleStructure(modelsOf({ modules, reads }));
    expect(narrow.modularityScore).toBeGreaterThan(whole.modularityScore);
    const wide = moduleStructure(modelsOf({ modules, reads: reads.map((own, i) => (i === 8 ? [...own, 5] : own)) }));
    expect(wide.modularityScore).toBeLessThan(narrow.modularityScore);
    expect(wide.interfaceTensors).toBeGreaterThan(narrow.interfaceTensors);
    expect(wide.newmanQ).toBeLessThan(narrow.newmanQ);
    // Handed over and not read: nothing depends on it, but it is part of what the modules have agreed on.
    const idle = moduleStructure(modelsOf({ modules, reads }, [[5, 2]]));
    expect(idle.interfaceTensors).toBe(wide.interfaceTensors);
    expect(idle.modularityScore).toBeLessThanOrEqual(narrow.modularityScore);
  });

  it('is not moved by nodes that nothing needs', () => {
    const reads = Array.from({ length: 12 }, (_, i) => (i === 0 ? [] : [i - 1]));
    const system = { modules: reads.map((_, i) => Math.floor(i / 4)), reads };
    expect(moduleStructure(modelsOf(system, [], 60))).toEqual(moduleStructure(modelsOf(system)));
  });

  it('tells the share of the weights in the largest module', () => {
    const weighing = (module: string, elements: number): OnnxModel => {
      const graph = graphBuilder(module);
      graph.input('x', 'float32', [elements]);
      graph.node('Add', 'n', ['x', graph.floats(Array(elements).fill(1))], { outputs: [module] });
      graph.output(module, 'float32', [elements]);
      return { proto: graph.finish().proto, folder: '', graph: `${module}.onnx` };
    };
    expect(moduleStructure([weighing('a', 100), weighing('b', 300)]).largestModule).toBe(0.75);
    expect(moduleStructure([weighing('a', 100)]).largestModule).toBe(1);
  });

  it('refuses modules that wait for each other', () => {
    const models = modelsOf({ modules: [0, 1], reads: [[1], [0]] });
    expect(() => moduleStructure(models)).toThrow(GateError);
    expect(() => moduleStructure(models)).toThrow('in a circle');
  });
});

it('reachablePairs counts alike in one block of sources and in several', () => {
  const count = 2600;
  const needs = Array.from({ length: count }, (_, node) => (node === 0 ? [] : [node - 1]));
  const pairs = reachablePairs(dependencies(needs), [...needs.keys()], () => true);
  expect(pairs).toBe((count * (count + 1)) / 2);
  expect(reachablePairs(dependencies(needs), [0, 2599], (node) => node % 2 === 1)).toBe(1301);
});
