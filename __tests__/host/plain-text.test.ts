import fc from 'fast-check';
import { marked } from 'marked';
import { describe, expect, it } from 'vitest';
import { noteMarkdown, plainLines } from '../../src/host/plain-text.ts';

describe('text of any origin', () => {
  it('is lines without control characters', () => {
    expect(plainLines('one\u001b[31m\r\ntwo\tthree\rfour\u2028')).toEqual(['one[31m', 'two\tthree', 'four']);
  });

  it('is a note without markup, mentions or links', () => {
    expect(noteMarkdown('Kept 3 of 5 records (0.2 MiB).\nDone.')).toBe('> [!NOTE]\n> Kept 3 of 5 records (0.2 MiB).\n> Done.');
    const hostile = noteMarkdown('# ✅ PASSED\n- [x](https://evil.example) <img src=x> a` *b* @team #12 | ~c~ &amp; !d');
    expect(hostile.split('\n')).toHaveLength(3);
    expect(
      hostile
        .replace('[!NOTE]', '')
        .replace(/^> /gm, '')
        .replaceAll(/&#\d+;/g, ''),
    ).not.toMatch(/[#<>`*_[\]@|~&!+]|^-/m);
  });

  it('keeps code spans, and pairs their backticks as Markdown does', () => {
    expect(noteMarkdown('Give it `a: *b*`, ``not this``.')).toBe('> [!NOTE]\n> Give it `a: *b*`, &#96;&#96;not this&#96;&#96;.');
    const hostile = fc.array(
      fc.constantFrom(
        '`',
        '``',
        'a',
        ' ',
        '    ',
        '1. ',
        '*b*',
        '<img src=x>',
        '[x](https://evil.example)',
        '\n',
        '- ',
        '\\',
        'http://evil.example',
        'www.evil.example',
        'a@evil.example',
      ),
    );
    fc.assert(
      fc.property(hostile, (parts) => {
        const shown = marked.parse(noteMarkdown(parts.join('')), { async: false });
        expect(shown.replaceAll(/<\/?(?:blockquote|p|code)>/g, '')).not.toMatch(/[<>]/);
      }),
    );
  });
});
