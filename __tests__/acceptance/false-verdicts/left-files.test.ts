import { situations } from '../../false-verdicts/left-files.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
