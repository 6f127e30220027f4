import { describe, expect, it } from 'vitest';
import { requireAlike } from '../../src/processes/alike-users.ts';
import { refusal } from '../config/refusal.ts';

const user = (name: string, uid: number, ...groups: readonly string[]) => ({ name, uid, groups });

describe('users of head and base', () => {
  it.each([
    [user('a', 1, 'a'), user('b', 2, 'b')],
    [user('a', 1, 'a', 'video', 'render'), user('b', 2, 'b', 'render', 'video')],
    [user('a', 1, 'users', 'video'), user('b', 2, 'users', 'video')],
    // The first group of one is a further one of the other.
    [user('a', 1, 'video'), user('b', 2, 'b', 'video')],
    [user('a', 1, 'a'), user('b', 2, 'a')],
  ])('find the same machine: %j and %j', (head, base) => {
    expect(() => requireAlike(head, base)).not.toThrow();
  });

  it.each([
    [
      user('a', 1, 'a', 'video', 'render'),
      user('b', 2, 'b'),
      /a has and b lacks: video, render\. .*`sudo usermod --append --groups video,render b`/,
    ],
    [user('a', 1, 'a'), user('b', 2, 'b', 'video'), /b has and a lacks: video\. .*`sudo usermod --append --groups video a`/],
    [user('a', 1, 'nogroup'), user('b', 2, 'b'), /a has and b lacks: nogroup/],
    [user('a', 7, 'a'), user('b', 7, 'a'), /got a and b, two names of user 7/],
  ])('are refused: %j and %j', (head, base, message) => {
    expect(refusal(() => requireAlike(head, base))).toMatchObject({
      code: 'isolation-unavailable',
      where: 'isolation.base-user',
      message: expect.stringMatching(message),
    });
  });
});
