import { GateError } from '../errors.ts';
import { encodeModel } from '../onnx/binary.ts';
import { graphBuilder } from '../onnx/graph-builder.ts';
import type { Runtime } from './library.ts';
import { openSession, type ProviderSessionOptions, runSession } from './session.ts';

const product = (): Uint8Array => {
  const graph = graphBuilder('probe');
  graph.input('left', 'float32', [2, 3]);
  graph.input('right', 'float32', [3, 2]);
  graph.node('MatMul', 'product', ['left', 'right'], { outputs: ['product'] });
  graph.output('product', 'float32', [2, 2]);
  return encodeModel(graph.finish().proto);
};

/**
 * Whether a provider really works here, and not only whether this build of the runtime knows it: multiplies two small matrices
 * on it. Throws `provider-unavailable` or `session-failed` when it cannot be used, `non-finite-output` when it calculates wrongly.
 */
export const probeProvider = async (runtime: Runtime, settings: ProviderSessionOptions): Promise<void> => {
  const session = await openSession(runtime, product(), settings);
  try {
    const { Tensor } = runtime.ort;
    const left = new Tensor('float32', Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    const right = new Tensor('float32', Float32Array.of(1, 0, 0, 1, 1, 1), [3, 2]);
    const { product: found } = await runSession(session, { left, right }, ['product']);
    const values = found === undefined ? [] : Array.from(found.data as Float32Array);
    if (values.join() !== '4,5,10,11')
      throw new GateError(
        'non-finite-output',
        `Two small matrices were multiplied to test the provider. The product is wrong: ${values.join(', ')}.`,
        {
          where: settings.provider,
        },
      );
  } finally {
    await session.release();
  }
};
