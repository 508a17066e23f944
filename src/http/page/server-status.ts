// Shows whether a call would be answered now, and notices when the server of the page goes or comes back.
import { fetchReadiness } from './api.ts';
import { byId, part } from './elements.ts';

const CHECK_EVERY_MS = 10_000;
/** Interval while something is wrong, as the visitor waits for it to recover. */
const CHECK_SOON_MS = 2_000;

export function watchServer(onBack: () => void): void {
  const pill = byId('server-status');
  let gone = false;
  const show = (level: 'ready' | 'waiting' | 'gone', text: string) => {
    const words = part(pill, '[data-text]');
    pill.dataset.level = level;
    if (words.textContent !== text) words.textContent = text;
  };
  const check = async () => {
    let next = CHECK_SOON_MS;
    try {
      const { ready, reasons } = await fetchReadiness();
      if (gone) onBack();
      gone = false;
      show(ready ? 'ready' : 'waiting', ready ? 'Ready' : (reasons[0] ?? 'Starting'));
      pill.title = reasons.join('\n');
      if (ready) next = CHECK_EVERY_MS;
    } catch {
      gone = true;
      show('gone', 'Server does not answer');
    }
    setTimeout(() => void check(), next);
  };
  void check();
}
