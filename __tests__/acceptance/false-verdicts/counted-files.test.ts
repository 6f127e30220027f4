import { situations } from '../../false-verdicts/counted-files.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
