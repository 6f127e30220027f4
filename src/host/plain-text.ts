// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Text of any origin as lines for people: line ends unified, control and escape characters removed (tabs stay). */
export const plainLines = (text: string): readonly string[] => text.split(/\r\n|\r|\n/).map((line) => line.replace(controls, ''));

/** Text of any origin as a note in GitHub Markdown: no markup, no mention and no link comes from it. */
export const noteMarkdown = (text: string): string => {
  const literal = (line: string): string =>
    line.replace(/^\s*-|[^\p{L}\p{N}\s.,:;'"()/-]/gu, (found) => found.replace(/\S/u, (character) => `&#${character.codePointAt(0)};`));
  return ['[!NOTE]', ...plainLines(text).map(literal)].map((line) => `> ${line}`).join('\n');
};
