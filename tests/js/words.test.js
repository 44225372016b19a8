import assert from 'node:assert/strict';
import { test } from 'node:test';

import { actionName, callWords, deviceWords, duration, initial, notCopiedWords, personWords, refusalWords, soundWords, tileWords, unsupportedWords } from '../../static/js/words.js';

const PHASES = ['asking', 'joining', 'waiting', 'connecting', 'connected', 'reconnecting', 'refused', 'ended'];
// docs/protocol.md, section 11: the errors that reach a person.
const REFUSALS = ['unsupported-version', 'bad-code', 'room-full', 'locked', 'unavailable', 'too-many-joins', 'replaced', 'superseded', 'too-many-sockets', 'removed'];

const snapshot = (more) => ({ phase: 'waiting', refusal: null, lastLeft: null, peers: [], ...more });
const grace = { state: { name: 'Grace' } };

test('each phase has words', () => {
  for (const phase of PHASES) assert.ok(callWords(snapshot({ phase })).title, phase);
});

test('a phase that is not known says nothing', () => {
  assert.equal(callWords(snapshot({ phase: 'lobby' })), null);
});

test('each action that is offered has a name', () => {
  const said = [
    ...PHASES.map((phase) => callWords(snapshot({ phase }))),
    ...REFUSALS.map((code) => refusalWords({ code })),
    ...['refused', 'busy', 'missing'].map((camera) => deviceWords({ microphone: 'on', camera })),
    callWords(snapshot({ locked: true })),
    callWords(snapshot({ socket: 'down' })),
    unsupportedWords('browser'),
    unsupportedWords('insecure'),
    soundWords(),
    notCopiedWords(),
  ];

  for (const { actions } of said) for (const action of actions) assert.ok(actionName(action), action);
});

test('no sentence shouts or uses the words of engineers', () => {
  const said = [
    ...PHASES.map((phase) => callWords(snapshot({ phase }))),
    ...REFUSALS.map((code) => refusalWords({ code, retryAfter: 3 })),
    callWords(snapshot({ locked: true })),
    callWords(snapshot({ socket: 'down' })),
    callWords(snapshot({ phase: 'connecting' }), { slow: true }),
    ...['nothing', 'room', 'people'].map((reached) => callWords(snapshot({ phase: 'ended' }), { reached })),
  ];

  for (const { title, text } of said) assert.doesNotMatch(`${title} ${text}`, /!|oops|ICE|socket|server|peer|room|error/i);
});

test('each refusal has its own words, and an unknown one has some', () => {
  const unknown = refusalWords({ code: 'from-the-future' });

  for (const code of REFUSALS) assert.notEqual(refusalWords({ code }).title, unknown.title, code);
  assert.ok(unknown.actions.includes('retry'));
  assert.equal(refusalWords(null).title, unknown.title);
});

test('a busy server says how many seconds to wait', () => {
  assert.match(refusalWords({ code: 'unavailable', retryAfter: 8 }).text, /in 8 seconds\.$/);
  assert.match(refusalWords({ code: 'too-many-joins', retryAfter: 1 }).text, /in 1 second\.$/);
  assert.match(refusalWords({ code: 'unavailable', retryAfter: null }).text, /in a moment\.$/);
  assert.match(refusalWords({ code: 'unavailable', retryAfter: 0 }).text, /in a moment\.$/);
});

test('who is refused again and again for a few seconds each is told one thing, not figure after figure', () => {
  const texts = [1, 2, 3, 4].map((retryAfter) => callWords(snapshot({ phase: 'joining', refusal: { code: 'unavailable', retryAfter } })).text);
  assert.deepEqual(new Set(texts), new Set(['Stay here: the call tries again by itself in a moment.']));
});

test('while it tries again by itself it says when, and offers no button', () => {
  const joining = (refusal) => callWords(snapshot({ phase: 'joining', refusal }));

  assert.equal(joining(null).title, 'Joining the call');
  assert.match(joining({ code: 'too-many-joins', retryAfter: 40 }).text, /in 40 seconds\.$/);
  assert.equal(joining({ code: 'too-many-joins', retryAfter: 40 }).countsDown, true);
  assert.match(joining({ code: 'too-many-joins', retryAfter: null }).text, /in a moment\.$/);
  assert.deepEqual(joining({ code: 'unavailable', retryAfter: 8 }).actions, []);
  assert.equal(joining({ code: 'gone' }).title, 'Joining the call again');
});

test('who is connecting and has lost the server is told that, and neither of people nor of networks', () => {
  for (const slow of [false, true]) {
    for (const away of [false, true]) {
      const { title, text } = callWords(snapshot({ phase: 'connecting', socket: 'down', peers: [{ ...grace, away }] }), { slow });
      assert.equal(title, 'Not connected to Gruveo right now');
      assert.equal(text, 'It tries again by itself.');
    }
  }
});

test('reconnecting does not say that the line is lost while people hear each other', () => {
  const reconnecting = (link) => callWords(snapshot({ phase: 'reconnecting', peers: [{ ...grace, link }] })).text;

  assert.match(reconnecting('connected'), /go on talking/);
  assert.match(reconnecting('interrupted'), /was lost/);
});

test('waiting says what became of the one who left', () => {
  const left = (reason, name) => callWords(snapshot({ lastLeft: { reason, name } })).title;

  assert.equal(callWords(snapshot()).title, 'Waiting for the other person');
  assert.equal(left('hung-up', 'Grace'), 'Grace left'); // a reload and a closed tab say the same as the button
  assert.equal(left('hung-up', ''), 'The other person left');
  assert.equal(left('lost', 'Grace'), 'The line to Grace was lost');
  assert.equal(left('lost', ''), 'The line to the other person was lost');
  assert.equal(left('removed', 'Grace'), 'Grace left');
});

test('waiting in a locked call offers to unlock it, and no link that lets nobody in', () => {
  for (const lastLeft of [null, { reason: 'hung-up', name: '' }]) {
    const { text, actions } = callWords(snapshot({ locked: true, lastLeft }));

    assert.match(text, /Unlock it/);
    assert.deepEqual(actions, ['unlock']);
  }
});

test('waiting without the server says so, and still offers the link', () => {
  for (const more of [{}, { lastLeft: { reason: 'lost', name: 'Grace' } }, { locked: true }]) {
    const { title, text, actions } = callWords(snapshot({ socket: 'down', ...more }));

    assert.equal(`${title}. ${text}`, 'Not connected to Gruveo right now. It tries again by itself.');
    assert.deepEqual(actions, ['copy']);
  }
});

test('who left is told without the server too: over the data channel everybody hears of it', () => {
  for (const reason of ['hung-up', 'removed']) {
    const { title, text, actions } = callWords(snapshot({ socket: 'down', lastLeft: { reason, name: 'Grace' } }));

    assert.equal(`${title}. ${text}`, 'Grace left. Not connected to Gruveo right now. It tries again by itself.');
    assert.deepEqual(actions, ['copy']);
  }
});

test('joining that takes long says what to look at', () => {
  const joining = snapshot({ phase: 'joining' });

  assert.equal(callWords(joining).text, '');
  assert.match(callWords(joining, { slow: true }).text, /online/);
});

test('connecting says who is here', () => {
  assert.equal(callWords(snapshot({ phase: 'connecting', peers: [grace] })).text, 'Grace is here.');
  assert.equal(callWords(snapshot({ phase: 'connecting', peers: [grace, grace] })).text, '2 people are here.');
  assert.equal(callWords(snapshot({ phase: 'connecting', peers: [] })).text, 'The other person is here.');
});

test('connecting that takes long says what to try', () => {
  const { title, text } = callWords(snapshot({ phase: 'connecting', peers: [grace] }), { slow: true });

  assert.equal(title, 'Connecting');
  assert.equal(text, 'Your networks do not let each other in yet. One of you can try another network, such as mobile data.');
});

test('whoever is away is not here, and no network keeps them out', () => {
  const away = { ...grace, link: 'connecting', away: true };
  const connecting = (peers, more) => callWords(snapshot({ phase: 'connecting', peers }), more);

  for (const slow of [false, true]) {
    const { title, text } = connecting([away], { slow });
    assert.equal(`${title}. ${text}`, 'The line to Grace was lost. If they come back, the call goes on here.');
    assert.equal(connecting([away, away], { slow }).title, 'The line to somebody was lost');
  }
  assert.equal(connecting([away, { state: { name: 'Ada' } }]).text, 'Ada is here.');
  assert.equal(callWords(snapshot({ phase: 'connected', peers: [grace, grace, away] })).title, '3 people are in the call');
  for (const link of ['connected', 'interrupted']) { // they were in it before
    assert.equal(callWords(snapshot({ phase: 'connected', peers: [{ ...away, link }, grace] })).title, '3 people are in the call');
  }
});

test('connected says when somebody comes or leaves', () => {
  const connected = (more) => callWords(snapshot({ phase: 'connected', peers: [grace], ...more })).title;

  assert.equal(connected(), 'Connected');
  assert.equal(connected({ peers: [grace, grace] }), '3 people are in the call');
  assert.equal(connected({ lastLeft: { name: 'Ada', reason: 'hung-up' } }), 'Ada left');
  assert.equal(connected({ lastLeft: { name: '', reason: 'hung-up' } }), 'Somebody left'); // the other person is still here
  assert.equal(connected({ lastLeft: { name: '', reason: 'lost' } }), 'The line to somebody was lost');
});

test('after the call it says how long it was', () => {
  const ended = snapshot({ phase: 'ended' });

  assert.equal(callWords(ended, { elapsed: 252_000 }).text, 'The call lasted 4 minutes 12 seconds.');
  assert.equal(callWords({ ...ended, refusal: { code: 'superseded' } }).title, 'This call is open in another tab');
});

test('a call that never came about says how far it came', () => {
  const text = (reached) => callWords(snapshot({ phase: 'ended' }), { reached }).text;

  assert.equal(text('nothing'), 'The call had not begun.');
  assert.equal(text('room'), 'Nobody had come yet.');
  assert.equal(text('people'), 'You were not connected yet.');
});

test('who left the page did not hang up', () => {
  const { title, text, actions } = callWords(snapshot({ phase: 'ended' }), { elapsed: 60_000, leftPage: true });

  assert.equal(title, 'You left this page');
  assert.equal(text, 'The call lasted 1 minute.');
  assert.deepEqual(actions, ['again', 'home']);
});

test('a duration has its two largest units', () => {
  assert.equal(duration(0), '0 seconds');
  assert.equal(duration(-5), '0 seconds');
  assert.equal(duration(1000), '1 second');
  assert.equal(duration(59_400), '59 seconds');
  assert.equal(duration(59_500), '1 minute');
  assert.equal(duration(61_000), '1 minute 1 second');
  assert.equal(duration(3_600_000), '1 hour');
  assert.equal(duration(7_262_000), '2 hours 1 minute');
});

test('devices that do what was asked say nothing', () => {
  assert.equal(deviceWords({ microphone: 'on', camera: 'on' }), null);
  assert.equal(deviceWords({ microphone: 'muted', camera: 'off' }), null);
  assert.equal(deviceWords({ microphone: 'off', camera: 'off' }), null);
});

test('a refused camera says where to allow it', () => {
  const { title, text, actions } = deviceWords({ microphone: 'on', camera: 'refused' });

  assert.equal(`${title}. ${text}`, 'Your browser may not use the camera. Allow it in the address bar, then try again.');
  assert.deepEqual(actions, ['retry', 'close']);
});

test('camera and microphone with the same trouble share one sentence, else the microphone comes first', () => {
  assert.match(deviceWords({ microphone: 'refused', camera: 'refused' }).title, /camera and the microphone/);
  assert.match(deviceWords({ microphone: 'missing', camera: 'refused' }).title, /No microphone/);
});

test('a tile speaks of the line, and never over a face that moves', () => {
  assert.equal(tileWords({ away: false, link: 'connected' }), '');
  assert.equal(tileWords({ away: true, link: 'connected' }), '');
  assert.equal(tileWords({ away: false, link: 'connecting' }), 'Connecting');
  assert.equal(tileWords({ away: true, link: 'connecting' }), 'Reconnecting');
  assert.equal(tileWords({ away: true, link: 'interrupted' }), 'Reconnecting');
  assert.equal(tileWords({ away: false, link: 'rebuilding' }), 'Reconnecting');
});

test('an initial is the first character that people see', () => {
  assert.equal(initial(' grace '), 'G');
  assert.equal(initial('👩‍🚀 Mae'), '👩‍🚀');
  assert.equal(initial('éa'), 'É');
  assert.equal(initial(''), '');
  assert.equal(initial(undefined), '');
});

test('somebody without a name is the other person', () => {
  assert.equal(personWords({ state: { name: '  ' } }, 0, 1).label, 'The other person');
  assert.equal(personWords({ state: {} }, 0, 1).label, 'The other person');
  assert.equal(personWords({ state: { name: ' Ada ' } }, 0, 1).label, 'Ada');
});

test('people without a name are numbered once there are two of them', () => {
  const nameless = { state: { name: '' } };

  assert.deepEqual(personWords(nameless, 0, 1), { name: '', label: 'The other person' });
  assert.deepEqual(personWords(nameless, 0, 2), { name: 'Person 2', label: 'Person 2' });
  assert.deepEqual(personWords(nameless, 1, 2), { name: 'Person 3', label: 'Person 3' });
  assert.deepEqual(personWords(grace, 1, 2), { name: 'Grace', label: 'Grace' });
});

test('whoever hides their address is told when there is no relay, and how to go on', () => {
  for (const phase of ['waiting', 'connecting']) {
    const said = callWords(snapshot({ phase, relayOnly: true, hasRelays: false, peers: [grace] }));

    assert.match(said.title, /cannot be hidden/, phase);
    assert.deepEqual(said.actions, ['direct', 'home'], phase);
    assert.deepEqual(callWords(snapshot({ phase, relayOnly: false, hasRelays: false, peers: [grace] })).actions.includes('direct'), false);
  }
});

test('a relay that cannot be reached is named when it takes long', () => {
  const connecting = snapshot({ phase: 'connecting', relayOnly: true, hasRelays: true, peers: [grace] });

  assert.deepEqual(callWords(connecting).actions, []);
  assert.match(callWords(connecting, { slow: true }).text, /relay/);
  assert.deepEqual(callWords(connecting, { slow: true }).actions, ['direct']);
});

test('it is said once that the address is hidden', () => {
  assert.equal(callWords(snapshot({ phase: 'connected', relayOnly: true, hasRelays: true, peers: [grace] })).text, 'Your IP address is hidden.');
  assert.equal(callWords(snapshot({ phase: 'connected', relayOnly: false, peers: [grace] })).text, '');
});

test('the words about hiding have names for their actions, and do not shout', () => {
  for (const slow of [false, true]) {
    for (const hasRelays of [false, true]) {
      const said = callWords(snapshot({ phase: 'connecting', relayOnly: true, hasRelays, peers: [grace] }), { slow });
      for (const action of said.actions) assert.ok(actionName(action), action);
      assert.doesNotMatch(`${said.title} ${said.text}`, /!|oops|ICE|socket|server|peer|room|error/);
    }
  }
});
