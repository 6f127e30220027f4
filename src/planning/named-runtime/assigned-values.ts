import { escaped, firstMatches, quoteBefore, wordAt, wordsAfter } from './command-words.ts';

/** What a text assigns to a name, as it is written, and where. */
export interface AssignedValue {
  readonly value: string;
  readonly at: number;
  /** `shell`: with `=` and no space, as a step gives its outputs. */
  readonly by: 'shell' | 'other';
}

const unquoted = (text: string): string => {
  const trimmed = text.trim();
  const [, quote, own] = /^(["'])(.*)\1[;,)]*$/.exec(trimmed) ?? [];
  return quote === undefined ? trimmed.replace(/[;,]+$/, '') : (own ?? '');
};

const listed = (text: string): readonly string[] =>
  text
    .split(/[\n,]/)
    .map(unquoted)
    .filter((each) => each !== '');

/** The values in the lines below a key of YAML: those of a list, of `default:` and `value:`, or of a text block. */
const below = (text: string, start: number, keyIndent: number, isBlock: boolean): readonly string[] => {
  const found: string[] = [];
  let inner: number | null = null;
  for (const line of text
    .slice(start, start + 20_000)
    .split('\n')
    .slice(1)) {
    const indent = line.search(/\S/);
    if (indent === -1) continue;
    const item = /^\s*- +(?!["']?[\w-]+["']?:\s)(.*)$/.exec(line)?.[1];
    if (indent < keyIndent || (indent === keyIndent && (isBlock || !line.trimStart().startsWith('- ')))) break;
    inner ??= indent;
    const given = /^\s*["']?(?:default|value)["']?:\s*(.*)$/.exec(line)?.[1];
    if (isBlock) found.push(line.trim());
    else if (indent === inner) found.push(...[item, given].flatMap((each) => (each === undefined ? [] : [unquoted(each)])));
  }
  return found.filter((each) => each !== '');
};

/** Values behind the sign of an assignment. */
const valuesAt = (text: string, start: number, sign: string, spaced: boolean, keyIndent: number): readonly string[] => {
  const end = text.indexOf('\n', start);
  const rest = text.slice(start, end === -1 ? undefined : end);
  const isKey = sign === ':';
  if (isKey && /^\s*(?:[|>][+-]?\d*)?\s*$/.test(rest)) return below(text, start, keyIndent, rest.trim() !== '');
  const first = rest[0] ?? '';
  if (first === '[' && !rest.startsWith('[[')) return listed(text.slice(start + 1, start + 2000).split(']')[0] ?? '');
  if (first === '(' && !spaced) return listed((rest.slice(1).split(')')[0] ?? '').replaceAll(' ', '\n'));
  if (first === '{' && !rest.startsWith('{{'))
    return [.../\b(?:default|value)["']?\s*[:=]\s*([^,}]+)/g[Symbol.matchAll](rest)].map(([, own = '']) => unquoted(own));
  if (/["']/.test(first)) return [wordAt(rest, 1, first)];
  if (!isKey && !spaced) return [wordAt(text, start)];
  // In a map that stands in one line, a value ends with its entry.
  const line = text.slice(text.lastIndexOf('\n', start - 1) + 1, start);
  return isKey && /(?<!\$|\{)\{[^}]*$/.test(line)
    ? [unquoted(/^[^,}$]*(?:\$\{\{[^}]*\}\}[^,}]*)?/.exec(rest)?.[0] ?? '')]
    : [unquoted(rest)];
};

/** Assignments of one name in one text. */
const most = 200;

const matches = (pattern: string, text: string): readonly RegExpExecArray[] => firstMatches(text, new RegExp(pattern, 'gm'), most);

/** What a text assigns to a name, in whatever of the usual languages. */
export const assignedValues = (name: string, text: string): readonly AssignedValue[] => {
  const own = escaped(name);
  const found: AssignedValue[] = [];
  for (const match of matches(`(?<![\\w-])${own}(["']?)([ \\t]*)(::?=|[?+:]=|=>|[=:])(?![=~])([ \\t]*)`, text)) {
    const [whole, , before = '', sign = '', behind = ''] = match;
    const { index } = match;
    // A default of the variable itself, or a word behind it.
    if (text.slice(index - 2, index) === '${' || (text[index - 1] === '$' && sign === ':')) continue;
    const keyIndent = index - (text.lastIndexOf('\n', index - 1) + 1) - (quoteBefore(text, index) === null ? 0 : 1);
    const spaced = before + behind !== '';
    const open = sign === '=' && !spaced ? quoteBefore(text, index) : null;
    const start = index + whole.length;
    const values = open === null ? valuesAt(text, start, sign, spaced, keyIndent) : [wordAt(text, start, open)];
    const by = sign === '=' && !spaced ? 'shell' : 'other';
    found.push(...values.filter((value) => value !== '').map((value): AssignedValue => ({ value, at: index, by })));
  }
  if (found.length >= most) return found.slice(0, most);
  for (const [pattern, take] of [
    [`^[ \\t]*(?:ENV|ARG) +${own} +`, 1],
    [`\\bfor +${own} +in +`, Number.POSITIVE_INFINITY],
    [`\\bforeach *\\( *\\$${own} +in +@?\\(?`, Number.POSITIVE_INFINITY],
    [`(?<=[\\s"'])--?${own}(?: +|=)`, 1],
    [`\\bset-output name=${own}::`, 1],
    [`\\bSetEnvironmentVariable\\( *["']${own}["'] *, *`, 1],
  ] as const)
    for (const match of matches(pattern, text)) {
      const words = wordsAfter(text, match.index + match[0].length).slice(0, take);
      found.push(...words.map((value): AssignedValue => ({ value, at: match.index, by: 'shell' })));
    }
  for (const match of matches(`^[ \\t]*- +name: *["']?${own}["']?[ \\t]*\\n[ \\t]+value: *(.*)$`, text))
    found.push({ value: unquoted(match[1] ?? ''), at: match.index, by: 'other' });
  for (const match of matches(`\\bread +(?:-\\w+ +)*${own}\\b[^<\\n]*< *`, text))
    found.push({ value: `$(cat ${wordAt(text, match.index + match[0].length)})`, at: match.index, by: 'other' });
  return found;
};
