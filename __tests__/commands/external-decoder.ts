/** A program that measures by itself: its numbers rest on its own arithmetic, so that a test needs no quiet machine. */
export const decoder = (milliseconds: number, bytes: number): string => `import { createInterface } from 'node:readline';
import { existsSync } from 'node:fs';
if (!existsSync(process.argv[2])) throw new Error('no model');
let state = process.pid;
const noise = () => ((state = (state * 48271) % 2147483647) / 2147483647 - 0.5) / 200;
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify({ 'decode-latency': ${milliseconds} * (1 + noise()), 'cache-bytes': ${bytes}, accuracy: 0.75 }));
`;

/** Its entry in the configuration. */
export const external = [
  'engine',
  'measure: node decode.mjs {model}',
  'inputs: [decode.mjs]',
  'metrics:',
  '  - { id: decode-latency, unit: ms, better: lower, kind: timing }',
  '  - { id: cache-bytes, unit: bytes, better: lower, kind: exact }',
  '  - { id: accuracy, unit: share, better: higher, kind: exact, scale: linear }',
];
