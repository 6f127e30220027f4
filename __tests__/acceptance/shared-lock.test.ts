import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testFolder } from '../testkit/folder.ts';
import { type EngineScene, expectRegressed, openEngineScene } from './engine-scene.ts';

// Another user can be played by the superuser only.
describe.skipIf(process.getuid?.() !== 0)('jobs of two users on one machine', { timeout: 400_000 }, () => {
  let scene: EngineScene;
  beforeAll(async () => {
    scene = await openEngineScene();
  });
  afterAll(() => scene?.close());

  it('take the same lock, one after the other', async () => {
    const temporary = testFolder();
    // As that of every machine is.
    chmodSync(temporary, 0o1777);
    for (const user of [65_534, 65_533]) {
      scene.runAs(user);
      expectRegressed(scene, await scene.change({}, { environment: { TMPDIR: temporary } }));
      expect(existsSync(join(temporary, 'optimization-gate'))).toBe(true);
    }
  });
});
