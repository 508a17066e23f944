// How much memory is really in use: after a full collection.
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** In MB. */
export function usedHeapMb(): number {
  collect();
  collect();
  return process.memoryUsage().heapUsed / 1_000_000;
}
