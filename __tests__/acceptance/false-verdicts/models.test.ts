import { situations } from '../../false-verdicts/models.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
