// How loud a track is, read when the picture is drawn.

export interface LevelReader {
  /** 0 (silence) to 1 (as loud as speech gets). */
  read(): number;
  stop(): void;
}

/** Speech spans about this range below full scale. */
const FLOOR_DB = -60;
const CEILING_DB = -14;

export function readLevel(context: AudioContext, track: MediaStreamTrack): LevelReader {
  const source = context.createMediaStreamSource(new MediaStream([track]));
  const analyser = context.createAnalyser();
  analyser.fftSize = 512;
  source.connect(analyser);
  const samples = new Float32Array(analyser.fftSize);
  return {
    read() {
      analyser.getFloatTimeDomainData(samples);
      let sum = 0;
      for (const sample of samples) sum += sample * sample;
      const decibels = 10 * Math.log10(sum / samples.length + 1e-12);
      return Math.min(1, Math.max(0, (decibels - FLOOR_DB) / (CEILING_DB - FLOOR_DB)));
    },
    stop: () => source.disconnect(),
  };
}
