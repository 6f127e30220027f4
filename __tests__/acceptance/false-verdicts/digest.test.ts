import { situations } from '../../false-verdicts/digest.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
