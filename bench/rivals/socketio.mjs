// socket.io with @socket.io/redis-adapter, any number of processes; WebSocket only, which is the cheaper of its two transports.
//
// Every peer joins its room and a room of its own named `room/peer`, so a message reaches only a member of its sender's room.

import { createServer } from "node:http";
import { createAdapter } from "@socket.io/redis-adapter";
import { createClient } from "redis";
import { Server } from "socket.io";
import { TokenBucket, isAllowed, newId } from "./common.mjs";

const publishing = createClient({ url: process.env.REDIS_URL });
const subscribing = publishing.duplicate();
for (const client of [publishing, subscribing]) {
  client.on("error", (error) => console.error(`redis: ${error.message}`));
  await client.connect();
}

const server = createServer();
const io = new Server(server, {
  adapter: createAdapter(publishing, subscribing),
  transports: ["websocket"],
  serveClient: false,
  maxHttpBufferSize: 65536,
  perMessageDeflate: false,
  allowRequest: (request, answer) => answer(null, isAllowed(request.headers.origin)),
});

io.on("connection", (socket) => {
  const bucket = new TokenBucket();
  let room;
  let peer;

  socket.on("join", async (message, answer) => {
    if (room || typeof message?.room !== "string" || typeof answer !== "function") return;
    room = message.room;
    peer = newId();
    socket.data.peer = peer;
    await socket.join([room, `${room}/${peer}`]);
    const members = await io.in(room).fetchSockets();
    answer({ peer, peers: members.map((member) => member.data.peer).filter((other) => other !== peer) });
    socket.to(room).emit("peer-joined", { peer });
  });
  socket.on("signal", (message) => {
    if (!bucket.take()) return socket.emit("refused", { code: "rate-limited" });
    if (!room || typeof message?.to !== "string" || message.body === undefined) {
      return socket.emit("refused", { code: "bad-message" });
    }
    const { to, ...rest } = message;
    io.to(`${room}/${to}`).emit("signal", { ...rest, from: peer });
  });
  socket.on("disconnect", () => {
    if (room) io.to(room).emit("peer-left", { peer });
  });
});

server.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 2048 }, () => console.log("listens"));
