import { situations } from '../../false-verdicts/busy-head.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
