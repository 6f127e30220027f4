import type { Matrix, Products } from '../contract/build.ts';
import { GateError } from '../errors.ts';
import { encodeModel } from '../onnx/binary.ts';
import { graphBuilder } from '../onnx/graph-builder.ts';
import { hostProvider } from '../records/provider.ts';
import { loadRuntime, type Runtime } from './library.ts';
import { openSession, runSession, type Session } from './session.ts';

type Type = 'float32' | 'float64';
type Transposed = 'left' | 'right' | null;

/** Always the CPU and one thread: the order of additions, and with it the last bit, must not depend on the machine's cores. */
const settings = { provider: hostProvider, threads: 1, spinning: false } as const;

/** A graph that multiplies matrices of any size. */
const productGraph = (type: Type, transposed: Transposed): Uint8Array => {
  const graph = graphBuilder('product');
  const [left, right] = [graph.input('left', type, ['a', 'b']), graph.input('right', type, ['c', 'd'])];
  graph.node(
    'MatMul',
    'product',
    [
      transposed === 'left' ? graph.node('Transpose', 'turned', [left]) : left,
      transposed === 'right' ? graph.node('Transpose', 'turned', [right]) : right,
    ],
    { outputs: ['product'] },
  );
  graph.output('product', type, ['rows', 'columns']);
  return encodeModel(graph.finish().proto);
};

const typeOf = (left: Float32Array | Float64Array, right: Float32Array | Float64Array): Type => {
  if (left instanceof Float64Array && right instanceof Float64Array) return 'float64';
  if (left instanceof Float32Array && right instanceof Float32Array) return 'float32';
  throw new GateError('option-invalid', 'Two matrices were to be multiplied. Expected two of float32 or two of float64, got others.');
};

const checkShape = (name: string, { rows, columns, data }: Matrix<Float32Array | Float64Array>): void => {
  if (!Number.isSafeInteger(rows) || !Number.isSafeInteger(columns) || rows < 0 || columns < 0 || rows * columns !== data.length)
    throw new GateError(
      'option-invalid',
      `Two matrices were to be multiplied. Expected ${rows} × ${columns} values of the ${name} one, got ${data.length}.`,
    );
};

/** Products that hold native sessions until they are released. */
type OpenedProducts = Products & { release(): Promise<void> };

/**
 * Opens products; the runtime is loaded on the first one, and a session is kept per type and layout. An inner dimension of 0 gives
 * zeros. A product throws `option-invalid` for shapes that do not fit or values of two types, and what sessions throw
 * (`runtime-not-found`, `session-failed`).
 * @param roots where onnxruntime-node is looked for
 */
export const openProducts = (roots: readonly string[]): OpenedProducts => {
  let loading: Promise<Runtime> | null = null;
  const sessions = new Map<string, Promise<Session>>();
  const sessionOf = (runtime: Runtime, type: Type, transposed: Transposed): Promise<Session> => {
    const key = `${type} ${transposed}`;
    const opening = sessions.get(key) ?? openSession(runtime, productGraph(type, transposed), settings);
    sessions.set(key, opening);
    return opening;
  };
  return {
    multiply: async <Values extends Float32Array | Float64Array>(
      left: Matrix<Values>,
      right: Matrix<Values>,
      transposed?: 'left' | 'right',
    ) => {
      const type = typeOf(left.data, right.data);
      checkShape('left', left);
      checkShape('right', right);
      const [rows, inner] = transposed === 'left' ? [left.columns, left.rows] : [left.rows, left.columns];
      const [across, columns] = transposed === 'right' ? [right.columns, right.rows] : [right.rows, right.columns];
      if (inner !== across)
        throw new GateError(
          'option-invalid',
          `Two matrices were to be multiplied. The inner sides of ${rows} × ${inner} and ${across} × ${columns} differ.`,
        );
      // Both constructors make zeros of a length; the runtime refuses tensors without elements.
      if (rows * inner * columns === 0)
        return {
          rows,
          columns,
          data: (type === 'float64' ? new Float64Array(rows * columns) : new Float32Array(rows * columns)) as Values,
        };
      loading ??= loadRuntime(roots);
      const runtime = await loading;
      const session = await sessionOf(runtime, type, transposed ?? null);
      const tensor = ({ data, ...dense }: Matrix<Values>) => new runtime.ort.Tensor(type, data, [dense.rows, dense.columns]);
      const { product } = await runSession(session, { left: tensor(left), right: tensor(right) }, ['product']);
      if (product === undefined) throw new GateError('internal', 'The product of two matrices gave nothing.');
      return { rows, columns, data: product.data as Values };
    },
    release: async () => {
      const opened = [...sessions.values()];
      sessions.clear();
      for (const session of opened) await (await session).release();
    },
  };
};
