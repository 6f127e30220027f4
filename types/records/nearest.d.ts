/**
 * The known word that `word` was probably meant to be, or null when none is near (more than a third of the letters differ).
 * Case and `_` for `-` count for nothing; a word that a known one begins or ends with is near. Ties go to the first.
 */
export declare const nearest: (word: string, known: readonly string[]) => string | null;
/** ` Did you mean "x"?` when a known word is near, else ` Known: a, b, c.` (at most 20 of them). */
export declare const suggestion: (word: string, known: readonly string[]) => string;
