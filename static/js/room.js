/** The call page: who comes by link is asked how to begin; then the call and the parts of the screen are joined together. */

import { Call } from './call.js';
import { Controls } from './controls.js';
import { showHiding } from './hiding.js';
import { Lobby } from './lobby.js';
import { Media } from './media.js';
import { Notices } from './notices.js';
import { Prefs } from './prefs.js';
import { gettext, speak } from './texts.js';
import { Tiles } from './tiles.js';
import { WakeLock } from './wake-lock.js';
import { callWords, deviceWords, isAwaited, notCopiedWords, soundWords, unsupportedWords } from './words.js';

const ASKING_MS = 600; // after that the browser is surely showing its question
const SLOW_MS = { joining: 8000, connecting: 12000 }; // both take a second or two
const COUNTING_MS = 1000; // the seconds that are told
const PASSING_MS = 3000; // how long "Connected" stays
const COPIED_MS = 2000; // how long "Link copied" stays
const NOT_COPIED_MS = 5000;
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

/** What the call is waiting for: while it connects, without the server 'cut', with nobody at the other end 'awaiting'; else its phase. */
function stageOf({ phase, peers, socket }) {
  if (phase !== 'connecting') return phase;
  if (socket === 'down') return 'cut';
  return isAwaited({ peers }) ? 'awaiting' : phase;
}

class Room {
  #page;
  #title;
  #code;
  #prefs = new Prefs();
  #notices;
  #wakeLock = new WakeLock();
  #session = null; // one attempt at a call, see #join
  #unheard = null; // what a page before this one, or an attempt, may have left in the room
  #wishes = { video: true, muted: false }; // how the last attempt ended: who was muted and unseen is so again
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
    window.addEventListener('pagehide', () => this.#pageGoes()); // before the call's own listener, which leaves
  }

  #pageGoes() {
    this.#keepToken();
    this.#prefs.keepUnheard(this.#code, this.#session ? this.#session.call.unheard : this.#unheard);
    if (this.#session) this.#session.leftPage = true;
  }

  #keepToken() {
    const token = this.#session?.call.token ?? this.#session?.replaces; // before the welcome the newest is still the one taken
    if (token) this.#prefs.keepToken(this.#code, token);
  }

  open() {
    this.#unheard = this.#prefs.takeUnheard(this.#code); // at once: a copy of this tab must not have it too
    const missing = whatIsMissing();
    if (missing) return this.#say('unsupported', unsupportedWords(missing));
    const intent = this.#prefs.takeIntent(this.#code);
    if (intent) return this.#join(intent);
    this.#page.dataset.phase = 'lobby';
    const lobby = new Lobby(this.#page.querySelector('.lobby'), { name: this.#prefs.name });
    showHiding(this.#page.querySelector('[data-hiding]'), this.#prefs);
    lobby.addEventListener('join', ({ detail: { video, name } }) => {
      lobby.close();
      this.#prefs.name = name;
      this.#join({ video });
    }, { once: true });
  }

  async #join({ video, muted = false }) {
    performance.mark('gruveo:join');
    this.#title.focus({ preventScroll: true }); // the keys of the call act while the focus is in it
    this.#prefs.rememberCode(this.#code);
    const media = new Media();
    media.setMuted(muted);
    const replaces = this.#prefs.takeToken(this.#code);
    const call = new Call({
      url: signalingUrl(this.#page.dataset.signalingUrl),
      code: this.#code,
      state: { name: this.#prefs.name, muted, camera: video },
      media,
      replaces,
      unheard: this.#unheard,
      relayOnly: this.#prefs.hidesAddress,
    });
    const tiles = new Tiles(this.#page.querySelector('.stage'), this.#page.querySelector('#tile'));
    const controls = new Controls(this.#page.querySelector('.bar'), this.#page);
    const session = {
      media, call, tiles, controls, video, replaces,
      opening: true, // until it is known which devices there are
      asking: false, // the browser shows its question
      stage: null, // the phase of the call, see stageOf; while the devices are asked for, 'opening'
      slow: false, // this stage takes longer than it should
      reached: 'nothing', // how far it came: 'room' when alone in it, 'people' when somebody else was there
      began: null,
      until: null,
      leftPage: false,
    };
    this.#session = session;

    const show = () => this.#session === session && this.#show();
    const asked = media.open({ video });
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
    await asked;
    if (this.#session !== session) return;
    this.#stop('asking');
    session.asking = session.opening = false;
    call.start();
  }

  #show() {
    const { call, media, tiles, controls, opening, asking, video } = this.#session;
    const snapshot = call.snapshot();
    const focused = document.activeElement;
    this.#note(snapshot);
    if (OVER.has(snapshot.phase)) return this.#over(snapshot);
    this.#enter(opening ? 'opening' : stageOf(snapshot));

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
      microphone: opening && !media.muted ? 'on' : microphone, // until it is known, what was asked for
      camera: opening && media.wantsCamera ? 'on' : camera,
      locked: snapshot.locked,
      mayLock: TOGETHER.has(snapshot.phase) || (snapshot.locked && snapshot.phase !== 'waiting'), // the words have that button then
      copied: this.#copied,
      offersCopy: snapshot.phase !== 'waiting',
      mayStepBack: snapshot.phase === 'connected',
    });
    this.#sayCall(callWords(asking ? { ...snapshot, phase: 'asking' } : snapshot, { video, slow: this.#session.slow }));
    if (snapshot.refusal?.retryAfter) this.#after('counting', COUNTING_MS, () => this.#show());
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

  // Each stage has its own time after which it is slow, and leaves behind what was said of the link.
  #enter(stage) {
    const session = this.#session;
    if (session.stage === stage) return;
    session.stage = stage;
    session.slow = false;
    this.#stop('slow');
    this.#forgetNotCopied();
    if (!(stage in SLOW_MS)) return;
    this.#after('slow', SLOW_MS[stage], () => {
      session.slow = true;
      this.#show();
    });
  }

  // How far it came, and how long people were together, from the first moment to the last; a line that is being mended counts.
  #note({ phase, peers }) {
    const session = this.#session;
    if (peers.length > 0) session.reached = 'people';
    else if (phase === 'waiting' && session.reached === 'nothing') session.reached = 'room';
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
    if (control === 'microphone') this.#switch(() => this.#switchMicrophone());
    else if (control === 'camera') this.#switch(() => this.#switchCamera());
    else if (control === 'copy') this.#copy();
    else if (control === 'lock') call.setLocked(!call.snapshot().locked);
    else if (control === 'hang-up') this.#hangUp();
  }

  // Who wants a device again is told again why it cannot be had.
  async #switch(change) {
    const session = this.#session;
    this.#closed = null;
    const changed = change();
    if (session.opening) this.#show(); // nothing is there yet that could say so
    await changed;
    if (this.#session === session) this.#show();
  }

  #switchMicrophone() {
    const { media, opening } = this.#session;
    if (opening || media.microphone === 'on' || media.microphone === 'muted') return media.setMuted(!media.muted);
    media.setMuted(false); // who presses to be heard is not to come back silenced
    return media.open({ video: media.camera === 'on' });
  }

  #switchCamera() {
    const { media, opening } = this.#session;
    return media.setCamera(opening ? !media.wantsCamera : media.camera !== 'on');
  }

  #act({ action, about }) {
    if (action === 'home' || action === 'other') location.assign('/');
    else if (action === 'reload') location.reload();
    else if (action === 'copy') this.#copy();
    else if (action === 'unlock') this.#session?.call.setLocked(false);
    else if (action === 'close') this.#close(about);
    else if (action === 'direct') this.#callDirectly();
    else if (action === 'sound') this.#playSound();
    else if (action === 'retry' && about === 'devices') this.#tryDevices();
    else if (action === 'retry' || action === 'again') this.#join(this.#wishes);
  }

  #callDirectly() {
    this.#prefs.hidesAddress = false;
    this.#session?.call.allowDirect();
  }

  #playSound() {
    this.#notices.say('sound', null);
    this.#session?.tiles.play();
  }

  #tryDevices() {
    const { media } = this.#session;
    media.open({ video: media.wantsCamera });
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
      this.#notices.say('copy', notCopiedWords());
      return this.#after('not-copied', NOT_COPIED_MS, () => this.#forgetNotCopied());
    }
    this.#notices.say('copy', null);
    this.#setCopied(true);
    this.#after('copied', COPIED_MS, () => this.#setCopied(false));
  }

  #forgetNotCopied() {
    const focused = document.activeElement;
    this.#stop('not-copied');
    this.#notices.say('copy', null);
    this.#keepFocus(focused);
  }

  #setCopied(copied) {
    this.#copied = copied;
    this.#notices.rename('call', 'copy', copied ? gettext('Link copied') : undefined);
    if (this.#session) this.#show();
  }

  #hangUp() {
    this.#keepToken(); // so that `Call again` is let back into a room that is locked
    this.#session.call.hangUp().catch(() => {}); // its `change` ends the rest; what the others hear of it is the call's business
  }

  #over(snapshot) {
    const { media, call, tiles, controls, began, until, reached, leftPage } = this.#session;
    this.#session = null;
    this.#unheard = call.unheard;
    this.#passing = null;
    this.#copied = false;
    this.#wishes = { video: media.wantsCamera, muted: media.muted };
    for (const name of Object.keys(this.#timers)) this.#stop(name);
    media.close();
    tiles.close();
    controls.close();
    this.#wakeLock.want(false);
    for (const about of ['devices', 'sound', 'copy']) this.#notices.say(about, null);
    this.#say(snapshot.phase, callWords(snapshot, { elapsed: began === null ? null : until - began, reached, leftPage }));
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

speak(JSON.parse(document.getElementById('texts').textContent));
const room = new Room(document.querySelector('.call'));
// A video without a picture holds the page's load event back, and the tab would show for the whole of a voice call that it is loading.
window.addEventListener('load', () => room.open(), { once: true });
