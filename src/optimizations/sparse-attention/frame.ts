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
  /** [batch, 1, blocks, queries · repeats, keys]: 0 where a query sees a key, a very negative number elsewhere. */
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

/**
 * Indices and mask of a pattern, computed inside the graph for calls of any length: prefill, chunks after a prefill, single steps.
 * A layer's cache holds the globals that lie before the newest `window − 1` positions, then those. Rows of a batch are of one length.
 * @param repeats query heads per key head; they lie beside each other in the rows of a block.
 */
export const patternFrame = (
  graph: Emitter,
  path: string,
  { mask, sequence, total, past }: CallLengths,
  { window, globals }: Pattern,
  block: number,
  repeats: number,
): PatternFrame => {
  const at = (name: string): string => `${path}/${name}`;
  const op = (operator: string, name: string, ...inputs: readonly string[]): string => graph.node(operator, at(name), inputs);
  const [zero, one] = [scalar(graph, 0), scalar(graph, 1)];
  // Keys before its own that a query sees at most; a short call has fewer.
  const longest = scalar(graph, window - 1);
  const before = op('Min', 'before/Min', longest, op('Sub', 'before/Sub', total, one));
  const range = (name: string, from: string, to: string): string => op('Range', name, from, to, one);
  const upright = (name: string, tensor: string): string => op('Unsqueeze', name, tensor, graph.integers([1]));

  const queries = op('Min', 'block/Min', sequence, scalar(graph, block));
  const blocks = op('Div', 'blocks/Div', op('Add', 'blocks/Add', sequence, op('Sub', 'blocks/Sub', queries, one)), queries);
  const starts = upright('starts/Unsqueeze', op('Mul', 'starts/Mul', range('starts/Range', zero, blocks), queries));
  const rows = op('Add', 'rows/Add', starts, range('rows/Range', zero, queries));
  const taken = op('Min', 'rows/Min', rows, op('Sub', 'rows/Sub', sequence, one));

  // Position a layer's cached tail begins at, before and after this call, and what is to be added to a position for its column.
  const tail = (name: string, length: string): string => op('Max', `${name}/Max`, op('Sub', `${name}/Sub`, length, longest), zero);
  const [oldTail, newTail] = [tail('old', past), tail('new', total)];
  const globalsBefore = (name: string, position: string): string =>
    globals === null
      ? zero
      : op(
          'Min',
          `${name}/globals/Min`,
          scalar(graph, globals.limit),
          op('Div', `${name}/globals/Div`, position, scalar(graph, globals.stride)),
        );
  const oldGlobals = globalsBefore('old', oldTail);
  const shift = op('Sub', 'shift/Sub', oldGlobals, oldTail);

  const columns = range('columns/Range', zero, op('Add', 'columns/Add', queries, before));
  const first = op('Add', 'positions/first/Add', starts, op('Sub', 'positions/first/Sub', past, before));
  const positions = op('Add', 'positions/Add', first, columns);
  const inside = op('Clip', 'positions/Clip', positions, zero, op('Sub', 'positions/last/Sub', total, one));
  // A position that no longer has a column is hidden below; clipping keeps its index inside the tensor.
  const windowKeys = op('Max', 'window/Max', op('Add', 'window/Add', inside, shift), zero);
  const repeated = scalar(graph, repeats);
  const offsets = op('Div', 'offsets/Div', range('offsets/Range', zero, op('Mul', 'offsets/Mul', queries, repeated)), repeated);
  const ownColumns = upright('offsets/Unsqueeze', offsets);
  const near = op(
    'And',
    'near/And',
    op('GreaterOrEqual', 'near/GreaterOrEqual', columns, ownColumns),
    op('LessOrEqual', 'near/LessOrEqual', columns, op('Add', 'near/Add', ownColumns, before)),
  );
  const spread = (name: string, tensor: string, ...axes: readonly number[]): string => op('Unsqueeze', name, tensor, graph.integers(axes));
  const boolean = (name: string, tensor: string): string => graph.node('Cast', at(name), [tensor], { attributes: { to: { int: 9 } } });
  const held = (name: string, wanted: string): string =>
    boolean(`${name}/Cast`, graph.node('Gather', at(`${name}/Gather`), [mask, wanted], { attributes: { axis: { int: 1 } } }));
  const tokensThere = op('And', 'there/And', held('there', inside), op('GreaterOrEqual', 'there/GreaterOrEqual', positions, zero));
  const windowSeen = op('And', 'seen/And', spread('seen/Unsqueeze', tokensThere, 1, 3), near);
  const bias = (seen: string): string => op('Where', 'bias/Where', seen, graph.floats([0], []), graph.floats([-1e30], []));
  const length = op('Reshape', 'length/Reshape', sequence, graph.integers([1]));
  const newest = range('kept/Range', op('Add', 'kept/first/Add', newTail, shift), op('Add', 'kept/last/Add', total, shift));
  if (globals === null) return { queries: taken, keys: windowKeys, bias: bias(windowSeen), kept: newest, length };

  const numbers = range('globals/Range', zero, globalsBefore('new', newTail));
  const places = op(
    'Add',
    'globals/places/Add',
    op('Mul', 'globals/places/Mul', numbers, scalar(graph, globals.stride)),
    scalar(graph, globals.stride - 1),
  );
  const globalColumns = op(
    'Where',
    'globals/Where',
    op('Less', 'globals/Less', numbers, oldGlobals),
    numbers,
    op('Add', 'globals/columns/Add', places, shift),
  );
  const concat = (name: string, axis: number, ...inputs: readonly string[]): string =>
    graph.node('Concat', at(name), inputs, { attributes: { axis: { int: axis } } });
  const every = op('Add', 'globals/every/Add', op('Mul', 'globals/every/Mul', starts, zero), globalColumns);
  // Newest position that each query does not see through the window.
  const beyond = op('Add', 'globals/beyond/Add', first, op('Sub', 'globals/beyond/Sub', offsets, one));
  const far = op('LessOrEqual', 'globals/LessOrEqual', places, spread('globals/beyond/Unsqueeze', beyond, 2));
  const globalsSeen = op('And', 'globals/seen/And', spread('globals/there/Unsqueeze', held('globals/there', places), 1, 2, 3), far);
  return {
    queries: taken,
    keys: concat('keys/Concat', 1, every, windowKeys),
    bias: bias(concat('seen/Concat', 4, globalsSeen, windowSeen)),
    kept: concat('kept/Concat', 0, globalColumns, newest),
    length,
  };
};
