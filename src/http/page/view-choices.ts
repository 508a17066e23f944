// Lets the visitor choose whom to talk to, in which language and in which mode, and keeps the choice in the page's address.
import type { CallChoice, PersonaChoice } from './api.ts';
import { byId, make, part } from './elements.ts';
import { type LinkChoice, readLink, writeLink } from './link.ts';

export class Choices {
  readonly #personas: readonly PersonaChoice[];
  readonly #languageSelect = byId('language', HTMLSelectElement);
  readonly #modeSwitch = byId('mode', HTMLInputElement);
  readonly #onChange: () => void;
  #persona: PersonaChoice | undefined;

  constructor(personas: readonly PersonaChoice[], onChange: () => void) {
    this.#personas = personas;
    this.#onChange = onChange;
    const linked = readLink(location.search);
    this.#persona =
      personas.find(({ id }) => id === linked.persona) ?? personas.find(({ isDefault }) => isDefault) ?? personas[0];
    this.#fillPersonas();
    this.#fillLanguages(linked.language);
    this.#showMode(linked.mode);
    for (const field of [this.#languageSelect, this.#modeSwitch]) {
      field.addEventListener('change', () => this.#changed());
    }
  }

  get persona(): PersonaChoice | undefined {
    return this.#persona;
  }

  /** The choice with which the call is requested. */
  get request(): CallChoice {
    const language = this.#languageSelect.value;
    return { ...(this.#persona && { persona: this.#persona.id }), ...(language && { language }), mode: this.#mode };
  }

  get #mode(): 'pipeline' | 'speech-to-speech' {
    return this.#modeSwitch.checked ? 'speech-to-speech' : 'pipeline';
  }

  #showMode(wanted = this.#persona?.mode): void {
    byId('mode-field').hidden = false;
    this.#modeSwitch.checked = wanted === 'speech-to-speech';
  }

  #fillPersonas(): void {
    const field = byId('personas', HTMLFieldSetElement);
    field.hidden = this.#personas.length === 0;
    part(field, '[data-choices]').replaceChildren(...this.#personas.map((persona) => this.#personaChoice(persona)));
  }

  #personaChoice(persona: PersonaChoice): HTMLElement {
    const radio = document.createElement('input');
    radio.type = 'radio';
    radio.name = 'persona';
    radio.value = persona.id;
    radio.checked = persona === this.#persona;
    radio.addEventListener('change', () => {
      this.#persona = persona;
      this.#fillLanguages(undefined);
      this.#showMode();
      this.#changed();
    });
    const words = make('span', 'persona-words', [
      make('span', 'persona-title', persona.title),
      make('span', 'persona-description', persona.description),
    ]);
    return make('label', 'persona', [radio, words]);
  }

  #fillLanguages(wanted: string | undefined): void {
    const languages = this.#persona?.languages ?? [];
    byId('language-field').hidden = languages.length < 2;
    this.#languageSelect.replaceChildren(...languages.map((tag) => new Option(languageName(tag), tag)));
    if (wanted && languages.includes(wanted)) this.#languageSelect.value = wanted;
  }

  #changed(): void {
    const mode = this.#mode === (this.#persona?.mode ?? 'pipeline') ? {} : { mode: this.#mode };
    const choice: LinkChoice = this.#persona ? { persona: this.#persona.id, ...mode } : mode;
    const several = (this.#persona?.languages.length ?? 0) > 1;
    const query = writeLink(location.search, several ? { ...choice, language: this.#languageSelect.value } : choice);
    history.replaceState(null, '', `${location.pathname}${query}`);
    this.#onChange();
  }
}

/** "en-GB" → "British English", in the language of the page. */
function languageName(tag: string): string {
  try {
    return new Intl.DisplayNames(['en'], { type: 'language' }).of(tag) ?? tag;
  } catch {
    return tag;
  }
}
