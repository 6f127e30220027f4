// An optimization that misbehaves: `node faulty.mjs MODE MODEL OUTPUT PACKAGE`, on the side that side.txt names.
import { appendFileSync, copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

const [mode, from, to, home] = process.argv.slice(2);
const [side, kind] = mode.split(':');

const copy = () => {
  copyFileSync(from, to);
  copyFileSync(`${from}.data`, `${to}.data`);
};

/** Rewrites the graph and writes it without any check. */
const edit = async (change) => {
  const { fromBinary, toBinary } = await import(`${home}/node_modules/@bufbuild/protobuf/dist/esm/index.js`);
  const { ModelProtoSchema } = await import(`${home}/src/onnx/proto/onnx_pb.js`);
  const proto = fromBinary(ModelProtoSchema, readFileSync(from));
  change(proto.graph);
  writeFileSync(to, toBinary(ModelProtoSchema, proto));
  copyFileSync(`${from}.data`, `${to}.data`);
};

/** Puts nodes behind the first output. */
const behind = (graph, operators) => {
  const [{ name }] = graph.output;
  const last = graph.node.find((node) => node.output.includes(name));
  last.output = last.output.map((each) => (each === name ? 'before' : each));
  operators.forEach((opType, index) => {
    const input = [index === 0 ? 'before' : `between_${index}`];
    const output = [index === operators.length - 1 ? name : `between_${index + 1}`];
    graph.node.push({ ...last, name: `behind_${index}`, opType, domain: '', attribute: [], input, output });
  });
};

const misbehave = {
  exit: () => {
    console.error('cannot prune: the ratio is silly');
    process.exit(1);
  },
  segfault: () => process.kill(process.pid, 'SIGSEGV'),
  abort: () => process.abort(),
  hang: () => {
    copy();
    console.error('still thinking');
    setInterval(() => {}, 1000);
  },
  memory: () => {
    const kept = [];
    setInterval(() => kept.push(Buffer.alloc(64 << 20, kept.length + 1)), 10);
  },
  silent: () => {},
  garbage: () => writeFileSync(to, Buffer.alloc(5000, 0xa7)),
  truncated: () => {
    copy();
    writeFileSync(to, readFileSync(from).subarray(0, 20_000));
  },
  'short-data': () => {
    copyFileSync(from, to);
    writeFileSync(`${to}.data`, readFileSync(`${from}.data`).subarray(0, 10_000));
  },
  outside: () =>
    edit((graph) => {
      appendFileSync(join(dirname(to), '..', 'outside.bin'), Buffer.alloc(1 << 20));
      const tensor = graph.initializer.find((each) => each.externalData.length > 0);
      for (const entry of tensor.externalData) if (entry.key === 'location') entry.value = '../outside.bin';
    }),
  refused: () => edit((graph) => behind(graph, ['NoSuchOperator'])),
  nan: () => edit((graph) => behind(graph, ['Abs', 'Neg', 'Log'])),
  flood: () => {
    const line = `${'flood '.repeat(2000)}\n`;
    for (let count = 0; count < 3000; count++) {
      writeFileSync(1, line);
      writeFileSync(2, line);
    }
    process.exit(7);
  },
  scribble: () => {
    copy();
    writeFileSync(join(dirname(to), basename(to).replace('.onnx', '.txt')), 'notes');
  },
};

if (side === readFileSync('side.txt', 'utf8').trim()) await misbehave[kind]();
else copy();
