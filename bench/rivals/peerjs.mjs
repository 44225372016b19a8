// The PeerJS server as it comes from npm, one process. It has no rooms, no limits and no check of the Origin: it does less than the others.

import { PeerServer } from "peer";

PeerServer({ host: "127.0.0.1", port: Number(process.env.PORT), path: "/", concurrent_limit: 100_000 }, () =>
  console.log("listens"),
);
