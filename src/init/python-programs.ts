import { askedByRounds, exampleMetric, type FoundProgram, isBenchmark, metricsOf, policyOf } from './program.ts';

const importsOnnx = /^[ \t]*(?:import|from)[ \t]+(?:onnx|onnxruntime|onnx_graphsurgeon|onnxscript)\b/m;
const declared = /(?:add_argument|click\.option|typer\.Option)\(([^()]{0,400})/g;
const printed = /json\.dumps\(\s*\{([^{}]{0,2000})\}/g;
const key = /(?:^|,)\s*["']([^"'\n]+)["']\s*:/g;
const clock = /\b(perf_counter|monotonic|process_time|elapsed_time|time\.time|timeit)/;
const importsPackage = /^[ \t]*(?:import|from)[ \t]+[A-Za-z_]/m;

const modelNames = ['--model', '--model-path', '--input-model', '--onnx', '--input', '-i'] as const;
const outputNames = ['--output', '--output-path', '--output-model', '--output-file', '--out', '-o'] as const;
const modelWord = /^(model|model_path|input_model|onnx|input|source)$/;
const outputWord = /^(output|output_path|output_model|output_file|out|target)$/;
const loadsOnnx = /\bonnx\.load(_model)?\(|\bquantize_(dynamic|static)\(|\bimport_onnx\(/;

/** How a program is told what to read and what to write. */
interface Called {
  /** Words of its command line. */
  readonly words: string;
  /** Whether it needs more than these. */
  readonly needsMore: boolean;
  /** Whether the names say that the first is a model. */
  readonly ofModel: boolean;
}

/** How the program is called to build a model; null where it does not say what it reads and writes. */
const calledWith = (text: string): Called | null => {
  const options = [...text.matchAll(declared)].map(([, inside = '']) => ({
    name: /^\s*["']([^"']*)["']/.exec(inside)?.[1] ?? '',
    all: [...inside.matchAll(/["'](--?[a-z][a-z-]*)["']/g)].map((match) => match[1] ?? ''),
    required: /required\s*=\s*True/.test(inside),
    optional: /nargs\s*=\s*["'][?*]["']|default\s*=/.test(inside),
  }));
  const needed = options.filter(({ name, required, optional }) => required || (name !== '' && !name.startsWith('-') && !optional));
  const [first, second] = needed;
  if (first !== undefined && second !== undefined && modelWord.test(first.name) && outputWord.test(second.name))
    return { words: '{model} {output}', needsMore: needed.length > 2, ofModel: /model|onnx/.test(first.name) };
  const named = (names: readonly string[]) =>
    names.flatMap((name) => options.filter(({ all }) => all.includes(name)).map((each) => ({ name, option: each })))[0];
  const [model, output] = [named(modelNames), named(outputNames)];
  if (model === undefined || output === undefined) return null;
  const others = needed.filter((each) => each !== model.option && each !== output.option);
  return { words: `${model.name} {model} ${output.name} {output}`, needsMore: others.length > 0, ofModel: /model|onnx/.test(model.name) };
};

/** Whether a program needs anything on its command line. */
const needsWords = (text: string): boolean =>
  [...text.matchAll(declared)].some(
    ([, inside = '']) => /required\s*=\s*True/.test(inside) || (/^\s*["'][^-"']/.test(inside) && !/nargs\s*=|default\s*=/.test(inside)),
  );

/** What a file of Python is to the gate; null where nothing in it speaks of an optimization. */
export const pythonProgram = (path: string, text: string): FoundProgram | null => {
  const about = { path, language: 'python', installed: importsPackage.test(text), words: '', metrics: [] } as const;
  const called = importsOnnx.test(text) ? calledWith(text) : null;
  const relative = /^[ \t]*from[ \t]+\./m.test(text) ? 'Start it with `-m`, because it imports from its own package.' : null;
  if (/\bsys\.stdin\b/.test(text) && /["']do["']/.test(text) && /["']ok["']/.test(text)) {
    const like = policyOf(text);
    const unclear = 'Name the built-in that it answers like.';
    return {
      ...about,
      key: 'serve',
      like: like ?? 'feedback-control',
      seen: 'answers the protocol of `serve:`',
      open: like === null ? unclear : relative,
    };
  }
  if (called !== null) {
    const { words } = called;
    const more = called.needsMore ? 'Write the other options that it needs into the command.' : null;
    const unclear = called.ofModel || loadsOnnx.test(text) ? null : 'Make sure that it reads the ONNX file that {model} stands for.';
    const seen = `is called with \`${words}\`, and imports onnx`;
    return { ...about, key: 'command', like: 'model', words, seen, open: more ?? relative ?? unclear };
  }
  if (/\bsys\.stdin\b/.test(text) && /\bjson\b/.test(text) && clock.test(text)) {
    const metrics = metricsOf(
      [...text.matchAll(printed)].map((match) => match[1] ?? ''),
      key,
      text,
    );
    const unclear = metrics === null ? 'Name its metrics as it prints them.' : null;
    const more = needsWords(text) ? 'Write the options that it needs into the command.' : null;
    const seen = 'reads lines, takes times and prints JSON';
    return { ...about, key: 'measure', like: null, metrics: metrics ?? [exampleMetric], seen, open: unclear ?? more ?? relative };
  }
  if (!isBenchmark(path)) return null;
  return { ...about, key: 'measure', like: null, metrics: [exampleMetric], seen: 'is a benchmark by its name', open: askedByRounds };
};
