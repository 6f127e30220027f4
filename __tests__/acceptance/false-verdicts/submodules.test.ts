import { afterAll } from 'vitest';
import { testSituations } from '../../false-verdicts/situation.ts';
import { situations } from '../../false-verdicts/submodules.ts';
import { removeRoot } from '../../repository/scratch-repository.ts';

afterAll(removeRoot);
testSituations(situations, 'slow');
