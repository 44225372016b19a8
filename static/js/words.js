/**
 * Which state of a call is said in which words. Pure: it knows sentences, and neither the page nor the call.
 *
 * What it returns is {title, text, actions}: a title in a few words, a sentence on what to do, and the names of the actions that help
 * (keys of ACTIONS). A state that needs no words gives null.
 */

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const MOMENT_S = 10; // a shorter wait is not counted: who is refused again and again would see, and hear, figure after figure

/** What the buttons under the words are called. */
export const ACTIONS = {
  copy: 'Copy link',
  unlock: 'Unlock call',
  home: 'Home',
  again: 'Call again',
  retry: 'Try again',
  other: 'Choose another code',
  reload: 'Reload',
  sound: 'Play sound',
  direct: 'Call without hiding it',
  close: 'Close',
};

const SLOW = 'This takes longer than usual. Check that you are online.';
const APART = 'Your networks do not let each other in yet. One of you can try another network, such as mobile data.';
const HIDDEN_APART = 'Your IP address is hidden, so the call goes through a relay, and it cannot be reached.';
const STAY = 'Stay here if they want to come back, or hang up too.';
const OTHER = 'The other person';

const REFUSALS = {
  'bad-code': () => words('This code does not work', 'Choose another one.', 'other'), // why, the page has said before it came here
  'room-full': () => words('This call is full', 'When somebody leaves there is a place again.', 'retry', 'home'),
  locked: () => words('This call is locked', 'Ask somebody inside to unlock it, then try again.', 'retry', 'home'),
  unavailable: ({ retryAfter }) => words('Gruveo is busy', again(retryAfter), 'retry', 'home'),
  'too-many-joins': ({ retryAfter }) => words('Too many calls from your network', again(retryAfter), 'retry', 'home'),
  'too-many-sockets': ({ retryAfter }) => words('Too many calls from your network', again(retryAfter), 'retry', 'home'),
  superseded: () => words('This call is open in another tab', 'Go on there, or take the call back here.', 'retry', 'home'),
  removed: () => words('You are no longer in this call', 'It was opened in another tab, or ended by the operator.', 'retry', 'home'),
  replaced: () => words('Your place is taken', 'You were away for too long, and somebody else came in.', 'retry', 'home'),
  'unsupported-version': () => words('Gruveo has a new version', 'Reload this page to use it.', 'reload'),
};

const BEGINS_ANEW = new Set(['replaced', 'gone', 'bad-token']);

const DEVICE_WORDS = {
  camera: {
    refused: words('Your browser may not use the camera', 'Allow it in the address bar, then try again.', 'retry', 'close'),
    busy: words('Another program uses the camera', 'Close that program, then try again.', 'retry', 'close'),
    missing: words('No camera was found', 'The others hear you and do not see you.', 'close'),
  },
  microphone: {
    refused: words('Your browser may not use the microphone', 'Allow it in the address bar, then try again.', 'retry', 'close'),
    busy: words('Another program uses the microphone', 'Close that program, then try again.', 'retry', 'close'),
    missing: words('No microphone was found', 'Plug one in, then try again. Until then the others do not hear you.', 'retry', 'close'),
  },
  both: {
    refused: words('Your browser may not use the camera and the microphone', 'Allow them in the address bar, then try again.', 'retry', 'close'),
    busy: words('Another program uses the camera and the microphone', 'Close that program, then try again.', 'retry', 'close'),
    missing: words('No camera and no microphone were found', 'You see and hear the others; they do not see or hear you.', 'retry', 'close'),
  },
};

// How far a call came that was over before people were together.
const CAME = {
  nothing: 'The call had not begun.',
  room: 'Nobody had come yet.',
  people: 'You were not connected yet.',
};

const UNSUPPORTED = {
  insecure: words('This address is not private', 'Calls need an address that begins with https, or localhost on your own machine.'),
  browser: words('This browser cannot make calls', 'Open this page in a current Firefox, Chrome, Edge or Safari.', 'home'),
};

function words(title, text = '', ...actions) {
  return { title, text, actions };
}

/** @param {number|null|undefined} seconds until it makes sense to try again */
function again(seconds) {
  return seconds > 0 ? `Please try again in ${plural(Math.ceil(seconds), 'second')}.` : 'Please try again in a moment.';
}

function plural(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`;
}

/** @param {string|undefined} name as the member gave it @param {string} [otherwise] for one without a name */
export function nameOf(name, otherwise = OTHER) {
  return name?.trim() || otherwise;
}

/**
 * What stands on somebody's tile, and what is read aloud: people without a name are numbered once there are two of them; one is 1.
 *
 * @param {{ state: { name: string } }} peer @param {number} index among the others @param {number} others how many
 */
export function personWords({ state }, index, others) {
  const number = others > 1 ? `Person ${index + 2}` : '';
  return { name: nameOf(state.name, number), label: nameOf(state.name, number || OTHER) };
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
      return words(`Allow the ${video ? 'camera and the microphone' : 'microphone'}`, 'Your browser may ask you now. Then the call begins.');
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
      return words(leftPage ? 'You left this page' : 'You hung up', lastedWords(elapsed, reached), 'again', 'home');
    default:
      return null;
  }
}

// While joining, a refusal says why it takes longer: the call tries again by itself.
function joiningWords(refusal, slow) {
  if (!refusal) return words('Joining the call', slow ? SLOW : '');
  const { code, retryAfter } = refusal;
  if (BEGINS_ANEW.has(code)) return words('Joining the call again', 'You were away for too long to keep your place.');
  const when = retryAfter > MOMENT_S ? `in ${plural(Math.ceil(retryAfter), 'second')}` : 'in a moment';
  return words(refusalWords(refusal).title, `Stay here: the call tries again by itself ${when}.`);
}

function lacksRelay({ relayOnly, hasRelays }) {
  return relayOnly && !hasRelays;
}

// Nobody can be reached that way, and the promise is kept all the same until its owner takes it back.
function noRelayWords() {
  return words('Your IP address cannot be hidden here', 'That needs a relay, and this site has none at the moment.', 'direct', 'home');
}

function connectingWords({ peers, relayOnly }, slow) {
  if (slow && relayOnly) return words('Connecting', HIDDEN_APART, 'direct');
  return words('Connecting', slow ? APART : `${whoIsHere(peers)} here.`);
}

// Said for a moment each time that it changes: who came, who left.
function connectedWords({ peers, lastLeft, relayOnly }) {
  if (lastLeft) return words(leftTitle(lastLeft, 'Somebody')); // "the other person" is still here
  return words(peers.length > 1 ? `${peers.length + 1} people are in the call` : 'Connected', relayOnly ? 'Your IP address is hidden.' : '');
}

function reconnectingWords(peers) {
  const goesOn = peers.some(({ link }) => link === 'connected');
  return words('Reconnecting', goesOn ? 'You can go on talking meanwhile.' : 'The line was lost. The call goes on when it is back.');
}

function waitingWords({ lastLeft, locked, socket }) {
  if (socket === 'down') return words('Not connected to Gruveo right now', 'It tries again by itself.', 'copy');
  const title = lastLeft ? leftTitle(lastLeft, OTHER) : 'Waiting for the other person';
  if (locked) return words(title, 'The call is locked. Unlock it to let somebody in.', 'unlock');
  if (!lastLeft) return words(title, 'Send this link, or say the code.', 'copy');
  return words(title, lastLeft.reason === 'lost' ? 'If they come back, the call goes on here.' : STAY, 'copy');
}

// Who leaves by the button, by a reload or with the tab looks the same from here.
function leftTitle({ name, reason }, unnamed) {
  if (reason === 'lost') return `The line to ${nameOf(name, unnamed.toLowerCase())} was lost`;
  return `${nameOf(name, unnamed)} left`;
}

function whoIsHere(peers) {
  if (peers.length > 1) return `${peers.length} people are`;
  return `${nameOf(peers[0]?.state.name)} is`;
}

/** @param {{ code: string, hint?: string|null, retryAfter?: number|null }|null} refusal */
export function refusalWords(refusal) {
  const say = REFUSALS[refusal?.code];
  return say ? say(refusal) : words('The call could not begin', 'Please try again.', 'retry', 'home');
}

/** What is said about the devices: null when they do what was asked of them. */
export function deviceWords({ microphone, camera }) {
  const both = microphone === camera && DEVICE_WORDS.both[camera];
  return both || DEVICE_WORDS.microphone[microphone] || DEVICE_WORDS.camera[camera] || null;
}

/** What a tile says about its person's line: "" when all is well. Whoever is away from the server only is still seen and heard. */
export function tileWords({ link }) {
  if (link === 'connected') return '';
  return link === 'connecting' ? 'Connecting' : 'Reconnecting';
}

/** @param {"insecure"|"browser"} reason */
export function unsupportedWords(reason) {
  return UNSUPPORTED[reason];
}

/** What is said when the browser does not let the page copy. */
export function notCopiedWords() {
  return words('The link could not be copied', 'Copy it from the address bar.', 'close');
}

/** What is said when the browser waits for a press before it plays sound. */
export function soundWords() {
  return words('Your browser holds the sound back', 'Press the button to hear the others.', 'sound');
}

function lastedWords(elapsed, reached) {
  return elapsed === null ? CAME[reached] : `The call lasted ${duration(elapsed)}.`;
}

/** "12 seconds", "4 minutes 5 seconds", "1 hour 20 minutes": the two largest units. */
export function duration(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000));
  if (seconds >= HOUR_S) return pair(Math.floor(seconds / HOUR_S), 'hour', Math.floor((seconds % HOUR_S) / MINUTE_S), 'minute');
  if (seconds >= MINUTE_S) return pair(Math.floor(seconds / MINUTE_S), 'minute', seconds % MINUTE_S, 'second');
  return plural(seconds, 'second');
}

function pair(large, largeNoun, small, smallNoun) {
  return small ? `${plural(large, largeNoun)} ${plural(small, smallNoun)}` : plural(large, largeNoun);
}
