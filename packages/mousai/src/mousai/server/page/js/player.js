/** A live session: the socket, the sound that is scheduled without gaps, and what was played so far. */

const LEAD = 0.25;
/** Seconds between the first sound that comes and its being heard. */

/** Address of the WebSocket, below a proxy's prefix too. */
function address() {
  const url = new URL("v1/live", document.baseURI);
  url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
  return url;
}

/** Writes interleaved samples of 16 bits as a WAV file. */
export function wavOf(parts, { rate, channels }) {
  const bytes = parts.reduce((sum, part) => sum + part.byteLength, 0);
  const head = new DataView(new ArrayBuffer(44));
  const word = (at, text) => [...text].forEach((letter, index) => head.setUint8(at + index, letter.charCodeAt(0)));
  word(0, "RIFF");
  head.setUint32(4, 36 + bytes, true);
  word(8, "WAVEfmt ");
  head.setUint32(16, 16, true);
  head.setUint16(20, 1, true); // PCM
  head.setUint16(22, channels, true);
  head.setUint32(24, rate, true);
  head.setUint32(28, rate * channels * 2, true);
  head.setUint16(32, channels * 2, true);
  head.setUint16(34, 16, true);
  word(36, "data");
  head.setUint32(40, bytes, true);
  return new Blob([head, ...parts], { type: "audio/wav" });
}

/** Music without end, from the first message to the last sound. */
export class Player {
  /**
   * @param {object} input first message: what to play
   * @param {function(object, Player): void} onMessage called with each message of the server, and with
   *   `{type: "closed"}`, which may come long after `stop`; the second argument says of which session it is
   * @param {number} most seconds that are kept; the music goes on after them
   */
  constructor(input, onMessage, most) {
    this.places = []; // {seconds, bar, beat, tempo, prompt} of what was sent
    this.parts = [];
    this.form = { rate: 48000, channels: 2 };
    this.kept = 0; // seconds
    this.end = 0; // second up to which sound has come
    this.latest = 0; // second that was heard last
    this.begun = null; // context's second at which the music's second 0 is heard
    this.context = new AudioContext(); // made in the click, as browsers want it
    this.onMessage = onMessage;
    this.most = most;
    this.socket = new WebSocket(address());
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("open", () => this.send(input));
    this.socket.addEventListener("message", ({ data }) => (typeof data === "string" ? this.told(data) : this.heard(data)));
    this.socket.addEventListener("close", () => this.onMessage({ type: "closed" }, this));
  }

  send(message) {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  /** Ends the session; what is scheduled is not heard any more. */
  stop() {
    if (this.length !== undefined) return;
    this.length = this.now();
    this.send({ type: "stop" });
    this.context.close();
    if (this.socket.readyState === WebSocket.CONNECTING) this.socket.close();
  }

  told(text) {
    const message = JSON.parse(text);
    if (message.type === "start") this.form = { rate: message.sample_rate, channels: message.channels };
    if (message.type === "chunk") this.places.push(message);
    this.onMessage(message, this);
  }

  heard(data) {
    if (this.context.state === "closed") return;
    const { rate, channels } = this.form;
    const samples = new Int16Array(data);
    const frames = samples.length / channels;
    const buffer = this.context.createBuffer(channels, frames, rate);
    for (let channel = 0; channel < channels; channel++) {
      const out = buffer.getChannelData(channel);
      for (let frame = 0; frame < frames; frame++) out[frame] = samples[frame * channels + channel] / 32767;
    }
    const second = this.places.at(-1).seconds;
    const soonest = this.context.currentTime + LEAD;
    // Where the model was too slow there is a pause, and the clock moves by it.
    if (this.begun === null || this.begun + second < this.context.currentTime) this.begun = soonest - second;
    const source = this.context.createBufferSource();
    source.buffer = buffer;
    source.connect(this.context.destination);
    source.start(this.begun + second);
    this.end = second + frames / rate;
    if (this.kept < this.most) {
      this.parts.push(data);
      this.kept += frames / rate;
    }
  }

  /** Second of the music that is heard now: none that has not come yet, and never an earlier one than before. */
  now() {
    if (this.length !== undefined) return this.length;
    if (this.begun !== null) {
      const second = Math.min(this.end, this.context.currentTime - this.begun);
      this.latest = Math.max(this.latest, second);
    }
    return this.latest;
  }

  /** Bar, beat and sentence that are heard now; null before the first sound. */
  place() {
    const second = this.now();
    const place = this.places.findLast((one) => one.seconds <= second);
    if (!place || this.begun === null) return null;
    if (place.bar === null || !place.tempo) return { prompt: place.prompt, bar: null, beat: null };
    const beats = place.beat - 1 + ((second - place.seconds) * place.tempo) / 60;
    return { prompt: place.prompt, bar: place.bar + Math.floor(beats / 4), beat: 1 + Math.floor(beats % 4) };
  }

  /** Frames that were heard so far; 0 where the session ended before its first sound was. */
  framesHeard() {
    return this.parts.length ? Math.round(this.now() * this.form.rate) : 0;
  }

  /** Tempo of all that was heard; null where it changed, or is not known. */
  tempoHeard() {
    const tempos = new Set(this.places.filter((one) => one.seconds < this.now()).map((one) => one.tempo));
    const [tempo] = tempos;
    return tempos.size === 1 ? tempo : null;
  }

  /** What was heard so far, as a file; null where nothing was. */
  recording() {
    let left = this.framesHeard() * this.form.channels * 2;
    const parts = [];
    for (const part of this.parts) {
      if (left <= 0) break;
      parts.push(part.slice(0, left));
      left -= part.byteLength;
    }
    return parts.length ? wavOf(parts, this.form) : null;
  }
}
