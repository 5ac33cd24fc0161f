/**
 * Log-mel picture of a sound: fast Fourier transform, mel bands, decibels. This module is also the program of the thread
 * that computes it, so that a piece plays and the page answers meanwhile.
 */

const SIZE = 2048;
/** Samples of a frame. */
const RANGE = 72;
/** Decibels from the loudest to black. */
const LOWEST = 40;
const HIGHEST = 16000;

const melOf = (hertz) => 2595 * Math.log10(1 + hertz / 700);
const hertzOf = (mel) => 700 * (10 ** (mel / 2595) - 1);

const COS = Float32Array.from({ length: SIZE / 2 }, (_, index) => Math.cos((2 * Math.PI * index) / SIZE));
const SIN = Float32Array.from({ length: SIZE / 2 }, (_, index) => Math.sin((2 * Math.PI * index) / SIZE));
const HANN = Float32Array.from({ length: SIZE }, (_, index) => 0.5 - 0.5 * Math.cos((2 * Math.PI * index) / SIZE));
const REVERSED = Uint16Array.from({ length: SIZE }, (_, index) => {
  let turned = 0;
  for (let bit = 1, rest = index; bit < SIZE; bit <<= 1, rest >>= 1) turned = (turned << 1) | (rest & 1);
  return turned;
});

/** Transforms a frame in place: Cooley and Tukey's radix 2, with decimation in time. */
export function transform(real, imaginary) {
  for (let index = 0; index < SIZE; index++) {
    const other = REVERSED[index];
    if (other <= index) continue;
    [real[index], real[other]] = [real[other], real[index]];
    [imaginary[index], imaginary[other]] = [imaginary[other], imaginary[index]];
  }
  for (let half = 1; half < SIZE; half <<= 1) {
    const stride = SIZE / (2 * half);
    for (let begin = 0; begin < SIZE; begin += 2 * half) {
      for (let index = begin, turn = 0; index < begin + half; index++, turn += stride) {
        const x = real[index + half] * COS[turn] + imaginary[index + half] * SIN[turn];
        const y = imaginary[index + half] * COS[turn] - real[index + half] * SIN[turn];
        real[index + half] = real[index] - x;
        imaginary[index + half] = imaginary[index] - y;
        real[index] += x;
        imaginary[index] += y;
      }
    }
  }
}

/** Triangular bands over the bins: `[first bin, weights]` of each. */
export function melBands(count, rate) {
  const top = melOf(Math.min(HIGHEST, rate / 2));
  const bottom = melOf(LOWEST);
  const edge = (index) => (hertzOf(bottom + ((top - bottom) * index) / (count + 1)) * SIZE) / rate;
  return Array.from({ length: count }, (_, band) => {
    const [left, centre, right] = [edge(band), edge(band + 1), edge(band + 2)];
    const first = Math.max(0, Math.floor(left));
    const bins = Math.max(1, Math.ceil(right) - first + 1);
    const weights = Array.from({ length: bins }, (_, offset) => {
      const bin = first + offset;
      const weight = bin <= centre ? (bin - left) / (centre - left) : (right - bin) / (right - centre);
      return Math.max(0, weight);
    });
    const sum = weights.reduce((one, other) => one + other, 0);
    if (sum === 0) return [Math.round(centre), [1]]; // narrower than a bin
    return [first, weights.map((weight) => weight / sum)];
  });
}

/** Share of the picture's height at which a frequency lies, 0 at the bottom. */
export function heightOf(hertz, rate) {
  const top = melOf(Math.min(HIGHEST, rate / 2));
  return (melOf(hertz) - melOf(LOWEST)) / (top - melOf(LOWEST));
}

/** Mean of the channels in the frame of each column, one after the other: of an hour of music no more than of a minute. */
export function framesOf(channels, columns) {
  const frames = new Float32Array(columns * SIZE);
  const { length } = channels[0];
  for (let column = 0; column < columns; column++) {
    const begin = Math.round(((column + 0.5) * length) / columns) - SIZE / 2;
    for (let index = 0; index < SIZE; index++) {
      let sum = 0;
      for (const samples of channels) sum += samples[begin + index] ?? 0;
      frames[column * SIZE + index] = sum / channels.length;
    }
  }
  return frames;
}

/**
 * Computes the picture.
 * @param {{frames: Float32Array, rate: number, columns: number, count: number}} sound frames of `framesOf`, Hz, the width
 *   of the picture, and mel bands
 * @returns {Uint8ClampedArray} brightness, one column of bands after the other, lowest band first
 */
export function logMel({ frames, rate, columns, count }) {
  const bands = melBands(count, rate);
  const levels = new Float32Array(columns * count);
  const [real, imaginary] = [new Float32Array(SIZE), new Float32Array(SIZE)];
  let loudest = -120;
  for (let column = 0; column < columns; column++) {
    for (let index = 0; index < SIZE; index++) real[index] = frames[column * SIZE + index] * HANN[index];
    imaginary.fill(0);
    transform(real, imaginary);
    for (let band = 0; band < count; band++) {
      const [first, weights] = bands[band];
      let power = 0;
      for (let offset = 0; offset < weights.length; offset++) {
        const bin = first + offset;
        power += weights[offset] * (real[bin] * real[bin] + imaginary[bin] * imaginary[bin]);
      }
      const level = 10 * Math.log10(power + 1e-12);
      levels[column * count + band] = level;
      if (level > loudest) loudest = level;
    }
  }
  return Uint8ClampedArray.from(levels, (level) => (255 * (level - loudest + RANGE)) / RANGE);
}

let worker = null;

/**
 * Computes the picture in a thread of its own; one that is under way is given up, and never comes.
 * @param {AudioBuffer} buffer the sound
 * @param {number} columns width of the picture
 * @param {number} count mel bands
 * @returns {Promise<Uint8ClampedArray>} as of `logMel`
 */
export function pictureOf(buffer, columns, count) {
  worker?.terminate();
  const mine = (worker = new Worker(import.meta.url, { type: "module" }));
  const channels = Array.from({ length: buffer.numberOfChannels }, (_, index) => buffer.getChannelData(index));
  return new Promise((resolve, reject) => {
    mine.onmessage = ({ data }) => {
      mine.terminate();
      resolve(data);
    };
    mine.onerror = () => reject(new Error("its spectrogram cannot be computed."));
    const frames = framesOf(channels, columns);
    mine.postMessage({ frames, rate: buffer.sampleRate, columns, count }, [frames.buffer]);
  });
}

if (globalThis.WorkerGlobalScope) {
  globalThis.onmessage = ({ data }) => {
    const levels = logMel(data);
    globalThis.postMessage(levels, [levels.buffer]);
  };
}
