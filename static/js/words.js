/**
 * Which state of a call is said in which words. Pure: it knows sentences, and neither the page nor the call.
 *
 * What it returns is {title, text, actions}: a title in a few words, a sentence on what to do, and the names of the actions that help
 * (keys of ACTIONS). A state that needs no words gives null. `countsDown` is there too when the text tells seconds that pass.
 */

import { gettext, ngettext } from './texts.js';

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const MOMENT_S = 10; // a shorter wait is not counted: who is refused again and again would see, and hear, figure after figure

const ACTIONS = {
  copy: () => gettext('Copy link'),
  unlock: () => gettext('Unlock call'),
  home: () => gettext('Home'),
  again: () => gettext('Call again'),
  retry: () => gettext('Try again'),
  other: () => gettext('Choose another code'),
  reload: () => gettext('Reload'),
  sound: () => gettext('Play sound'),
  direct: () => gettext('Call without hiding it'),
  close: () => gettext('Close'),
};

const REFUSALS = {
  // why, the page has said before it came here
  'bad-code': () => words(gettext('This code does not work'), gettext('Choose another one.'), 'other'),
  'room-full': () => words(gettext('This call is full'), gettext('When somebody leaves there is a place again.'), 'retry', 'home'),
  locked: () => words(gettext('This call is locked'), gettext('Ask somebody inside to unlock it, then try again.'), 'retry', 'home'),
  unavailable: ({ retryAfter }) => words(gettext('Gruveo is busy'), again(retryAfter), 'retry', 'home'),
  'too-many-joins': ({ retryAfter }) => words(gettext('Too many calls from your network'), again(retryAfter), 'retry', 'home'),
  'too-many-sockets': ({ retryAfter }) => words(gettext('Too many calls from your network'), again(retryAfter), 'retry', 'home'),
  superseded: () => words(gettext('This call is open in another tab'), gettext('Go on there, or take the call back here.'), 'retry', 'home'),
  removed: () => words(gettext('You are no longer in this call'), gettext('It was opened in another tab.'), 'retry', 'home'),
  replaced: () => words(
    gettext('Your place could not be kept'), gettext('You were away for too long, and the call is full or locked now.'), 'retry', 'home',
  ),
  'unsupported-version': () => words(gettext('Gruveo has a new version'), gettext('Reload this page to use it.'), 'reload'),
};

const BEGINS_ANEW = new Set(['replaced', 'gone', 'bad-token']);

const DEVICE_WORDS = {
  camera: {
    refused: () => words(gettext('Your browser may not use the camera'), gettext('Allow it in the address bar, then try again.'), 'retry', 'close'),
    busy: () => words(gettext('Another program uses the camera'), gettext('Close that program, then try again.'), 'retry', 'close'),
    missing: () => words(gettext('No camera was found'), gettext('The others hear you and do not see you.'), 'close'),
  },
  microphone: {
    refused: () => words(gettext('Your browser may not use the microphone'), gettext('Allow it in the address bar, then try again.'), 'retry', 'close'),
    busy: () => words(gettext('Another program uses the microphone'), gettext('Close that program, then try again.'), 'retry', 'close'),
    missing: () => words(
      gettext('No microphone was found'), gettext('Plug one in, then try again. Until then the others do not hear you.'), 'retry', 'close',
    ),
  },
  both: {
    refused: () => words(
      gettext('Your browser may not use the camera and the microphone'), gettext('Allow them in the address bar, then try again.'), 'retry', 'close',
    ),
    busy: () => words(gettext('Another program uses the camera and the microphone'), gettext('Close that program, then try again.'), 'retry', 'close'),
    missing: () => words(
      gettext('No camera and no microphone were found'), gettext('You see and hear the others; they do not see or hear you.'), 'retry', 'close',
    ),
  },
};

// How far a call came that was over before people were together.
const CAME = {
  nothing: () => gettext('The call had not begun.'),
  room: () => gettext('Nobody had come yet.'),
  people: () => gettext('You were not connected yet.'),
};

const UNSUPPORTED = {
  insecure: () => words(
    gettext('This address is not private'), gettext('Calls need an address that begins with https, or localhost on your own machine.'),
  ),
  browser: () => words(gettext('This browser cannot make calls'), gettext('Open this page in a current Firefox, Chrome, Edge or Safari.'), 'home'),
};

function words(title, text = '', ...actions) {
  return { title, text, actions };
}

/** @param {number|null|undefined} seconds until it makes sense to try again */
function again(seconds) {
  if (!(seconds > 0)) return gettext('Please try again in a moment.');
  return ngettext('Please try again in %(count)s second.', 'Please try again in %(count)s seconds.', Math.ceil(seconds));
}

/** @param {string} action @returns {string} what its button under the words is called */
export function actionName(action) {
  return ACTIONS[action]();
}

/**
 * What stands on somebody's tile, and what is read aloud: people without a name are numbered once there are two of them; one is 1.
 *
 * @param {{ state: { name: string } }} peer @param {number} index among the others @param {number} others how many
 */
export function personWords({ state }, index, others) {
  const number = others > 1 ? gettext('Person %(number)s', { number: index + 2 }) : '';
  return { name: named(state.name) || number, label: named(state.name) || number || gettext('The other person') };
}

/** What stands on one's own tile. */
export function ownWords() {
  return { name: gettext('You'), label: gettext('You') };
}

/** @param {string|undefined} name as the member gave it */
function named(name) {
  return name?.trim() ?? '';
}

/** The first character that people see, for a picture-less tile: "" when there is no name. */
export function initial(name) {
  const [first] = new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(name?.trim() ?? '');
  return first ? first.segment.toLocaleUpperCase() : '';
}

/**
 * What is said about the call as a whole.
 *
 * @param {object} snapshot of the call
 * @param {{ video?: boolean, slow?: boolean, elapsed?: number|null, reached?: 'nothing'|'room'|'people', leftPage?: boolean }} [more]
 *   `video`: whether the camera is asked for; `slow`: joining or connecting takes longer than it should. Of a call that has ended:
 *   `elapsed`: how long people were together, in milliseconds; `reached`: how far it came, if they never were; `leftPage`: by leaving the page
 */
export function callWords(snapshot, { video = true, slow = false, elapsed = null, reached = 'room', leftPage = false } = {}) {
  switch (snapshot.phase) {
    case 'asking':
      return words(
        video ? gettext('Allow the camera and the microphone') : gettext('Allow the microphone'),
        gettext('Your browser may ask you now. Then the call begins.'),
      );
    case 'joining':
      return joiningWords(snapshot.refusal, slow);
    case 'waiting':
      return lacksRelay(snapshot) ? noRelayWords() : waitingWords(snapshot);
    case 'connecting':
      return lacksRelay(snapshot) ? noRelayWords() : connectingWords(snapshot, slow);
    case 'connected':
      return connectedWords(snapshot);
    case 'reconnecting':
      return reconnectingWords(snapshot.peers);
    case 'refused':
      return refusalWords(snapshot.refusal);
    case 'ended':
      if (snapshot.refusal) return refusalWords(snapshot.refusal);
      return words(leftPage ? gettext('You left this page') : gettext('You hung up'), lastedWords(elapsed, reached), 'again', 'home');
    default:
      return null;
  }
}

// While joining, a refusal says why it takes longer: the call tries again by itself.
function joiningWords(refusal, slow) {
  if (!refusal) return words(gettext('Joining the call'), slow ? gettext('This takes longer than usual. Check that you are online.') : '');
  const { code, retryAfter } = refusal;
  if (BEGINS_ANEW.has(code)) return words(gettext('Joining the call again'), gettext('You were away for too long to keep your place.'));
  const { title } = refusalWords(refusal);
  if (!(retryAfter > MOMENT_S)) return words(title, gettext('Stay here: the call tries again by itself in a moment.'));
  const text = ngettext(
    'Stay here: the call tries again by itself in %(count)s second.',
    'Stay here: the call tries again by itself in %(count)s seconds.',
    Math.ceil(retryAfter),
  );
  return { ...words(title, text), countsDown: true };
}

function lacksRelay({ relayOnly, hasRelays }) {
  return relayOnly && !hasRelays;
}

// Nobody can be reached that way, and the promise is kept all the same until its owner takes it back.
function noRelayWords() {
  return words(gettext('Your IP address cannot be hidden here'), gettext('That needs a relay, and this site has none at the moment.'), 'direct', 'home');
}

function connectingWords({ peers, relayOnly, socket }, slow) {
  const title = gettext('Connecting');
  if (socket === 'down') return words(gettext('Not connected to Gruveo right now'), gettext('It tries again by itself.'));
  if (isAwaited({ peers })) return awaitedWords(peers);
  if (!slow) return words(title, hereWords(peers.filter(({ away }) => !away)));
  if (relayOnly) return words(title, gettext('Your IP address is hidden, so the call goes through a relay, and it cannot be reached.'), 'direct');
  return words(title, gettext('Your networks do not let each other in yet. One of you can try another network, such as mobile data.'));
}

/** Whether a call that has not begun waits for people who have lost the line to the server: nothing can be said of their networks then. */
export function isAwaited({ peers }) {
  return peers.length > 0 && peers.every(({ away }) => away);
}

function awaitedWords(peers) {
  const name = peers.length > 1 ? '' : peers[0].state.name;
  return words(leftTitle({ name, reason: 'lost' }, { others: peers.length > 1 }), gettext('If they come back, the call goes on here.'));
}

function hereWords(peers) {
  if (peers.length > 1) return ngettext('%(count)s person is here.', '%(count)s people are here.', peers.length);
  const name = named(peers[0]?.state.name);
  return name ? gettext('%(name)s is here.', { name }) : gettext('The other person is here.');
}

// Said for a moment each time that it changes: who came, who left.
function connectedWords({ peers, lastLeft, relayOnly }) {
  if (lastLeft) return words(leftTitle(lastLeft, { others: true }));
  const here = peers.filter(({ away, link }) => !away || link !== 'connecting').length; // the others have a place for some time, and never came
  const title = here > 1
    ? ngettext('%(count)s person is in the call', '%(count)s people are in the call', here + 1)
    : gettext('Connected');
  return words(title, relayOnly ? gettext('Your IP address is hidden.') : '');
}

function reconnectingWords(peers) {
  const goesOn = peers.some(({ link }) => link === 'connected');
  return words(
    gettext('Reconnecting'),
    goesOn ? gettext('You can go on talking meanwhile.') : gettext('The line was lost. The call goes on when it is back.'),
  );
}

function waitingWords({ lastLeft, locked, socket }) {
  const title = lastLeft ? leftTitle(lastLeft, { others: false }) : gettext('Waiting for the other person');
  if (socket === 'down') {
    // Who hung up has said so, over the data channel as well; who was lost may have been lost with the server.
    if (lastLeft && lastLeft.reason !== 'lost') return words(title, gettext('Not connected to Gruveo right now. It tries again by itself.'), 'copy');
    return words(gettext('Not connected to Gruveo right now'), gettext('It tries again by itself.'), 'copy');
  }
  if (locked) return words(title, gettext('The call is locked. Unlock it to let somebody in.'), 'unlock');
  if (!lastLeft) return words(title, gettext('Send this link, or say the code.'), 'copy');
  const isLost = lastLeft.reason === 'lost';
  return words(
    title,
    isLost ? gettext('If they come back, the call goes on here.') : gettext('Stay here if they want to come back, or hang up too.'),
    'copy',
  );
}

// Who leaves by the button, by a reload or with the tab looks the same from here. While others stay, who had no name is somebody.
function leftTitle({ name: given, reason }, { others }) {
  const name = named(given);
  if (reason === 'lost') {
    if (name) return gettext('The line to %(name)s was lost', { name });
    return others ? gettext('The line to somebody was lost') : gettext('The line to the other person was lost');
  }
  if (name) return gettext('%(name)s left', { name });
  return others ? gettext('Somebody left') : gettext('The other person left');
}

/** @param {{ code: string, hint?: string|null, retryAfter?: number|null }|null} refusal */
export function refusalWords(refusal) {
  const say = REFUSALS[refusal?.code];
  return say ? say(refusal) : words(gettext('The call could not begin'), gettext('Please try again.'), 'retry', 'home');
}

/** What is said about the devices: null when they do what was asked of them. */
export function deviceWords({ microphone, camera }) {
  const both = microphone === camera && DEVICE_WORDS.both[camera];
  const say = both || DEVICE_WORDS.microphone[microphone] || DEVICE_WORDS.camera[camera];
  return say ? say() : null;
}

/** What a tile says about its person's line: "" when all is well. Whoever is away from the server only is still seen and heard. */
export function tileWords({ link, away }) {
  if (link === 'connected') return '';
  return link === 'connecting' && !away ? gettext('Connecting') : gettext('Reconnecting');
}

/** @param {"insecure"|"browser"} reason */
export function unsupportedWords(reason) {
  return UNSUPPORTED[reason]();
}

/** What is said when the browser does not let the page copy. */
export function notCopiedWords() {
  return words(gettext('The link could not be copied'), gettext('Copy it from the address bar.'), 'close');
}

/** What is said when the browser waits for a press before it plays sound. */
export function soundWords() {
  return words(gettext('Your browser holds the sound back'), gettext('Press the button to hear the others.'), 'sound');
}

function lastedWords(elapsed, reached) {
  return elapsed === null ? CAME[reached]() : gettext('The call lasted %(duration)s.', { duration: duration(elapsed) });
}

/** "12 seconds", "4 minutes 5 seconds", "1 hour 20 minutes": the two largest units. */
export function duration(ms) {
  const whole = Math.max(0, Math.round(ms / 1000));
  if (whole >= HOUR_S) return pair(hours(Math.floor(whole / HOUR_S)), Math.floor((whole % HOUR_S) / MINUTE_S), minutes);
  if (whole >= MINUTE_S) return pair(minutes(Math.floor(whole / MINUTE_S)), whole % MINUTE_S, seconds);
  return seconds(whole);
}

function pair(large, small, unit) {
  return small ? `${large} ${unit(small)}` : large;
}

function hours(count) {
  return ngettext('%(count)s hour', '%(count)s hours', count);
}

function minutes(count) {
  return ngettext('%(count)s minute', '%(count)s minutes', count);
}

function seconds(count) {
  return ngettext('%(count)s second', '%(count)s seconds', count);
}
