// Lets the visitor choose the microphone, before and during the call.
import { byId } from './elements.ts';
import { type Trouble, troubleOf } from './error-text.ts';
import { allowMicrophone, listMicrophones, rememberedMicrophone, rememberMicrophone } from './microphones.ts';

export interface MicrophoneView {
  /** Reads the names again; call after the microphone was allowed, or a device came or went. */
  refresh(): Promise<void>;
}

export function createMicrophoneView(
  onChoice: (id: string) => void,
  onTrouble: (trouble: Trouble) => void,
): MicrophoneView {
  const select = byId('microphone', HTMLSelectElement);
  const find = byId('find-microphones', HTMLButtonElement);

  const refresh = async () => {
    const microphones = await listMicrophones();
    const remembered = rememberedMicrophone();
    select.replaceChildren(
      new Option('Default microphone', ''),
      ...microphones.map(({ id, label }) => new Option(label, id)),
    );
    select.value = microphones.some(({ id }) => id === remembered) ? remembered : '';
    find.hidden = microphones.length > 0;
  };

  select.addEventListener('change', () => {
    rememberMicrophone(select.value);
    onChoice(select.value);
  });
  find.addEventListener('click', async () => {
    try {
      await allowMicrophone();
      await refresh();
      select.focus();
    } catch (error) {
      onTrouble(troubleOf(error));
    }
  });
  navigator.mediaDevices?.addEventListener('devicechange', () => void refresh());
  if (!navigator.mediaDevices) find.hidden = true;
  void refresh();
  return { refresh };
}
