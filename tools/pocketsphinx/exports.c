// What the WebAssembly module offers to src/engines/pocketsphinx/decoder.ts: PocketSphinx's calls, flat.
#include <pocketsphinx.h>
#include <stdio.h>
#include <stdlib.h>
#include "pocketsphinx_internal.h"

#define EXPORT(name) __attribute__((export_name(#name))) name

void *EXPORT(x_alloc)(size_t bytes) { return malloc(bytes); }
void EXPORT(x_release)(void *memory) { free(memory); }

// 0 when the model can't be loaded; the configuration is JSON of PocketSphinx's own options.
ps_decoder_t *EXPORT(x_new)(const char *json) {
  ps_config_t *config = ps_config_parse_json(NULL, json);
  return config ? ps_init(config) : NULL;
}

int EXPORT(x_delete)(ps_decoder_t *decoder) { return ps_free(decoder); }
int EXPORT(x_start)(ps_decoder_t *decoder) { return ps_start_utt(decoder); }
int EXPORT(x_process)(ps_decoder_t *decoder, const int16 *samples, size_t count) {
  return ps_process_raw(decoder, samples, count, FALSE, FALSE);
}
int EXPORT(x_end)(ps_decoder_t *decoder) { return ps_end_utt(decoder); }

const char *EXPORT(x_hypothesis)(ps_decoder_t *decoder) { return ps_get_hyp(decoder, NULL); }

typedef struct {
  const char *word;
  int32 first_frame, last_frame;
  int32 acoustic, language;
  // In 1/10,000, as WebAssembly callers read one array of integers.
  int32 posterior;
} segment;

// Fills `out` with the words of the best path so far and returns how many there are (at most `limit`).
int EXPORT(x_segments)(ps_decoder_t *decoder, segment *out, int limit) {
  int count = 0;
  for (ps_seg_t *seg = ps_seg_iter(decoder); seg; seg = ps_seg_next(seg)) {
    if (count == limit) {
      ps_seg_free(seg);
      break;
    }
    segment *to = &out[count++];
    int first, last;
    ps_seg_frames(seg, &first, &last);
    int32 back;
    int32 posterior = ps_seg_prob(seg, &to->acoustic, &to->language, &back);
    to->word = ps_seg_word(seg);
    to->first_frame = first;
    to->last_frame = last;
    to->posterior = (int32)(10000 * logmath_exp(ps_get_logmath(decoder), posterior));
  }
  return count;
}

int EXPORT(x_grammar)(ps_decoder_t *decoder, const char *name, const char *jsgf) {
  return ps_add_jsgf_string(decoder, name, jsgf);
}
int EXPORT(x_remove_search)(ps_decoder_t *decoder, const char *name) { return ps_remove_search(decoder, name); }
int EXPORT(x_activate)(ps_decoder_t *decoder, const char *name) { return ps_activate_search(decoder, name); }

// The word's number, or -1 when a phone is unknown or the word is there already. `update` rebuilds the search's lexicon.
int EXPORT(x_add_word)(ps_decoder_t *decoder, const char *word, const char *phones, int update) {
  return ps_add_word(decoder, word, phones, update);
}
// Its phones, to be released; 0 when the word is unknown.
char *EXPORT(x_lookup)(ps_decoder_t *decoder, const char *word) { return ps_lookup_word(decoder, word); }

// Adds the cepstra of mono PCM16 to `sums` (one number a coefficient) and returns how many frames they were. Needed, as the
// means that the next utterance is normalised by must come from this caller's speech and from nothing else.
int EXPORT(x_measure)(ps_decoder_t *decoder, const int16 *samples, size_t count, float *sums) {
  enum { FRAMES = 16, WIDTH = 64 };
  mfcc_t cells[FRAMES][WIDTH], *rows[FRAMES];
  fe_t *fe = decoder->acmod->fe;
  int width = fe_get_output_size(fe), total = 0;
  if (width > WIDTH) return -1;
  for (int i = 0; i < FRAMES; i++) rows[i] = cells[i];
  fe_start_utt(fe);
  while (count > 0) {
    int32 frames = FRAMES;
    if (fe_process_frames(fe, &samples, &count, rows, &frames) < 0 || frames == 0) break;
    for (int i = 0; i < frames; i++) {
      // PocketSphinx leaves frames without energy out of its means too.
      if (rows[i][0] < 0) continue;
      for (int j = 0; j < width; j++) sums[j] += MFCC2FLOAT(rows[i][j]);
      total++;
    }
  }
  fe_start_utt(fe);
  return total;
}
// 13 numbers with commas between them.
int EXPORT(x_set_means)(ps_decoder_t *decoder, const char *means) { return ps_set_cmn(decoder, means); }
