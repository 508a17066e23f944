// Applies the remembered appearance before the first paint, so that the page doesn't flash.
import { applyTheme, rememberedTheme } from './theme.ts';

const theme = rememberedTheme();
if (theme) applyTheme(theme);
