/** The pictures on the stage: one's own and those of the others, where they stand, and what is written on them. */

import { cornerAfter, cornerTowards, fit, layoutFor, nearestCorner, places } from './places.js';
import { initial, ownWords, personWords, tileWords } from './words.js';

const MOVING_MS = 260; // a little longer than --slow, so that a move is not cut off
const DRAG_LEAST = 6; // pixels: less is a press

/** One picture. */
class Tile {
  element;
  video;
  #parts;
  #listening = new AbortController();

  /**
   * @param {HTMLTemplateElement} template
   * @param {{ own: boolean, changed: () => void }} options `changed`: called when the size of the picture is known or new
   */
  constructor(template, { own, changed }) {
    this.element = template.content.firstElementChild.cloneNode(true);
    const part = (name) => this.element.querySelector(`.tile-${name}`);
    this.#parts = { initial: part('initial'), words: part('words'), mute: part('mute'), name: part('name'), label: part('label') };
    this.video = part('video');
    this.video.muted = own; // one never hears oneself
    for (const type of ['loadedmetadata', 'resize']) {
      this.video.addEventListener(type, changed, { signal: this.#listening.signal });
    }
    if (!own) part('move').remove();
  }

  get aspect() {
    return this.video.videoWidth ? this.video.videoWidth / this.video.videoHeight : null;
  }

  /** @param {{ name: string, label: string, person: string, stream: MediaStream, showing: boolean, muted: boolean, words: string }} view
   *   `name` stands on the picture, `label` is read aloud, `person` gives the letter of a tile without a picture */
  update({ name, label, person, stream, showing, muted, words }) {
    if (this.video.srcObject !== stream) this.video.srcObject = stream;
    const hasPicture = stream.getVideoTracks().some((track) => track.readyState === 'live');
    this.element.dataset.video = showing && hasPicture ? 'on' : 'off';
    this.element.dataset.muted = String(muted);
    this.element.setAttribute('aria-label', label);
    this.#parts.initial.textContent = initial(person);
    this.#parts.name.textContent = name;
    this.#parts.mute.hidden = !muted;
    this.#parts.label.hidden = !name && !muted;
    this.#parts.words.textContent = words;
    this.#parts.words.hidden = !words;
  }

  place({ x, y, width, height }) {
    const { style, dataset } = this.element;
    style.setProperty('--x', `${x}px`);
    style.setProperty('--y', `${y}px`);
    style.setProperty('--width', `${width}px`);
    style.setProperty('--height', `${height}px`);
    dataset.size = Math.min(width, height) < 200 ? 'small' : 'large';
    dataset.fit = this.aspect ? fit(width / height, this.aspect) : 'cover';
  }

  close() {
    this.#listening.abort();
    this.video.srcObject = null;
    this.element.remove();
  }
}

/**
 * All pictures. Events: "frame" when the first picture of another person is on the screen (once), "blocked" when the browser does not
 * play sound before somebody presses something.
 */
export class Tiles extends EventTarget {
  #stage;
  #template;
  #own;
  #others = new Map(); // peer id -> Tile
  #corner = 'bottom-right';
  #together = false;
  #framed = false;
  #moving;
  #watching;
  #listening = new AbortController();

  /** @param {HTMLElement} stage @param {HTMLTemplateElement} template */
  constructor(stage, template) {
    super();
    this.#stage = stage;
    this.#template = template;
    this.#own = new Tile(template, { own: true, changed: () => this.#arrange() });
    this.#own.element.dataset.self = '';
    this.#stage.append(this.#own.element);
    this.#letMove(this.#own.element.querySelector('.tile-move'));
    this.#watching = new ResizeObserver(() => this.#arrange());
    this.#watching.observe(stage);
  }

  /**
   * @param {{ own: { name: string, stream: MediaStream, camera: string, microphone: string }, peers: object[], together: boolean }} view
   *   `peers` as in the call's snapshot; `together`: the others take the stage, rather than stand ready behind the words
   */
  show({ own, peers, together }) {
    const before = `${this.#stage.dataset.layout} ${this.#others.size}`;
    this.#own.update({
      ...ownWords(),
      person: own.name,
      stream: own.stream,
      showing: own.camera === 'on',
      muted: own.microphone !== 'on',
      words: '',
    });
    if (this.#own.video.paused) this.#play(this.#own);
    this.#showOthers(peers);
    this.#together = together;
    this.#stage.dataset.layout = this.#layout();
    this.#arrange({ moving: before !== `${this.#stage.dataset.layout} ${this.#others.size}` });
  }

  #showOthers(peers) {
    const here = new Set(peers.map((peer) => peer.id));
    for (const [id, tile] of this.#others) {
      if (here.has(id)) continue;
      tile.close();
      this.#others.delete(id);
    }
    peers.forEach((peer, index) => this.#showOther(peer, personWords(peer, index, peers.length)));
  }

  #showOther(peer, { name, label }) {
    const tile = this.#others.get(peer.id) ?? this.#add(peer.id);
    const heard = tile.video.srcObject;
    tile.element.dataset.link = peer.link;
    tile.update({
      name,
      label,
      person: peer.state.name,
      stream: peer.stream,
      showing: peer.state.camera || peer.state.sharing,
      muted: peer.state.muted,
      words: tileWords(peer),
    });
    tile.element.dataset.sharing = String(Boolean(peer.state.sharing));
    if (heard !== peer.stream || tile.video.paused) this.#play(tile);
  }

  #add(id) {
    const tile = new Tile(this.#template, { own: false, changed: () => this.#arrange() });
    tile.element.dataset.peer = id;
    tile.element.dataset.arriving = ''; // stands in its place at once and fades in, rather than flying there
    requestAnimationFrame(() => delete tile.element.dataset.arriving);
    this.#others.set(id, tile);
    this.#stage.insertBefore(tile.element, this.#own.element);
    this.#awaitFrame(tile.video);
    return tile;
  }

  #awaitFrame(video) {
    const seen = () => {
      if (this.#framed || this.#listening.signal.aborted) return;
      this.#framed = true;
      this.dispatchEvent(new Event('frame'));
    };
    if (video.requestVideoFrameCallback) video.requestVideoFrameCallback(seen);
    else video.addEventListener('playing', seen, { once: true, signal: this.#listening.signal });
  }

  /** Plays everything again, from within a press: what a browser wants that holds sound back. */
  play() {
    for (const tile of [this.#own, ...this.#others.values()]) this.#play(tile);
  }

  #play(tile) {
    tile.video.play().catch((error) => {
      // AbortError only says that a newer stream took the place.
      if (error.name === 'NotAllowedError') this.dispatchEvent(new Event('blocked'));
    });
  }

  #layout() {
    return layoutFor(this.#together ? this.#others.size : 0);
  }

  #arrange({ moving = false } = {}) {
    const layout = this.#layout();
    const corner = this.#own.element.querySelector('.tile-move');
    corner.hidden = layout !== 'pair';
    this.#stage.dataset.corner = this.#corner;
    if (moving) this.#move();

    const { own, others } = places({
      ...this.#measure(),
      others: layout === 'alone' ? 0 : this.#others.size,
      corner: this.#corner,
      aspect: this.#own.element.dataset.video === 'on' ? this.#own.aspect : null,
    });
    this.#own.place(own);
    const all = { x: 0, y: 0, width: this.#stage.clientWidth, height: this.#stage.clientHeight };
    [...this.#others.values()].forEach((tile, index) => tile.place(others[index] ?? all));
  }

  /** The sizes that the style sheet decides: padding is what stays free, --bar the part of it for the bar. */
  #measure() {
    const style = getComputedStyle(this.#stage);
    const px = (name) => Number.parseFloat(style.getPropertyValue(name)) || 0;
    return {
      width: this.#stage.clientWidth,
      height: this.#stage.clientHeight,
      bar: px('scroll-padding-bottom'),
      inset: { top: px('padding-top'), right: px('padding-right'), bottom: px('padding-bottom'), left: px('padding-left') },
    };
  }

  #move() {
    this.#stage.dataset.moving = '';
    clearTimeout(this.#moving);
    this.#moving = setTimeout(() => delete this.#stage.dataset.moving, MOVING_MS);
  }

  #toCorner(corner) {
    this.#corner = corner;
    this.#arrange({ moving: true });
  }

  // One's own picture can be dragged, pressed from corner to corner, and moved with the arrow keys.
  #letMove(button) {
    const { signal } = this.#listening;
    let start = null;
    let dragged = false;

    button.addEventListener('pointerdown', (event) => {
      if (event.button !== 0) return;
      const tile = this.#own.element.getBoundingClientRect();
      start = { x: event.clientX, y: event.clientY, left: tile.left, top: tile.top };
      dragged = false;
      button.setPointerCapture(event.pointerId);
    }, { signal });

    button.addEventListener('pointermove', (event) => {
      if (!start) return;
      const by = { x: event.clientX - start.x, y: event.clientY - start.y };
      if (!dragged && Math.hypot(by.x, by.y) < DRAG_LEAST) return;
      dragged = true;
      const stage = this.#stage.getBoundingClientRect();
      this.#own.element.dataset.dragged = '';
      this.#own.element.style.setProperty('--x', `${start.left - stage.left + by.x}px`);
      this.#own.element.style.setProperty('--y', `${start.top - stage.top + by.y}px`);
    }, { signal });

    const end = () => {
      if (!start) return;
      start = null;
      if (!dragged) return;
      const tile = this.#own.element.getBoundingClientRect();
      const stage = this.#stage.getBoundingClientRect();
      const middle = { x: tile.left - stage.left + tile.width / 2, y: tile.top - stage.top + tile.height / 2 };
      delete this.#own.element.dataset.dragged;
      this.#toCorner(nearestCorner(middle, stage));
    };
    button.addEventListener('pointerup', end, { signal });
    button.addEventListener('pointercancel', end, { signal });

    button.addEventListener('click', () => {
      if (!dragged) this.#toCorner(cornerAfter(this.#corner));
      dragged = false;
    }, { signal });

    button.addEventListener('keydown', (event) => {
      if (!event.key.startsWith('Arrow')) return;
      event.preventDefault();
      this.#toCorner(cornerTowards(event.key, this.#corner));
    }, { signal });
  }

  close() {
    this.#listening.abort();
    this.#watching.disconnect();
    clearTimeout(this.#moving);
    for (const tile of [this.#own, ...this.#others.values()]) tile.close();
    this.#others.clear();
    this.#stage.dataset.layout = 'alone';
  }
}
