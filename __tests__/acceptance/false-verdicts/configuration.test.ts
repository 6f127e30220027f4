import { situations } from '../../false-verdicts/configuration.ts';
import { situations as runs } from '../../false-verdicts/configuration-runs.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations([...situations, ...runs], 'slow');
