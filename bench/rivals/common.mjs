// What the rivals on `ws` share: who may open a socket, how much it may send, and what a message must look like.

import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const MESSAGE_BYTES = 65536;
const HEARTBEAT_MS = 30_000; // as the README of ws does it: who has not answered since the last one is gone
const ORIGINS = new Set((process.env.ORIGINS ?? "").split(","));
const RATE = Number(process.env.MESSAGES_PER_SECOND ?? 50);
const BURST = Number(process.env.MESSAGES_AT_ONCE ?? 200);

export const newId = () => randomBytes(12).toString("base64url");

export const isAllowed = (origin) => origin === undefined || ORIGINS.has(origin);

export class TokenBucket {
  #level = BURST;
  #at = performance.now();

  take() {
    const now = performance.now();
    this.#level = Math.min(BURST, this.#level + ((now - this.#at) / 1000) * RATE);
    this.#at = now;
    if (this.#level < 1) return false;
    this.#level -= 1;
    return true;
  }
}

/** The message in this text, or undefined when it is none. */
export function parse(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (message === null || typeof message !== "object") return undefined;
  if (message.type === "join") return isName(message.room) ? message : undefined;
  if (message.type === "signal") return isName(message.to) && message.body !== undefined ? message : undefined;
  return undefined;
}

const isName = (value) => typeof value === "string" && value.length > 0 && value.length <= 128;

/** Serves WebSockets on loopback; `onSocket` gets each that was let in. */
export function serve(onSocket) {
  const sockets = new WebSocketServer({ noServer: true, maxPayload: MESSAGE_BYTES, perMessageDeflate: false });
  const server = createServer((request, response) => response.writeHead(426).end());
  server.on("upgrade", (request, socket, head) => {
    if (!isAllowed(request.headers.origin)) {
      socket.end("HTTP/1.1 403 Forbidden\r\nConnection: close\r\n\r\n");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (webSocket) => {
      webSocket.isAlive = true;
      webSocket.on("pong", () => (webSocket.isAlive = true));
      webSocket.on("error", () => webSocket.terminate());
      onSocket(webSocket);
    });
  });
  setInterval(() => sockets.clients.forEach(heartbeat), HEARTBEAT_MS);
  server.listen({ port: Number(process.env.PORT), host: "127.0.0.1", backlog: 2048 }, () => console.log("listens"));
}

function heartbeat(webSocket) {
  if (!webSocket.isAlive) {
    webSocket.terminate();
    return;
  }
  webSocket.isAlive = false;
  webSocket.ping();
}
