// Perfect negotiation as a table: what one end of a peer connection does next, from the little it must know.
//
// Two ends share one description of their session, and either may want to change it at any moment. Each change is an offer
// and its answer; two offers that cross are glare. The rule that resolves glare without asking anybody (W3C WebRTC, section
// 10.7; RFC 9429, section 4.1.10.2 for the rollback): one end is polite. When offers cross, the polite one takes its own back
// and answers; the impolite one ignores the other's offer and waits for the answer to its own. The polite one's wish is not
// lost: once its end is stable again the browser says "negotiation needed" again, and it offers anew.
//
// An offer collides when this end is not ready for one: it is making its own (`makingOffer`: made, but not yet in
// signalingState), or its own is out (`have-local-offer`) and the answer is not being applied at this very moment
// (`settingAnswer`). The first row that fits decides; a missing column fits everything.

export const EVENTS = Object.freeze(['needed', 'offer', 'answer', 'candidates']);
export const SIGNALING_STATES = Object.freeze([
  'stable', 'have-local-offer', 'have-remote-offer', 'have-local-pranswer', 'have-remote-pranswer', 'closed',
]);

/**
 * The actions:
 * - `make-offer`: set the local description, send it
 * - `wait`: do nothing; the browser asks again when the state is stable
 * - `answer`: set the remote offer, answer it
 * - `yield`: the same, but take the own offer back first (setting the remote offer does so by itself)
 * - `ignore`: drop this offer, and the candidates that belong to it
 * - `apply`: set the answer, or add the candidates
 * - `try`: add the candidates, and mind no failure: they may belong to an offer that was ignored
 * - `drop`: what makes no sense here (a second copy, a closed peer connection)
 */
export const TABLE = Object.freeze([
  { signalingState: 'closed', action: 'drop' },

  { event: 'needed', makingOffer: true, action: 'wait' },
  { event: 'needed', signalingState: 'stable', action: 'make-offer' },
  { event: 'needed', action: 'wait' },

  { event: 'offer', makingOffer: true, polite: false, action: 'ignore' },
  { event: 'offer', makingOffer: true, polite: true, action: 'yield' },
  { event: 'offer', signalingState: 'stable', action: 'answer' },
  { event: 'offer', settingAnswer: true, action: 'answer' },
  { event: 'offer', signalingState: 'have-remote-offer', action: 'answer' }, // a newer offer takes the place of an unanswered one
  { event: 'offer', polite: false, action: 'ignore' },
  { event: 'offer', polite: true, action: 'yield' },

  { event: 'answer', signalingState: 'have-local-offer', action: 'apply' },
  { event: 'answer', signalingState: 'have-remote-pranswer', action: 'apply' },
  { event: 'answer', action: 'drop' },

  { event: 'candidates', ignoring: true, action: 'try' },
  { event: 'candidates', action: 'apply' },
].map(Object.freeze));

/**
 * @param {{event: string, polite: boolean, signalingState: string, makingOffer: boolean, settingAnswer: boolean, ignoring: boolean}} situation
 * @returns {string} one of the actions above
 */
export function decide(situation) {
  const row = TABLE.find((candidate) => rowFits(candidate, situation));
  if (!row) throw new RangeError(`no row for ${JSON.stringify(situation)}`);
  return row.action;
}

function rowFits({ action, ...columns }, situation) {
  return Object.entries(columns).every(([name, value]) => situation[name] === value);
}
