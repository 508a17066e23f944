// Loads sherpa-onnx-node, which only those install who bring a model of their own.
import { UserError } from '../config/user-error.ts';

// In a variable, so that neither the compiler nor a bundler looks for the package, which users install by hand.
const PACKAGE: string = 'sherpa-onnx-node';

/**
 * @param variable the setting that asks for it, such as FREE_STT_MODEL_DIR
 * @throws UserError when the package is not installed or does not load
 */
export async function importSherpa<Package>(variable: string): Promise<Package> {
  try {
    const loaded = (await import(PACKAGE)) as Package & { readonly default?: Package };
    return loaded.default ?? loaded;
  } catch (cause) {
    const reason = String((cause as Error).message ?? cause).split('\n', 1)[0];
    throw new UserError(
      `${variable} is set, and the package ${PACKAGE} cannot be loaded: ${reason}`,
      `run "pnpm add ${PACKAGE}", or unset ${variable}`,
      { cause },
    );
  }
}
