import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Fault } from '../testkit/results-service.ts';
import type { ActionRun } from '../testkit/run-action.ts';
import { type EngineScene, expectRegressed, openEngineScene, said } from './engine-scene.ts';

const page = '<!DOCTYPE html><html><body>Sign in to the network</body></html>';

describe('a cache that fails costs a job one line, in words of its own', { timeout: 300_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
    // What the runs below find and try to read.
    expect((await scene.push(undefined)).code).toBe(0);
  });
  afterAll(() => scene?.close());

  const linesOf = (text: string): readonly string[] => text.split('\n').filter((line) => /The workflow cache/.test(line));

  const changed = async (call: string, fault: Fault): Promise<ActionRun> => {
    scene.results.state.faults.set(call, fault);
    const judged = await scene.change({});
    scene.results.state.faults.clear();
    expectRegressed(scene, judged);
    return judged.run;
  };

  it.each<readonly [string, string, Fault, RegExp]>([
    [
      'a token that may only read',
      'CreateCacheEntry',
      { status: 200, body: '{"ok":false,"message":"cache write denied: token has no writable scopes"}' },
      /not written: this job may not do that.*only read/,
    ],
    [
      'an entry that is too large (413)',
      'PUT blob',
      { status: 413, type: 'application/xml', body: '<Error><Message>The body is too large.</Message></Error>' },
      /not written: no entry of this size is accepted \(127\.0\.0\.1: 413/,
    ],
    [
      'a proxy on the way to a save (407)',
      'CreateCacheEntry',
      { status: 407, type: 'text/html', body: page },
      /not written: a proxy.*407.*no_proxy/,
    ],
    [
      'a proxy on the way to a restore (407)',
      'GetCacheEntryDownloadURL',
      { status: 407, type: 'text/html', body: page },
      /not read: a proxy.*407.*no_proxy/,
    ],
    [
      'an expired token of the runner',
      'GetCacheEntryDownloadURL',
      { status: 401, body: '{"msg":"token expired"}' },
      /not read: the token of this job is refused.*"token expired"/,
    ],
    [
      'a full cache',
      'CreateCacheEntry',
      { status: 403, body: '{"msg":"insufficient usage to create entry"}' },
      /takes no more for now.*quota.*Delete entries/,
    ],
    ['lost connections', 'GetCacheEntryDownloadURL', 'reset', /not read: the connection failed/],
    ['a transfer that drips', 'GET blob', 'trickle', /not read: the transfer is too slow \(it moved \d+ bytes in 30 s\)/],
  ])('%s', async (_, call, fault, words) => {
    const run = await changed(call, fault);
    expect(linesOf(said(run))).toEqual([expect.stringMatching(words)]);
    expect(linesOf(run.summary)).toEqual([expect.stringMatching(words)]);
    expect(said(run)).not.toMatch(/Sign in|sig=/);
  });

  it('an entry that another job of the same key saves first is no failure, and nothing is said', async () => {
    const run = await changed('CreateCacheEntry', { status: 409, body: '{"code":"already_exists","msg":"x"}' });
    expect([...linesOf(said(run)), ...linesOf(run.summary)]).toEqual([]);
  });
});
