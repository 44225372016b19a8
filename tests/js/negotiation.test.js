import assert from 'node:assert/strict';
import { test } from 'node:test';

import { decide, EVENTS, SIGNALING_STATES, TABLE } from '../../static/js/negotiation.js';
import { seeded } from './fakes.js';

const CALM = { polite: false, signalingState: 'stable', makingOffer: false, settingAnswer: false, ignoring: false };
const ROWS = [
  ['a wish in peace makes an offer', { event: 'needed' }, 'make-offer'],
  ['a wish while making an offer waits', { event: 'needed', makingOffer: true }, 'wait'],
  ['a wish while our offer is out waits', { event: 'needed', signalingState: 'have-local-offer' }, 'wait'],
  ['a wish while answering waits', { event: 'needed', signalingState: 'have-remote-offer' }, 'wait'],
  ['an offer in peace is answered', { event: 'offer' }, 'answer'],
  ['a crossing offer is ignored by the impolite', { event: 'offer', signalingState: 'have-local-offer' }, 'ignore'],
  ['a crossing offer makes the polite yield', { event: 'offer', signalingState: 'have-local-offer', polite: true }, 'yield'],
  ['an offer while ours is in the making is ignored by the impolite', { event: 'offer', makingOffer: true }, 'ignore'],
  ['an offer while ours is in the making makes the polite yield', { event: 'offer', makingOffer: true, polite: true }, 'yield'],
  ['an offer on the heels of an answer is answered', { event: 'offer', signalingState: 'have-local-offer', settingAnswer: true }, 'answer'],
  ['a second offer takes the place of the first', { event: 'offer', signalingState: 'have-remote-offer' }, 'answer'],
  ['the answer to our offer is applied', { event: 'answer', signalingState: 'have-local-offer' }, 'apply'],
  ['an answer to nothing is dropped', { event: 'answer' }, 'drop'],
  ['candidates are added', { event: 'candidates' }, 'apply'],
  ['candidates of an ignored offer may fail', { event: 'candidates', ignoring: true }, 'try'],
  ['a closed peer connection drops offers', { event: 'offer', signalingState: 'closed' }, 'drop'],
  ['a closed peer connection makes none', { event: 'needed', signalingState: 'closed' }, 'drop'],
];
for (const [name, situation, action] of ROWS) test(name, () => assert.equal(decide({ ...CALM, ...situation }), action));

const BOTH = [true, false];
function* situations() {
  for (const event of EVENTS) for (const signalingState of SIGNALING_STATES) for (const polite of BOTH) for (const makingOffer of BOTH) for (const settingAnswer of BOTH) for (const ignoring of BOTH) {
    yield { event, signalingState, polite, makingOffer, settingAnswer, ignoring };
  }
}

test('no combination is undefined', () => {
  for (const situation of situations()) assert.equal(typeof decide(situation), 'string');
});

test('it agrees with the example in the W3C specification, in every combination of an offer', () => {
  for (const situation of situations()) {
    const { event, signalingState, polite, makingOffer, settingAnswer } = situation;
    if (event !== 'offer' || signalingState === 'closed' || signalingState === 'have-remote-offer') continue;
    const isReady = !makingOffer && (signalingState === 'stable' || settingAnswer);
    const isIgnored = !polite && !isReady;
    assert.equal(decide(situation) === 'ignore', isIgnored, JSON.stringify(situation));
  }
});

test('the polite never ignores, the impolite never yields', () => {
  for (const situation of situations()) {
    const action = decide(situation);
    assert.ok(situation.polite ? action !== 'ignore' : action !== 'yield');
  }
});

test('every row can be reached', () => {
  const reached = new Set();
  for (const situation of situations()) {
    reached.add(TABLE.find(({ action, ...columns }) => Object.entries(columns).every(([name, value]) => situation[name] === value)));
  }
  assert.equal(reached.size, TABLE.length);
});

test('an event that the table does not know is an error of ours', () => {
  assert.throws(() => decide({ ...CALM, event: 'dance' }), RangeError);
});

// One end as a browser would have it: a description takes a while to make and to set, and events come in between.
class End {
  signalingState = 'stable';
  makingOffer = false;
  settingAnswer = false;
  ignoring = false;
  wishes = 0;
  offered = 0; // wishes that the offer in flight carries
  fulfilled = 0;
  inbox = [];
  steps = []; // what happens one after another, each at a moment of its own
  constructor(polite) {
    this.polite = polite;
  }

  decide(event) {
    return decide({ ...this, event });
  }

  wish() {
    this.wishes += 1;
    this.need();
  }

  need() {
    if (this.wishes === this.fulfilled || this.decide('needed') !== 'make-offer') return;
    this.makingOffer = true;
    this.steps.push(() => this.offer());
  }

  offer() {
    this.makingOffer = false;
    if (this.signalingState !== 'stable') return; // the browser would reject; the wish stays
    this.signalingState = 'have-local-offer';
    this.offered = this.wishes;
    this.other.inbox.push({ type: 'offer' });
  }

  take({ type }) {
    const action = this.decide(type);
    this.ignoring = action === 'ignore';
    if (action === 'yield' || action === 'answer') this.steps.push(() => this.answer());
    if (action === 'apply') {
      this.settingAnswer = true;
      this.steps.push(() => this.settle());
    }
  }

  answer() {
    this.signalingState = 'have-remote-offer';
    this.steps.push(() => {
      this.signalingState = 'stable';
      this.other.inbox.push({ type: 'answer' });
      this.need();
    });
  }

  settle() {
    this.settingAnswer = false;
    if (this.signalingState !== 'have-local-offer') return;
    this.signalingState = 'stable';
    this.fulfilled = this.offered;
    this.need();
  }

  // One thing happens: a step under way comes first, as in an operations chain.
  turn() {
    if (this.steps.length > 0) return this.steps.shift()();
    if (this.inbox.length > 0) return this.take(this.inbox.shift());
  }

  get isBusy() {
    return this.steps.length > 0 || this.inbox.length > 0;
  }
}

test('two tables with crossing offers always end stable, with every wish fulfilled', () => {
  for (let seed = 1; seed <= 3000; seed += 1) {
    const random = seeded(seed);
    const alice = new End(true);
    const bob = new End(false);
    Object.assign(alice, { other: bob });
    Object.assign(bob, { other: alice });
    let wishes = 6;
    for (let round = 0; round < 500 && (wishes > 0 || alice.isBusy || bob.isBusy); round += 1) {
      const end = random() < 0.5 ? alice : bob;
      if (wishes > 0 && random() < 0.4) {
        wishes -= 1;
        end.wish();
      } else end.turn();
    }
    for (const end of [alice, bob]) {
      assert.equal(end.signalingState, 'stable', `seed ${seed}`);
      assert.equal(end.fulfilled, end.wishes, `seed ${seed}`);
    }
  }
});
