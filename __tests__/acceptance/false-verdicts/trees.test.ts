import { testSituations } from '../../false-verdicts/situation.ts';
import { situations as runs } from '../../false-verdicts/tree-runs.ts';
import { situations } from '../../false-verdicts/trees.ts';

testSituations([...situations, ...runs], 'slow');
