// A thread that does as the test asks, also badly.
import { parentPort } from 'node:worker_threads';

parentPort.on('message', (task) => {
  if (task.do === 'double') parentPort.postMessage({ result: 2 * task.n });
  if (task.do === 'fail')
    parentPort.postMessage({ failure: { code: 'TEST_FAILED', message: 'as asked', where: { file: 'f' }, hint: 'do not ask' } });
  if (task.do === 'crash') throw new Error('out of turn');
  if (task.do === 'exit') process.exit(3);
  if (task.do === 'hang') for (;;);
});
