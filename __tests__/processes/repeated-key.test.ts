import fc from 'fast-check';
import { expect, it } from 'vitest';
import { hasRepeatedKey } from '../../src/processes/repeated-key.ts';

const has = (text: string): boolean => hasRepeatedKey(text, JSON.parse(text));

it('sees a key that stands twice in one object, at any depth', () => {
  for (const text of ['{"a":1,"a":1}', '[0, {"b": {"a" : 1, "c": "x", "\\u0061":2}}]', '{"":1,"":2}', '{"__proto__":1,"__proto__":2}'])
    expect([text, has(text)]).toEqual([text, true]);
  for (const text of ['{"a":{"a":":"},"b":[{"a":1},{"a":1}]}', '"a:b"', '{"\\":":1,"\\\\":2}', 'null', '[]'])
    expect([text, has(text)]).toEqual([text, false]);
});

it('finds none in what is written from a value, and no length or depth is too much', () => {
  fc.assert(fc.property(fc.json(), (text) => !has(JSON.stringify(JSON.parse(text)))));
  expect(has(`{"a":"${'\\n'.repeat(1_000_000)}"}`)).toBe(false);
  expect(has(`${'['.repeat(200_000)}${']'.repeat(200_000)}`)).toBe(false);
});
