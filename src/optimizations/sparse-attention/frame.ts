import type { GraphBuilder } from '../../onnx/graph-builder.ts';
import type { Pattern } from './pattern.ts';

/** The nodes that attention is written with. */
export type Emitter = Pick<GraphBuilder, 'node' | 'integers' | 'floats'>;

/** Tensors that tell how long a call is. */
export interface CallTensors {
  /** [batch, sequence] */
  readonly tokens: string;
  /** [batch, total], 1 where a position holds a token: how many there have been, though a layer's cache holds fewer. */
  readonly mask: string;
}

/** Lengths of a call, all int64 scalars. */
export interface CallLengths {
  readonly mask: string;
  readonly sequence: string;
  readonly total: string;
  /** Positions before the first new one. */
  readonly past: string;
}

/** What all layers of one pattern share. Blocks are `min(block, sequence)` queries. */
export interface PatternFrame {
  /** [blocks, queries]: rows of the queries; the last block repeats the last row. */
  readonly queries: string;
  /** [blocks, keys]: columns of cached and new keys that a block's scores are computed with. */
  readonly keys: string;
  /** [batch, 1, blocks, queries · repeats, keys]: 0 where a query sees a key, very negative numbers elsewhere. */
  readonly bias: string;
  /** [kept]: columns of cached and new keys that the next call may need: the globals, then the newest `window − 1`. */
  readonly kept: string;
  /** int64 [1], see `CallLengths.sequence`. */
  readonly length: string;
}

const scalar = (graph: Emitter, value: number): string => graph.integers([value], []);

export const callLengths = (graph: Emitter, path: string, { tokens, mask }: CallTensors): CallLengths => {
  const second = (name: string, tensor: string): string =>
    graph.node('Gather', `${path}/${name}/Gather`, [graph.node('Shape', `${path}/${name}/Shape`, [tensor]), scalar(graph, 1)], {
      attributes: { axis: { int: 0 } },
    });
  const sequence = second('sequence', tokens);
  const total = second('total', mask);
  return { mask, sequence, total, past: graph.node('Sub', `${path}/past/Sub`, [total, sequence]) };
};

/** Short words for nodes under one path. */
const writer = (graph: Emitter, path: string) => {
  const at = (name: string): string => `${path}/${name}`;
  const op = (operator: string, name: string, ...inputs: readonly string[]): string => graph.node(operator, at(name), inputs);
  return {
    op,
    number: (value: number): string => scalar(graph, value),
    range: (name: string, from: string, to: string): string => op('Range', `${name}/Range`, from, to, scalar(graph, 1)),
    unsqueeze: (name: string, tensor: string, ...axes: readonly number[]): string =>
      op('Unsqueeze', `${name}/Unsqueeze`, tensor, graph.integers(axes)),
    concat: (name: string, axis: number, ...inputs: readonly string[]): string =>
      graph.node('Concat', at(`${name}/Concat`), inputs, { attributes: { axis: { int: axis } } }),
    /** 0 where a mask is set, a very negative number elsewhere. */
    hidden: (name: string, mask: string): string =>
      op('Where', `${name}/bias/Where`, mask, graph.floats([0], []), graph.floats([-1e30], [])),
    /** Whether positions hold a token: [batch, …positions]. */
    held: (name: string, mask: string, positions: string): string =>
      graph.node(
        'Cast',
        at(`${name}/Cast`),
        [graph.node('Gather', at(`${name}/Gather`), [mask, positions], { attributes: { axis: { int: 1 } } })],
        { attributes: { to: { int: 9 } } },
      ),
  };
};
type Writer = ReturnType<typeof writer>;

/** Where a layer's cached tail begins, and how many globals lie before it. */
interface Tail {
  readonly start: string;
  readonly globals: string;
}

const tailAfter = ({ op, number }: Writer, name: string, length: string, { window, globals }: Pattern): Tail => {
  const start = op('Max', `${name}/Max`, op('Sub', `${name}/Sub`, length, number(window - 1)), number(0));
  if (globals === null) return { start, globals: number(0) };
  const passed = op('Div', `${name}/globals/Div`, start, number(globals.stride));
  return { start, globals: op('Min', `${name}/globals/Min`, number(globals.limit), passed) };
};

interface Blocks {
  /** int64 scalar: queries per block. */
  readonly queries: string;
  /** [blocks, 1]: the first query of each. */
  readonly starts: string;
  /** [queries · repeats]: which query of its block a row belongs to. */
  readonly offsets: string;
}

const blocksOf = ({ op, number, range, unsqueeze }: Writer, sequence: string, block: number, repeats: number): Blocks => {
  const queries = op('Min', 'block/Min', sequence, number(block));
  const count = op('Div', 'blocks/Div', op('Add', 'blocks/Add', sequence, op('Sub', 'blocks/Sub', queries, number(1))), queries);
  const rows = range('offsets', number(0), op('Mul', 'offsets/Mul', queries, number(repeats)));
  return {
    queries,
    starts: unsqueeze('starts', op('Mul', 'starts/Mul', range('starts', number(0), count), queries), 1),
    offsets: op('Div', 'offsets/Div', rows, number(repeats)),
  };
};

/** Columns that the runtime's products take at a time: a part of them costs as much as the whole. */
const columnGroup = 16;

/** How many keys more than its queries see through a whole window a full block takes, so that those are whole groups; int64 scalar. */
const spareKeys = ({ op, number }: Writer, queries: string, window: number, block: number): string => {
  const seen = block + window - 1;
  const spare = Math.ceil(seen / columnGroup) * columnGroup - seen;
  return spare === 0 ? number(0) : op('Mul', 'spare/Mul', op('Div', 'spare/Div', queries, number(block)), number(spare));
};

interface Keys {
  readonly columns: string;
  /** Boolean [batch, 1, blocks, queries · repeats, keys]. */
  readonly seen: string;
}

/** The globals that the newest positions have left behind, in the order of the cache, [globals]. */
const globalKeys = (
  { op, number, range, unsqueeze, held }: Writer,
  mask: string,
  { stride }: NonNullable<Pattern['globals']>,
  offsets: string,
  /** [blocks, 1]: oldest position that the first query of a block sees through the window. */
  oldest: string,
  [old, now, shift]: readonly [Tail, Tail, string],
): Keys => {
  const numbers = range('globals', number(0), now.globals);
  const places = op('Add', 'globals/places/Add', op('Mul', 'globals/places/Mul', numbers, number(stride)), number(stride - 1));
  const cached = op('Less', 'globals/Less', numbers, old.globals);
  // A global is seen through the window while it is there.
  const beyond = op('Add', 'globals/beyond/Add', oldest, op('Sub', 'globals/beyond/Sub', offsets, number(1)));
  const far = op('LessOrEqual', 'globals/LessOrEqual', places, unsqueeze('globals/beyond', beyond, 2));
  return {
    columns: op('Where', 'globals/Where', cached, numbers, op('Add', 'globals/columns/Add', places, shift)),
    seen: op('And', 'globals/seen/And', unsqueeze('globals/there', held('globals/there', mask, places), 1, 2, 3), far),
  };
};

/**
 * Indices and mask of a pattern, computed inside the graph for calls of any length: prefill, chunks after a prefill, single steps.
 * A layer's cache holds the globals that lie before the newest `window − 1` positions, then those. Rows of a batch are of one length.
 * @param repeats query heads per key head; they lie beside each other in the rows of a block.
 */
export const patternFrame = (
  graph: Emitter,
  path: string,
  { mask, sequence, total, past }: CallLengths,
  pattern: Pattern,
  block: number,
  repeats: number,
): PatternFrame => {
  const write = writer(graph, path);
  const { op, number, range, unsqueeze, concat, held, hidden } = write;
  const { queries, starts, offsets } = blocksOf(write, sequence, block, repeats);
  const rows = op('Add', 'rows/Add', starts, range('rows', number(0), queries));
  const [old, now] = [tailAfter(write, 'old', past, pattern), tailAfter(write, 'new', total, pattern)];
  // What is to be added to a position for its column among cached and new keys.
  const shift = op('Sub', 'shift/Sub', old.globals, old.start);

  // Keys before its own that a query sees at most; a short call has fewer.
  const before = op('Min', 'before/Min', number(pattern.window - 1), op('Sub', 'before/Sub', total, number(1)));
  const spare = spareKeys(write, queries, pattern.window, block);
  const reach = op('Add', 'reach/Add', before, spare);
  const columns = range('columns', number(0), op('Add', 'columns/Add', queries, reach));
  const first = op('Add', 'positions/first/Add', starts, op('Sub', 'positions/first/Sub', past, reach));
  const positions = op('Add', 'positions/Add', first, columns);
  // Positions before the text and after it are hidden below; clipping keeps their indices inside the tensors.
  const inside = op('Clip', 'positions/Clip', positions, number(0), op('Sub', 'positions/last/Sub', total, number(1)));
  const windowKeys = op('Max', 'window/Max', op('Add', 'window/Add', inside, shift), number(0));
  const ownColumns = unsqueeze('offsets', offsets, 1);
  const near = op(
    'And',
    'near/And',
    op('GreaterOrEqual', 'near/GreaterOrEqual', columns, op('Add', 'near/spare/Add', ownColumns, spare)),
    op('LessOrEqual', 'near/LessOrEqual', columns, op('Add', 'near/Add', ownColumns, reach)),
  );
  const there = op('And', 'there/And', held('there', mask, inside), op('GreaterOrEqual', 'there/GreaterOrEqual', positions, number(0)));
  // Each mask is turned into numbers while it is small; only their sum is as large as the scores.
  const windowBias = op('Add', 'bias/Add', hidden('near', near), unsqueeze('there', hidden('there', there), 1, 3));
  const newest = range('kept', op('Add', 'kept/first/Add', now.start, shift), op('Add', 'kept/last/Add', total, shift));

  const frame = (keys: string, bias: string, kept: string): PatternFrame => ({
    queries: op('Min', 'rows/Min', rows, op('Sub', 'rows/Sub', sequence, number(1))),
    keys,
    bias,
    kept,
    length: op('Reshape', 'length/Reshape', sequence, graph.integers([1])),
  });
  if (pattern.globals === null) return frame(windowKeys, windowBias, newest);
  const oldest = op('Add', 'positions/oldest/Add', first, spare);
  const globals = globalKeys(write, mask, pattern.globals, offsets, oldest, [old, now, shift]);
  const everyBlock = op('Add', 'globals/every/Add', op('Mul', 'globals/every/Mul', starts, number(0)), globals.columns);
  return frame(
    concat('keys', 1, everyBlock, windowKeys),
    concat('bias', 4, hidden('globals', globals.seen), windowBias),
    concat('kept', 0, globals.columns, newest),
  );
};
