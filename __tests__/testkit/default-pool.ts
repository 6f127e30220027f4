/** What the built-in architecture search builds unless told otherwise, in its order. */
export const defaultPool: readonly string[] = [
  'depth-100-width-75',
  'depth-100-width-50',
  'depth-75-width-100',
  'depth-75-width-75',
  'depth-50-width-100',
  'depth-50-width-50',
];
