// SPDX-License-Identifier: LGPL-3.0-or-later
// Reads a slot with pg-logical-replication, as its documentation shows, and drops what it reads.
// What it says on standard output, and what it is told in PEER_*, is described in ../run.py.
import { writeFileSync } from "node:fs";
import { LogicalReplicationService, PgoutputPlugin } from "pg-logical-replication";

const wanted = Number(process.env.PEER_CHANGES ?? 0);
const counts = { insert: 0, update: 0, delete: 0 };
const seen = [];
let changes = 0;

const now = () => performance.timeOrigin + performance.now();
const say = (word, more = "") => process.stdout.write(`${word} ${more}\n`);

function take(log) {
  if (!(log.tag in counts)) return;
  counts[log.tag] += 1;
  changes += 1;
  if (changes === 1) say("first");
  if (wanted > 0) {
    if (changes === Math.floor(wanted / 2)) say("half");
    if (changes === wanted) say("last", JSON.stringify(counts));
  } else if (Number(log.new.owner) < 0) {
    say("last", JSON.stringify(counts));
  } else {
    seen.push(`${log.new.owner} ${now() / 1000}`);
  }
}

const service = new LogicalReplicationService({ connectionString: process.env.PEER_SOURCE_URL });
service.on("data", (lsn, log) => take(log));
service.on("error", (error) => {
  console.error(error);
  process.exit(1);
});
process.stdin.resume().on("end", async () => {
  if (process.env.PEER_SEEN) writeFileSync(process.env.PEER_SEEN, seen.join("\n"));
  await service.stop();
  process.exit(0);
});

const plugin = new PgoutputPlugin({
  protoVersion: 1,
  publicationNames: [process.env.PEER_PUBLICATION],
  messages: true,
});
await service.subscribe(plugin, process.env.PEER_SLOT);
