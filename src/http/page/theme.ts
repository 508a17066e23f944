// Dark or light: what the system prefers until the visitor chooses.
import { recall, remember } from './memory.ts';

export type Theme = 'dark' | 'light';

export function rememberedTheme(): Theme | undefined {
  const stored = recall('theme');
  return stored === 'dark' || stored === 'light' ? stored : undefined;
}

export function applyTheme(theme: Theme): void {
  document.documentElement.dataset.theme = theme;
}

export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset.theme;
  if (chosen === 'dark' || chosen === 'light') return chosen;
  return systemDark().matches ? 'dark' : 'light';
}

/** Wires the button that switches the theme; `onChange` runs after each change, also after one of the system's. */
export function wireTheme(button: HTMLButtonElement, onChange: () => void): void {
  const show = () => {
    button.setAttribute('aria-pressed', String(currentTheme() === 'dark'));
    onChange();
  };
  button.addEventListener('click', () => {
    const theme = currentTheme() === 'dark' ? 'light' : 'dark';
    remember('theme', theme);
    applyTheme(theme);
    show();
  });
  systemDark().addEventListener('change', show);
  show();
}

function systemDark(): MediaQueryList {
  return matchMedia('(prefers-color-scheme: dark)');
}
