// Delivery in order and without loss over paths that lose, repeat and reorder: what TCP does over IP, for one stream.
//
// The server keeps no messages, sockets die, and a call must survive both. So the two ends number what they send (1, 2, 3, …)
// and keep each message until the other end has acknowledged it. An acknowledgement is cumulative: 3 says that 1, 2 and 3
// have come; it rides on the next message, or goes alone after a moment. What is not acknowledged is sent again by a timer that
// doubles, and at once when a path comes back (`resend`). The receiver hands on in order, keeps a few that came too early, and
// drops what it has had; so it does no harm that one message comes twice, or over two paths.
//
// A `Stream` is one end: it sends and receives under one id. It has no timer and no clock. The owner passes `now` in
// milliseconds, asks `nextAt` when to come back, and sends what `due` returns. While no path leads to the other end the owner
// simply does not ask, and calls `resend` when there is one again.

const FIRST_WAIT_MS = 1000; // doubles up to
const LAST_WAIT_MS = 8000;
const ACK_WAIT_MS = 250; // the protocol allows 300 ms, for it to come before the other's timer of 1 s
const AHEAD = 64; // messages kept beyond a gap
const KEPT_MESSAGES = 128;
const KEPT_BYTES = 256 * 1024;

const encoder = new TextEncoder();

export class Stream {
  #id;
  #kept = []; // what we have sent and the other has not acknowledged: {seq, body, bytes}
  #bytes = 0;
  #lastSeq = 0;
  #acknowledged = 0; // the highest seq of ours that the other has
  #received = 0; // the highest seq of theirs up to which we have all
  #early = new Map(); // seq -> body
  #wait = FIRST_WAIT_MS;
  #resendAt = Infinity;
  #ackAt = Infinity;
  #overflowed = false;

  constructor(id) {
    this.#id = id;
  }

  get id() {
    return this.#id;
  }

  /** Messages that the other end has not acknowledged. */
  get pending() {
    return this.#kept.length;
  }

  /** More was kept than is allowed: this stream is lost, and its peer connection with it. */
  get overflowed() {
    return this.#overflowed;
  }

  /** The envelope that carries this body, or null when the stream has overflowed. */
  send(body, now) {
    const bytes = encoder.encode(JSON.stringify(body)).length;
    if (this.#overflowed || this.#kept.length >= KEPT_MESSAGES || this.#bytes + bytes > KEPT_BYTES) {
      this.#overflowed = true; // for good: a message left out would be a gap that never closes
      return null;
    }
    this.#lastSeq += 1;
    const message = { seq: this.#lastSeq, body, bytes };
    this.#kept.push(message);
    this.#bytes += bytes;
    if (this.#resendAt === Infinity) this.#resendAt = now + this.#wait;
    return this.#envelope(message);
  }

  /** Take in a signal or an ack; returns the bodies that are now in order. */
  receive({ seq, ack, body }, now) {
    if (ack !== undefined) this.#takeAck(ack, now);
    if (seq === undefined) return [];
    if (seq > this.#received + 1 + AHEAD) return []; // too far ahead: unacknowledged, so it comes again
    this.#ackAt = Math.min(this.#ackAt, now + ACK_WAIT_MS); // for repeats too: our ack may be what was lost
    if (seq <= this.#received) return [];
    this.#early.set(seq, body);
    return this.#inOrder();
  }

  /** What is to be sent now: envelopes again whose time is up, or an ack that waited for a ride in vain. */
  due(now) {
    if (now >= this.#resendAt) {
      this.#wait = Math.min(this.#wait * 2, LAST_WAIT_MS);
      return this.#again(now);
    }
    if (now >= this.#ackAt) return [this.#ack()];
    return [];
  }

  /** When to ask `due` next; Infinity when nothing waits. */
  nextAt() {
    return Math.min(this.#resendAt, this.#ackAt);
  }

  /** Everything again, because a path has come back. */
  resend(now) {
    this.#wait = FIRST_WAIT_MS;
    if (this.#kept.length > 0) return this.#again(now);
    return this.#ackAt === Infinity ? [] : [this.#ack()];
  }

  #takeAck(ack, now) {
    if (ack <= this.#acknowledged || ack > this.#lastSeq) return;
    this.#acknowledged = ack;
    while (this.#kept.length > 0 && this.#kept[0].seq <= ack) this.#bytes -= this.#kept.shift().bytes;
    this.#wait = FIRST_WAIT_MS;
    this.#resendAt = this.#kept.length > 0 ? now + this.#wait : Infinity;
  }

  #inOrder() {
    const bodies = [];
    for (let next = this.#received + 1; this.#early.has(next); next += 1) {
      bodies.push(this.#early.get(next));
      this.#early.delete(next);
      this.#received = next;
    }
    return bodies;
  }

  // No more than the other end would keep: the rest follows once these are acknowledged.
  #again(now) {
    this.#resendAt = now + this.#wait;
    return this.#kept.slice(0, AHEAD).map((message) => this.#envelope(message));
  }

  #envelope({ seq, body }) {
    this.#ackAt = Infinity;
    return { stream: this.#id, seq, ack: this.#received, body };
  }

  #ack() {
    this.#ackAt = Infinity;
    return { stream: this.#id, ack: this.#received };
  }
}
