// Node.js `ws`, one process: rooms in memory, each message parsed and built again.

import { TokenBucket, newId, parse, serve } from "./common.mjs";

const rooms = new Map(); // name → Map of peer id → socket

serve((socket) => {
  const bucket = new TokenBucket();
  let room;
  let name;
  let peer;

  socket.on("message", (data, isBinary) => {
    const message = isBinary ? undefined : parse(data);
    if (!bucket.take()) refuse("rate-limited");
    else if (message?.type === "signal" && room) relay(message);
    else if (message?.type === "join" && !room) join(message.room);
    else refuse("bad-message");
  });
  socket.on("close", leave);

  function join(wanted) {
    name = wanted;
    peer = newId();
    room = rooms.get(name);
    if (!room) rooms.set(name, (room = new Map()));
    socket.send(JSON.stringify({ type: "joined", peer, peers: [...room.keys()] }));
    tellOthers({ type: "peer-joined", peer });
    room.set(peer, socket);
  }

  function relay({ to, ...rest }) {
    const receiver = room.get(to);
    if (receiver) receiver.send(JSON.stringify({ ...rest, from: peer }));
    else refuse("unknown-peer");
  }

  function leave() {
    if (!room) return;
    room.delete(peer);
    if (room.size === 0) rooms.delete(name);
    tellOthers({ type: "peer-left", peer });
  }

  function tellOthers(message) {
    const text = JSON.stringify(message);
    for (const other of room.values()) other.send(text);
  }

  function refuse(code) {
    socket.send(JSON.stringify({ type: "error", code }));
  }
});
