import { situations } from '../../false-verdicts/numbers.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
