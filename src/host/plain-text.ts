// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Text of any origin as lines for people: line ends unified, control and escape characters removed (tabs stay). */
export const plainLines = (text: string): readonly string[] => text.split(/\r\n|\r|\n/).map((line) => line.replace(controls, ''));

/** A code span; no backtick of it touches another, so that Markdown pairs them as this does. */
const codeSpan = /((?<!`)`[^`]+`(?!`))/;

/** What GitHub would turn into a link or a mention; an invisible character behind it keeps it text. */
const linking = /:(?=\/\/)|[@#]|www(?=\.)/gi;

/** Text of any origin as a note in GitHub Markdown: code spans stay, and no other markup, no mention and no link comes from it. */
export const noteMarkdown = (text: string): string => {
  const literal = (words: string): string =>
    words
      .replace(linking, '$&\u200b')
      .replace(/^-|(?<=^\d+)[.)]|[^\p{L}\p{N}\s.,:;'"()/-]/gu, (character) => `&#${character.codePointAt(0)};`);
  const line = (words: string): string =>
    words
      .trim()
      .split(codeSpan)
      .map((part, at) => (at % 2 === 1 ? part : literal(part)))
      .join('');
  return ['[!NOTE]', ...plainLines(text).map(line)].map((one) => `> ${one}`).join('\n');
};
