// What policy knows and tells of the health of all providers; src/health has the boards.
import type { Admission, Health, Outcome } from './health.ts';

/** Ids are `stage/provider`, with `#fingerprint` of the key for what concerns the key alone. */
export interface HealthBoard {
  health(id: string): Health;
  /** What `admit` would say. Neither ever waits for another process. */
  peek(id: string): Admission | undefined;
  /** Whether a call may be made now; its outcome must be reported. */
  admit(id: string): Admission | undefined;
  report(id: string, outcome: Outcome): void;
  /** Attempts under way at it in all calls that are known of. */
  load(id: string): number;
  /** An attempt is under way at it until the result is called. */
  occupy(id: string): () => void;
  /** Called after each change but of mere latencies; the result takes it back. */
  onChange(listener: (id: string, health: Health) => void): () => void;
}
