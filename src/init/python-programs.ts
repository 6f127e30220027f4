import { askedByRounds, exampleMetric, type FoundProgram, isBenchmark, metricsOf, policyOf } from './program.ts';

const importsOnnx = /^[ \t]*(?:import|from)[ \t]+(?:onnx|onnxruntime|onnx_graphsurgeon|onnxscript)\b/m;
const declared = /(?:add_argument|click\.option|typer\.Option)\(([^()]{0,400})/g;
const printed = /json\.dumps\(\s*\{([^{}]{0,2000})\}/g;
const key = /(?:^|,)\s*["']([^"'\n]+)["']\s*:/g;
const clock = /\b(perf_counter|monotonic|process_time|elapsed_time|time\.time|timeit)/;
const importsPackage = /^[ \t]*(?:import|from)[ \t]+[A-Za-z_]/m;

/** Options that the program has, and whether it needs more than `--model` and `--output`. */
const optionsOf = (text: string): { readonly names: readonly string[]; readonly needsMore: boolean } => {
  const options = [...text.matchAll(declared)].map(([, inside = '']) => ({
    name: /^\s*["']([^"']*)["']/.exec(inside)?.[1] ?? '',
    all: [...inside.matchAll(/["'](--[a-z][a-z-]*)["']/g)].map((match) => match[1] ?? ''),
    required: /required\s*=\s*True/.test(inside),
    optional: /nargs\s*=\s*["'][?*]["']|default\s*=/.test(inside),
  }));
  const needed = options.filter(({ name, all, required, optional }) => {
    if (all.includes('--model') || all.includes('--output')) return false;
    return required || (!name.startsWith('-') && !optional);
  });
  return { names: options.flatMap(({ all }) => all), needsMore: needed.length > 0 };
};

/** What a file of Python is to the gate; null where nothing in it speaks of an optimization. */
export const pythonProgram = (path: string, text: string): FoundProgram | null => {
  const about = { path, language: 'python', installed: importsPackage.test(text), words: '', metrics: [] } as const;
  const { names, needsMore } = optionsOf(text);
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
  if (names.includes('--model') && names.includes('--output') && importsOnnx.test(text)) {
    const more = needsMore ? 'Write the other options that it needs into the command.' : null;
    const words = '--model {model} --output {output}';
    return { ...about, key: 'command', like: 'model', words, seen: 'takes --model and --output, and imports onnx', open: more ?? relative };
  }
  if (/\bsys\.stdin\b/.test(text) && /\bjson\b/.test(text) && clock.test(text)) {
    const metrics = metricsOf(
      [...text.matchAll(printed)].map((match) => match[1] ?? ''),
      key,
      text,
    );
    const unclear = metrics === null ? 'Name its metrics as it prints them.' : null;
    const more = needsMore ? 'Write the options that it needs into the command.' : null;
    const seen = 'reads lines, takes times and prints JSON';
    return { ...about, key: 'measure', like: null, metrics: metrics ?? [exampleMetric], seen, open: unclear ?? more ?? relative };
  }
  if (!isBenchmark(path)) return null;
  return { ...about, key: 'measure', like: null, metrics: [exampleMetric], seen: 'is a benchmark by its name', open: askedByRounds };
};
