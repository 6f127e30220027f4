import { situations } from '../../false-verdicts/onnx-runs.ts';
import { testSituations } from '../../false-verdicts/situation.ts';

testSituations(situations, 'slow');
