// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is removed
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029]/g;

/** Text of any origin as lines for people: line ends unified, control and escape characters removed (tabs stay). */
export const plainLines = (text: string): readonly string[] => text.split(/\r\n|\r|\n/).map((line) => line.replace(controls, ''));
