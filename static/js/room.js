/** The call page: who comes by link is asked how to begin; then the call and the parts of the screen are joined together. */

import { Call } from './call.js';
import { Controls } from './controls.js';
import { Lobby } from './lobby.js';
import { Media } from './media.js';
import { Notices } from './notices.js';
import { Prefs } from './prefs.js';
import { Tiles } from './tiles.js';
import { callWords, deviceWords, notCopiedWords, soundWords, unsupportedWords } from './words.js';

const ASKING_MS = 600; // after that the browser is surely showing its question
const SLOW_MS = 8000; // joining takes well under a second
const PASSING_MS = 3000; // how long "Connected" stays
const COPIED_MS = 2000; // how long "Link copied" stays
const TOGETHER = new Set(['connected', 'reconnecting']);
const OVER = new Set(['refused', 'ended']);

/** Why this browser cannot make a call, or null. */
function whatIsMissing() {
  if (!window.isSecureContext) return 'insecure';
  return window.RTCPeerConnection && navigator.mediaDevices?.getUserMedia ? null : 'browser';
}

/** @param {string} named by the page; without one it is this host's own */
function signalingUrl(named) {
  return named || `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/signaling`;
}

/** Keeps the screen from going dark; browsers drop the lock whenever the page is hidden. */
class WakeLock {
  #wanted = false;
  #lock = null;

  constructor() {
    document.addEventListener('visibilitychange', () => this.#take());
  }

  want(wanted) {
    this.#wanted = wanted;
    if (wanted) return this.#take();
    this.#lock?.release().catch(() => {});
    this.#lock = null;
  }

  #take() {
    if (!this.#wanted || document.hidden || (this.#lock && !this.#lock.released)) return;
    navigator.wakeLock?.request('screen').then(
      (lock) => (this.#wanted ? (this.#lock = lock) : lock.release()),
      () => {}, // battery saver: the call goes on without
    );
  }
}

class Room {
  #page;
  #title;
  #code;
  #prefs = new Prefs();
  #notices;
  #wakeLock = new WakeLock();
  #session = null; // {media, call, tiles, controls, video, opening, asking, slow, began, until}: one attempt at a call
  #video = true; // what the last attempt asked for
  #passing = null; // what was said last for a moment
  #copied = false;
  #timers = {};
  #closed = null; // title of the words about devices that somebody closed

  constructor(page) {
    this.#page = page;
    this.#title = page.querySelector('h1');
    this.#code = page.dataset.code;
    this.#notices = new Notices(page.querySelector('.notices'));
    this.#notices.addEventListener('action', ({ detail }) => this.#act(detail));
    window.addEventListener('pagehide', () => this.#keepToken()); // before the call's own listener, which leaves
  }

  #keepToken() {
    const token = this.#session?.call.token;
    if (token) this.#prefs.keepToken(this.#code, token);
  }

  open() {
    const missing = whatIsMissing();
    if (missing) return this.#say('unsupported', unsupportedWords(missing));
    const intent = this.#prefs.takeIntent(this.#code);
    if (intent) return this.#join(intent);
    this.#page.dataset.phase = 'lobby';
    const lobby = new Lobby(this.#page.querySelector('.lobby'));
    lobby.addEventListener('join', ({ detail }) => {
      lobby.close();
      this.#title.focus({ preventScroll: true });
      this.#join(detail);
    }, { once: true });
  }

  async #join({ video }) {
    performance.mark('gruveo:join');
    this.#prefs.rememberCode(this.#code);
    const media = new Media();
    const call = new Call({
      url: signalingUrl(this.#page.dataset.signalingUrl),
      code: this.#code,
      state: { name: this.#prefs.name, muted: false, camera: video },
      media,
      replaces: this.#prefs.takeToken(this.#code),
    });
    const tiles = new Tiles(this.#page.querySelector('.stage'), this.#page.querySelector('#tile'));
    const controls = new Controls(this.#page.querySelector('.bar'), this.#page);
    const session = { media, call, tiles, controls, video, opening: true, asking: false, slow: false, began: null, until: null };
    this.#session = session;

    const show = () => this.#session === session && this.#show();
    call.addEventListener('change', show);
    media.addEventListener('change', show);
    media.addEventListener('tracks', show);
    controls.addEventListener('press', ({ detail }) => this.#press(detail));
    tiles.addEventListener('blocked', () => this.#notices.say('sound', soundWords()));
    tiles.addEventListener('frame', () => {
      if (!performance.getEntriesByName('gruveo:first-frame').length) performance.mark('gruveo:first-frame');
    });

    show();
    this.#after('asking', ASKING_MS, () => {
      session.asking = true;
      show();
    });
    // First the devices, then the room: a page that may use the camera gets real addresses as candidates, not mDNS names.
    await media.open({ video });
    this.#stop('asking');
    session.asking = session.opening = false;
    if (this.#session !== session) return;
    this.#after('slow', SLOW_MS, () => {
      session.slow = true;
      show();
    });
    call.start();
  }

  #show() {
    const { call, media, tiles, controls, opening, asking, slow, video } = this.#session;
    const snapshot = call.snapshot();
    const focused = document.activeElement;
    this.#note(snapshot.phase);
    if (OVER.has(snapshot.phase)) return this.#over(snapshot);

    this.#page.dataset.phase = snapshot.phase;
    this.#page.dataset.socket = snapshot.socket;
    this.#wakeLock.want(TOGETHER.has(snapshot.phase));
    const { microphone, camera, stream } = media;
    tiles.show({
      own: { name: this.#prefs.name, stream, microphone, camera },
      peers: snapshot.peers,
      together: TOGETHER.has(snapshot.phase),
    });
    controls.show({
      microphone: opening ? 'on' : microphone, // until it is known, what was asked for
      camera: opening && video ? 'on' : camera,
      locked: snapshot.locked,
      mayLock: TOGETHER.has(snapshot.phase) || snapshot.locked,
      copied: this.#copied,
      offersCopy: snapshot.phase !== 'waiting',
      mayStepBack: snapshot.phase === 'connected',
    });
    this.#sayCall(callWords(asking ? { ...snapshot, phase: 'asking' } : snapshot, { video, slow }));
    this.#sayDevices(deviceWords(media));
    this.#keepFocus(focused);
  }

  // What is said while all is well is said for a moment; all else stays as long as it is true.
  #sayCall(words) {
    const passing = this.#page.dataset.phase === 'connected' ? words.title : null;
    if (passing && passing === this.#passing) return;
    this.#passing = passing;
    this.#notices.say('call', words);
    this.#stop('passing');
    if (passing) this.#after('passing', PASSING_MS, () => this.#notices.say('call', null));
  }

  #sayDevices(words) {
    if (words?.title !== this.#closed) this.#closed = null;
    this.#notices.say('devices', this.#closed ? null : words);
  }

  // How long people were together, from the first moment to the last; a line that is being mended counts.
  #note(phase) {
    const session = this.#session;
    if (phase === 'connected') {
      session.began ??= Date.now();
      session.until = null;
    } else if (session.began !== null && phase !== 'reconnecting') session.until ??= Date.now();
  }

  // What had the focus may be gone; then it goes to the title, not back to the top of the page.
  #keepFocus(focused) {
    if (focused !== document.body && !focused?.getClientRects().length) this.#title.focus({ preventScroll: true });
  }

  #press(control) {
    const { media, call } = this.#session;
    if (control === 'microphone') this.#switchMicrophone(media);
    else if (control === 'camera') media.setCamera(media.camera !== 'on');
    else if (control === 'copy') this.#copy();
    else if (control === 'lock') call.setLocked(!call.snapshot().locked);
    else if (control === 'hang-up') this.#hangUp();
  }

  #switchMicrophone(media) {
    if (media.microphone === 'on' || media.microphone === 'muted') media.setMuted(media.microphone === 'on');
    else media.open({ video: media.camera === 'on' });
  }

  #act({ action, about }) {
    if (action === 'home' || action === 'other') location.assign('/');
    else if (action === 'reload') location.reload();
    else if (action === 'copy') this.#copy();
    else if (action === 'close') this.#close(about);
    else if (action === 'sound') this.#playSound();
    else if (action === 'retry' && about === 'devices') this.#tryDevices();
    else if (action === 'retry' || action === 'again') this.#join({ video: this.#video });
  }

  #playSound() {
    this.#notices.say('sound', null);
    this.#session?.tiles.play();
  }

  #tryDevices() {
    const { media, video } = this.#session;
    media.open({ video: video || media.camera !== 'off' });
  }

  #close(about) {
    if (about === 'devices') this.#closed = deviceWords(this.#session.media)?.title;
    this.#notices.say(about, null);
    this.#title.focus({ preventScroll: true });
  }

  async #copy() {
    try {
      await navigator.clipboard.writeText(location.origin + location.pathname);
    } catch {
      return this.#notices.say('copy', notCopiedWords());
    }
    this.#notices.say('copy', null);
    this.#setCopied(true);
    this.#after('copied', COPIED_MS, () => this.#setCopied(false));
  }

  #setCopied(copied) {
    this.#copied = copied;
    this.#notices.rename('call', 'copy', copied ? 'Link copied' : undefined);
    if (this.#session) this.#show();
  }

  #hangUp() {
    this.#keepToken(); // so that `Call again` is let back into a room that is locked
    this.#session.call.hangUp().catch(() => {}); // its `change` ends the rest; what the others hear of it is the call's business
  }

  #over(snapshot) {
    const { media, tiles, controls, began, until, video } = this.#session;
    this.#session = null;
    this.#passing = null;
    this.#copied = false;
    this.#video = video;
    for (const name of Object.keys(this.#timers)) this.#stop(name);
    media.close();
    tiles.close();
    controls.close();
    this.#wakeLock.want(false);
    for (const about of ['devices', 'sound', 'copy']) this.#notices.say(about, null);
    this.#say(snapshot.phase, callWords(snapshot, { elapsed: began === null ? null : until - began }));
  }

  #say(phase, words) {
    this.#page.dataset.phase = phase;
    this.#notices.say('call', words);
    this.#notices.focus('call');
  }

  #after(name, ms, run) {
    this.#stop(name);
    this.#timers[name] = setTimeout(run, ms);
  }

  #stop(name) {
    clearTimeout(this.#timers[name]);
  }
}

new Room(document.querySelector('.call')).open();
