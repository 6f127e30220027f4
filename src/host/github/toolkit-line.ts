/** A line that the toolkit prints. */
export interface ToolkitLine {
  readonly level: 'debug' | 'info' | 'warning' | 'error';
  readonly text: string;
}

const MAX_LENGTH = 4096;
const command = /^::([\w-]+)(?: [^:]*)?::(.*)$/s;

const unescaped = (text: string): string => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%');

/** A line of standard output without the workflow command around it; null for a command that says nothing, such as a mask. */
export const toolkitLine = (line: string): ToolkitLine | null => {
  const [, name, text = ''] = command.exec(line) ?? [];
  if (name === undefined) return { level: 'info', text: line.slice(0, MAX_LENGTH) };
  if (name !== 'debug' && name !== 'warning' && name !== 'error') return null;
  return { level: name, text: unescaped(text).slice(0, MAX_LENGTH) };
};

/** What an operation waits for: an answer of the service, the content of an entry, or the disk. `key`: that of the entry it found. */
export interface ToolkitStep {
  readonly name: 'asking' | 'transfer' | 'local';
  readonly key: string | null;
}

const steps: Readonly<Record<'restore' | 'save', readonly (readonly [ToolkitStep['name'], RegExp])[]>> = {
  restore: [
    ['transfer', /^Cache hit for(?: restore-key)?: (.*)$/],
    ['transfer', /^\{.*"cacheKey":"([^"]*)"/],
    ['local', /^Cache Size: ~/],
  ],
  save: [
    ['asking', /^Reserving Cache$/],
    ['transfer', /^(?:Attempting to upload cache located at|Saving Cache \(ID): ?/],
    ['asking', /^(?:\[Request\] FinalizeCacheEntryUpload |Commiting cache$)/],
  ],
};

/** The step that begins with a line of the installed release of the toolkit; null where none does. */
export const stepOf = ({ text }: ToolkitLine, doing: 'restore' | 'save'): ToolkitStep | null => {
  for (const [name, pattern] of steps[doing]) {
    const found = pattern.exec(text);
    if (found !== null) return { name, key: found[1] ?? null };
  }
  return null;
};
