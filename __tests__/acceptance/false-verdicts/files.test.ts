import { builtInSituations, situations } from '../../false-verdicts/failed-start.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations([...situations, ...builtInSituations], 'slow');
