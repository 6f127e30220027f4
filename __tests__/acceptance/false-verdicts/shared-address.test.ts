import { situations } from '../../false-verdicts/shared-address.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
