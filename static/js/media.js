// The microphone and the camera of this browser: what is live, why something is not, and switching both.
//
// Events: `change` (`microphone` or `camera` say something else now) and `tracks` (the stream holds other tracks now).

const AUDIO = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const VIDEO = { width: { ideal: 1280 }, height: { ideal: 720 }, facingMode: 'user' };

const REASONS = {
  NotAllowedError: 'refused',
  SecurityError: 'refused',
  NotFoundError: 'missing',
  OverconstrainedError: 'missing',
  NotReadableError: 'busy', // another program holds it, on Windows
  AbortError: 'busy',
};

export class Media extends EventTarget {
  #devices;
  #stream;
  #microphone = 'off';
  #camera = 'off';
  #muted = false;
  #wantsCamera = false;
  #closed = false;
  #chain = Promise.resolve(); // one request at a time: two prompts at once confuse people and some browsers

  /** @param {object} [options] stand-ins for tests; without `devices` (no secure context) both are 'unsupported' */
  constructor({ devices = globalThis.navigator?.mediaDevices, MediaStreamClass = globalThis.MediaStream } = {}) {
    super();
    this.#devices = devices;
    this.#stream = new MediaStreamClass();
    if (!devices?.getUserMedia) {
      this.#microphone = 'unsupported';
      this.#camera = 'unsupported';
    }
  }

  /** Always the same MediaStream, with the live tracks of this moment. */
  get stream() {
    return this.#stream;
  }

  /** @returns {'on'|'muted'|'off'|'refused'|'missing'|'busy'|'unsupported'} */
  get microphone() {
    return this.#microphone;
  }

  /** @returns {'on'|'off'|'refused'|'missing'|'busy'|'unsupported'} */
  get camera() {
    return this.#camera;
  }

  /** Whether the microphone is silenced, or will be when it is there. */
  get muted() {
    return this.#muted;
  }

  /** Whether the camera is on, or would be if it could be had. */
  get wantsCamera() {
    return this.#wantsCamera;
  }

  /** Ask for the microphone, and the camera if wanted; whatever cannot be had, the rest goes on. May be called again. Never rejects. */
  open({ video }) {
    this.#wantsCamera ||= video;
    return this.#queue(() => this.#open(video));
  }

  /** Silence the microphone, or let it be heard; also before it is there. */
  setMuted(muted) {
    this.#muted = muted;
    const track = this.#track('audio');
    if (!track) return;
    track.enabled = !muted;
    this.#set({ microphone: muted ? 'muted' : 'on' });
  }

  /** Switch the camera. Off ends the track, so that the camera's light goes out. Never rejects. */
  setCamera(on) {
    this.#wantsCamera = on;
    if (!on) this.#dropCamera('off'); // at once, even while a prompt is open
    return this.#queue(() => this.#followCamera());
  }

  /** Stop everything; a request that is still open is stopped when it is answered. */
  close() {
    this.#closed = true;
    for (const track of this.#stream.getTracks()) this.#remove(track);
    this.#set({ microphone: 'off', camera: 'off' });
  }

  #queue(task) {
    this.#chain = this.#chain.then(task).catch(() => undefined); // tasks settle their own failures; the chain must never break
    return this.#chain;
  }

  async #open(video) {
    if (this.#microphone === 'unsupported' || this.#closed) return;
    const wants = { audio: !this.#track('audio'), video: video && this.#wantsCamera && !this.#track('video') };
    if (wants.audio && wants.video) return this.#openBoth();
    if (wants.audio) await this.#ask('audio');
    if (wants.video) await this.#followCamera();
  }

  async #openBoth() {
    const reason = await this.#request({ audio: AUDIO, video: VIDEO });
    if (reason === null) return;
    await this.#ask('audio');
    // A refusal of both names no device. Asking for the camera alone as well would be a third prompt after a "no".
    if (reason === 'refused') return this.#lack('video', reason);
    await this.#followCamera();
  }

  async #ask(kind) {
    const reason = await this.#request(kind === 'audio' ? { audio: AUDIO } : { video: VIDEO });
    if (reason !== null) this.#lack(kind, reason);
  }

  #lack(kind, reason) {
    if (kind === 'audio') this.#set({ microphone: reason });
    else if (this.#wantsCamera) this.#set({ camera: reason }); // else it was switched off while the question was open
  }

  async #followCamera() {
    if (this.#camera === 'unsupported' || this.#closed || !this.#wantsCamera || this.#track('video')) return;
    await this.#ask('video');
  }

  // Null when granted, else the reason why not.
  async #request(constraints) {
    if (this.#closed) return 'off';
    try {
      this.#take(await this.#devices.getUserMedia(constraints));
      return null;
    } catch (error) {
      return REASONS[error?.name] ?? 'busy';
    }
  }

  #take(granted) {
    for (const track of granted.getTracks()) this.#takeTrack(track);
    if (granted.getTracks().length > 0) this.#emit('tracks');
  }

  #takeTrack(track) {
    const isUnwanted = track.kind === 'video' && !this.#wantsCamera;
    if (this.#closed || isUnwanted) return track.stop(); // switched off while the prompt was open
    this.#stream.addTrack(track);
    track.addEventListener('ended', () => this.#lost(track));
    if (track.kind === 'video') return this.#set({ camera: 'on' });
    track.enabled = !this.#muted;
    this.#set({ microphone: this.#muted ? 'muted' : 'on' });
  }

  // Ended by itself: unplugged, or the permission was taken back.
  #lost(track) {
    if (!this.#stream.getTracks().includes(track)) return;
    this.#remove(track);
    this.#set(track.kind === 'video' ? { camera: 'missing' } : { microphone: 'missing' });
    this.#emit('tracks');
  }

  #dropCamera(camera) {
    const track = this.#track('video');
    if (this.#camera !== 'unsupported') this.#set({ camera });
    if (!track) return;
    this.#remove(track);
    this.#emit('tracks');
  }

  #remove(track) {
    this.#stream.removeTrack(track);
    track.stop(); // fires no `ended`
  }

  #track(kind) {
    return this.#stream.getTracks().find((track) => track.kind === kind);
  }

  #set({ microphone = this.#microphone, camera = this.#camera }) {
    if (microphone === this.#microphone && camera === this.#camera) return;
    this.#microphone = microphone;
    this.#camera = camera;
    this.#emit('change');
  }

  #emit(type) {
    this.dispatchEvent(new Event(type));
  }
}
