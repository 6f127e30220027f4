import { posix } from 'node:path';
import type { Json } from '../../records/words.ts';
import { type JsonMap, jsonMap, jsonOf, yamlOf } from './json-map.ts';

/** A file that holds commands, or a part of it that is started alone: a job of a workflow, a script of a manifest. */
export interface CommandText {
  readonly path: string;
  /** Name of the job or the script; null for the whole file, or for what all of its jobs share. */
  readonly part: string | null;
  /** Without comments, and with continued lines in one. */
  readonly text: string;
  /** What a YAML text holds, of this part. */
  readonly data: JsonMap;
}

const slashed = /\.(?:[cm]?[jt]sx?|jsonc?|go|rs|gradle|groovy|kts?)$/i;
const batch = /\.(?:cmd|bat)$/i;
const yaml = /\.ya?ml$/i;

/** More characters than a line that a person writes. */
const longest = 20_000;

/** A line up to its comment: `mark` at its start or behind a space, outside of quotes that are closed. */
const beforeComment = (line: string, mark: string): string => {
  for (let at = 0; at < line.length; at++) {
    const opens = at === 0 || /[\s=(,:[{]/.test(line[at - 1] ?? '');
    if (opens && (line[at] === '"' || line[at] === "'")) {
      const closing = line.indexOf(line[at] ?? '', at + 1);
      if (closing !== -1) at = closing;
    } else if (line.startsWith(mark, at) && (at === 0 || /\s/.test(line[at - 1] ?? ''))) return line.slice(0, at).trimEnd();
  }
  return line;
};

/** A text without comments, each continued line in one with the next. */
export const uncommented = (path: string, text: string): string => {
  const plain = text.replace(/^\uFEFF/, '').replace(/\r\n?/g, '\n');
  if (/\.json$/i.test(path)) return plain;
  if (batch.test(path)) return plain.replace(/^[ \t]*(?:@?rem(?:[ \t].*)?|::.*)$/gim, '').replace(/\^\n[ \t]*/g, ' ');
  const block = slashed.test(path) ? /\/\*[\s\S]*?\*\//g : /\.ps1$/i.test(path) ? /<#[\s\S]*?#>/g : null;
  const mark = slashed.test(path) ? '//' : '#';
  const lines = (block === null ? plain : plain.replace(block, '')).split('\n');
  const kept = lines.map((line) => beforeComment(line.slice(0, longest), mark)).join('\n');
  // Steps of a workflow may be of PowerShell.
  return kept.replace(/\\\n[ \t]*/g, ' ').replace(/ `\n[ \t]*/g, ' ');
};

/** The lines of each job of a workflow, and the others; null where they do not stand below each other. */
const jobLines = (text: string): ReadonlyMap<string | null, string> | null => {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => /^jobs:\s*$/.test(line));
  const indent = /^[ \t]+(?=\S)/.exec(lines.slice(start + 1).find((line) => line.trim() !== '') ?? '')?.[0];
  if (start === -1 || indent === undefined) return null;
  const parts = new Map<string | null, string>();
  let part: string | null = null;
  for (const [at, line] of lines.entries()) {
    if (at > start && /^\S/.test(line)) part = null;
    else if (at > start && line.startsWith(indent) && /\S/.test(line[indent.length] ?? '')) {
      const name = /^["']?([\w-]+)["']?:/.exec(line.slice(indent.length))?.[1];
      if (name === undefined) return null;
      part = name;
    }
    parts.set(part, `${parts.get(part) ?? ''}${line}\n`);
  }
  return parts;
};

/** What a file can be started as. */
export const commandTexts = (path: string, raw: string): readonly CommandText[] => {
  if (posix.basename(path) === 'package.json')
    return Object.entries(jsonMap(jsonMap(jsonOf(raw))['scripts'])).flatMap(([part, text]) =>
      typeof text === 'string' ? [{ path, part, text, data: {} }] : [],
    );
  const text = uncommented(path, raw);
  const value: Json = yaml.test(path) ? yamlOf(raw, path) : null;
  const data = jsonMap(value);
  const { jobs, ...shared } = data;
  const parts = yaml.test(path) && jobs !== undefined ? jobLines(text) : null;
  if (parts === null) return [{ path, part: null, text, data }];
  return [...parts].map(([part, own]) => ({ path, part, text: own, data: part === null ? shared : jsonMap(jsonMap(jobs)[part]) }));
};

/** Keys whose values are for readers. */
const prose = /^(\s*(?:- )?)["']?(?:name|run-name|description|placeholder|label|title|about|summary|message|deprecationMessage)["']?:/;

/** What is only shown: the text of an `echo` that goes into no file and to no other command. */
const shown =
  /(?<!\$\()\b(?:echo|printf|Write-(?:Host|Output|Error|Warning)|console\.(?:log|error|warn)\()\s*(?:-\w+ +)*(?:"[^"\n]*"|'[^'\n]*'|`[^`\n]*`|[^\s"'`>|;&$-][^"'`>|;&$\n]*(?=["'`>|;&$\n]|$))(?!\s*(?:>>?\s*[^&\s>]|\|))/g;

const blank = (text: string): string => ' '.repeat(text.length);

/** The lines that can install something, at their places: neither names and descriptions, nor what is only shown. */
export const withoutProse = ({ path, text }: CommandText): string => {
  let within: number | null = null;
  const lines = text.split('\n').map((line) => {
    const indent = line.search(/\S/);
    if (within !== null && (indent === -1 || indent > within)) return blank(line);
    within = null;
    const key = yaml.test(path) ? prose.exec(line) : null;
    if (key !== null) within = key[1]?.length ?? 0;
    return key !== null ? blank(line) : line.replace(shown, blank);
  });
  return lines.join('\n');
};
