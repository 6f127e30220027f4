import { afterAll } from 'vitest';
import { situations } from '../../false-verdicts/projects.ts';
import { testSituations } from '../../false-verdicts/situation.ts';
import { removeRoot } from '../../repository/scratch-repository.ts';

afterAll(removeRoot);
testSituations(situations, 'slow');
