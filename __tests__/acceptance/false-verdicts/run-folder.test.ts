import { situations } from '../../false-verdicts/run-folder.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
