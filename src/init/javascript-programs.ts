import { askedByRounds, exampleMetric, type FoundProgram, isBenchmark, metricsOf, policyOf } from './program.ts';

const exported = (name: string): RegExp =>
  new RegExp(
    `^export\\s+(?:const|let|async\\s+function|function)\\s+${name}\\b|^export\\s{0,9}\\{[^}]{0,2000}\\b${name}\\b[^}]{0,2000}\\}`,
    'm',
  );
const exportsBuild = exported('build');
const exportsStart = exported('start');
const typesOfGate = /\bfrom\s+['"]optimization-gate['"]/;
/** A package that is not part of Node. */
const importsPackage = /(?:\bfrom\s+|\bimport\s*\(?\s*|\brequire\(\s*)['"](?!node:|\.|\/|#|optimization-gate['"])[^'"\n]+['"]/;
const option = /\b([A-Za-z][\w-]{0,60})['"]?\s{0,9}:\s{0,9}\{\s{0,99}type:\s{0,9}['"](?:string|boolean)['"]([^}]{0,200})\}/g;
const printed = /JSON\.stringify\(\s*\{([^{}]{0,2000})\}/g;
const key = /(?:^|,)\s*(?:['"]([^'"\n]+)['"]|([A-Za-z_$][\w$]*))\s*(?=[:,]|$)/g;
const clock = /\bperformance\.now\b|\bhrtime\b|\bDate\.now\b/;
const readsLines = /\bprocess\.stdin\b|\breadline\b/;

/** A module of Node as it is: TypeScript has to be made one first. */
const bundled = 'Bundle it into one JavaScript file, and name that file.';

/** What a file of JavaScript or TypeScript is to the gate; null where nothing in it speaks of an optimization. */
export const javascriptProgram = (path: string, text: string): FoundProgram | null => {
  const about = { path, language: 'javascript', installed: importsPackage.test(text), words: '', metrics: [] } as const;
  const typed = /\.[cm]?ts$/.test(path) ? bundled : null;
  const builds =
    exportsBuild.test(text) && (typesOfGate.test(text) || (/\bstages\b/.test(text) && /\binput\b/.test(text) && /\boutput\b/.test(text)));
  const starts = exportsStart.test(text) && /\bnext\b/.test(text) && /\b(setting|observation|episode)\b/.test(text);
  if (builds || starts) {
    const policy = starts ? policyOf(text) : null;
    const seen = `exports ${builds && starts ? '`build` and `start`' : builds ? '`build`' : '`start`'} of the contract`;
    const unclear = starts && policy === null ? 'Name the built-in that it decides like.' : null;
    return { ...about, key: 'module', like: policy ?? (starts ? 'feedback-control' : 'model'), seen, open: typed ?? unclear };
  }
  if (readsLines.test(text) && /\bdo\b/.test(text) && /\bok\s*:/.test(text) && /\bepisode\b|\bobservation\b/.test(text)) {
    const like = policyOf(text);
    const unclear = like === null ? 'Name the built-in that it answers like.' : null;
    return { ...about, key: 'serve', like: like ?? 'feedback-control', seen: 'answers the protocol of `serve:`', open: typed ?? unclear };
  }
  const options = [...text.matchAll(option)].map(([, name = '', rest = '']) => ({ name, optional: /\bdefault\s*:/.test(rest) }));
  const has = (name: string): boolean => options.some((each) => each.name === name);
  if (/\bparseArgs\b/.test(text) && has('model') && has('output')) {
    const needsMore = options.some(({ name, optional }) => name !== 'model' && name !== 'output' && !optional);
    const more = needsMore ? 'Write the other options that it needs into the command.' : null;
    const words = '--model {model} --output {output}';
    return { ...about, key: 'command', like: 'model', words, seen: 'takes --model and --output', open: typed ?? more };
  }
  if (readsLines.test(text) && /\bJSON\.stringify\b/.test(text) && clock.test(text)) {
    const metrics = metricsOf(
      [...text.matchAll(printed)].map((match) => match[1] ?? ''),
      key,
      text,
    );
    const unclear = metrics === null ? 'Name its metrics as it prints them.' : null;
    const seen = 'reads lines, takes times and prints JSON';
    return { ...about, key: 'measure', like: null, metrics: metrics ?? [exampleMetric], seen, open: unclear ?? typed };
  }
  if (!isBenchmark(path)) return null;
  return { ...about, key: 'measure', like: null, metrics: [exampleMetric], seen: 'is a benchmark by its name', open: askedByRounds };
};
