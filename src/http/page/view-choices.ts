// Lets the visitor choose whom to talk to and in which language, and keeps the choice in the page's address.
import type { PersonaChoice } from './api.ts';
import { byId, make, part } from './elements.ts';
import { type LinkChoice, readLink, writeLink } from './link.ts';

export class Choices {
  readonly #personas: readonly PersonaChoice[];
  readonly #languageSelect = byId('language', HTMLSelectElement);
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
    this.#languageSelect.addEventListener('change', () => this.#changed());
  }

  get persona(): PersonaChoice | undefined {
    return this.#persona;
  }

  /** What the call is asked for with. */
  get request(): { persona?: string; language?: string } {
    const language = this.#languageSelect.value;
    return { ...(this.#persona && { persona: this.#persona.id }), ...(language && { language }) };
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
    const choice: LinkChoice = this.#persona ? { persona: this.#persona.id } : {};
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
