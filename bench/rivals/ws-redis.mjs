// Node.js `ws` with `redis`, any number of processes: one subscription for each client, one publish for each message.
//
// A client's subject is `room:peer`, so a message reaches only a member of its sender's room, and nobody has to be asked. The sender's
// process builds the text, the receiver's one passes it on as it is.

import { createClient } from "redis";
import { TokenBucket, newId, parse, serve } from "./common.mjs";

const ROOM_SECONDS = 12 * 3600;
const commands = createClient({ url: process.env.REDIS_URL });
const subscriptions = commands.duplicate();
for (const client of [commands, subscriptions]) {
  client.on("error", (error) => console.error(`redis: ${error.message}`));
  await client.connect();
}

serve((socket) => {
  const bucket = new TokenBucket();
  const deliver = (text) => socket.send(text);
  let room;
  let peer;

  socket.on("message", (data, isBinary) => {
    const message = isBinary ? undefined : parse(data);
    if (!bucket.take()) refuse("rate-limited");
    else if (message?.type === "signal" && room) publish(message).catch(fail);
    else if (message?.type === "join" && !room) join(message.room).catch(fail);
    else refuse("bad-message");
  });
  socket.on("close", () => leave().catch(fail));

  async function join(wanted) {
    room = wanted;
    peer = newId();
    await subscriptions.subscribe(`${room}:${peer}`, deliver);
    const [, , members] = await commands
      .multi()
      .sAdd(`room:${room}`, peer)
      .expire(`room:${room}`, ROOM_SECONDS)
      .sMembers(`room:${room}`)
      .exec();
    const peers = members.filter((other) => other !== peer);
    socket.send(JSON.stringify({ type: "joined", peer, peers }));
    await tell(peers, { type: "peer-joined", peer });
  }

  async function publish({ to, ...rest }) {
    const receivers = await commands.publish(`${room}:${to}`, JSON.stringify({ ...rest, from: peer }));
    if (receivers === 0) refuse("unknown-peer");
  }

  async function leave() {
    if (!room) return;
    const [, , members] = await Promise.all([
      subscriptions.unsubscribe(`${room}:${peer}`, deliver),
      commands.sRem(`room:${room}`, peer),
      commands.sMembers(`room:${room}`),
    ]);
    await tell(members, { type: "peer-left", peer });
  }

  function tell(peers, message) {
    const text = JSON.stringify(message);
    return Promise.all(peers.map((other) => commands.publish(`${room}:${other}`, text)));
  }

  function refuse(code) {
    socket.send(JSON.stringify({ type: "error", code }));
  }

  function fail(error) {
    console.error(error.message);
    socket.close(1011);
  }
});
