// Keyboard shortcuts, which keep out of the way of typing and choosing.

export interface KeyActions {
  readonly onMute: () => void;
  readonly onHangUp: () => void;
}

export function listenForKeys({ onMute, onHangUp }: KeyActions): void {
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || event.isComposing) return;
    const target = event.target instanceof Element ? event.target : undefined;
    if (target?.closest('input[type=text], select, textarea')) return;
    if (event.key === 'm' || event.key === 'M') onMute();
    if (event.key === 'Escape') onHangUp();
  });
}
