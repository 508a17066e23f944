// Shows the transcript: changes only the lines that changed, keeps the newest in sight, tells screen readers what is final.
import { byId, icon, make } from './elements.ts';
import { secondsText } from './median.ts';
import { type Line, type Transcript, visibleLines } from './transcript.ts';

/** Within this many pixels of the end, the view follows the conversation. */
const NEAR_END_PX = 60;
const ANNOUNCED_KEPT = 20;

export class TranscriptView {
  readonly #list = byId('lines');
  readonly #scroll = byId('scroll');
  readonly #empty = byId('empty');
  readonly #latest = byId('latest');
  readonly #announcer = byId('announcer');
  readonly #shown = new Map<string, { line: Line; element: HTMLElement }>();
  readonly #announced = new Set<string>();
  #follows = true;

  constructor() {
    this.#scroll.addEventListener('scroll', () => {
      const { scrollHeight, scrollTop, clientHeight } = this.#scroll;
      this.#follows = scrollHeight - scrollTop - clientHeight < NEAR_END_PX;
      this.#latest.hidden = this.#follows;
    });
    this.#latest.addEventListener('click', () => {
      this.#follows = true;
      this.#toEnd();
    });
  }

  show(transcript: Transcript, agentName: string): void {
    const lines = visibleLines(transcript);
    const ids = new Set(lines.map(({ id }) => id));
    for (const [id, { element }] of this.#shown) {
      if (ids.has(id)) continue;
      element.remove();
      this.#shown.delete(id);
    }
    lines.forEach((line, index) => {
      const shown = this.#shown.get(line.id);
      if (shown?.line === line) return;
      const element = shown?.element ?? make('li', '');
      fill(element, line, agentName);
      if (!shown) this.#list.insertBefore(element, this.#list.children[index] ?? null);
      this.#shown.set(line.id, { line, element });
      this.#announce(line, agentName);
    });
    this.#empty.hidden = lines.length > 0;
    if (this.#follows) this.#toEnd();
  }

  clear(): void {
    this.#list.replaceChildren();
    this.#announcer.replaceChildren();
    this.#shown.clear();
    this.#announced.clear();
    this.#follows = true;
  }

  #toEnd(): void {
    this.#scroll.scrollTop = this.#scroll.scrollHeight;
  }

  #announce(line: Line, agentName: string): void {
    if (this.#announced.has(line.id) || (line.kind === 'speech' && !line.final)) return;
    this.#announced.add(line.id);
    const words = line.kind === 'notice' ? line.text : `${speaker(line, agentName)}: ${line.text}`;
    this.#announcer.append(make('p', '', words));
    while (this.#announcer.children.length > ANNOUNCED_KEPT) this.#announcer.firstChild?.remove();
  }
}

function fill(element: HTMLElement, line: Line, agentName: string): void {
  if (line.kind === 'notice') {
    element.className = `notice ${line.level}`;
    element.replaceChildren(icon(line.level), make('span', '', line.text));
    return;
  }
  element.className = `line ${line.side} ${line.final ? 'final' : 'interim'}`;
  const who = make('p', 'who', [make('span', 'name', speaker(line, agentName))]);
  if (line.typed) who.append(make('span', 'tag', 'typed'));
  if (line.voiceToVoiceMs !== undefined) {
    const time = make('span', 'tag time', secondsText(line.voiceToVoiceMs));
    time.title = 'From the end of your words to the agent’s first sound';
    who.append(time);
  }
  element.replaceChildren(who, make('p', 'words', line.text.trim()));
}

function speaker(line: Extract<Line, { kind: 'speech' }>, agentName: string): string {
  return line.side === 'caller' ? 'You' : agentName;
}
