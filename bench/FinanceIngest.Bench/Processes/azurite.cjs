// Azurite's queue service without its sweep of deleted messages. The sweep runs every minute in the one thread that serves all requests, and takes up to
// minutes after tens of thousands of messages, so that it would distort a measurement at that moment.
// node azurite.cjs FOLDER-OF-AZURITE OPTIONS…
const path = require("node:path");

const longest = 2 ** 31 - 1;
const [node, , folder, ...options] = process.argv;
const constants = require(path.join(folder, "dist", "src", "queue", "utils", "constants.js"));
if (typeof constants.DEFAULT_GC_INTERVAL_MS !== "number") {
  throw new Error("this Azurite's sweep is not where it was: look for DEFAULT_GC_INTERVAL_MS");
}

constants.DEFAULT_GC_INTERVAL_MS = longest;
const main = path.join(folder, "dist", "src", "queue", "main.js");
process.argv = [node, main, ...options];
require(main);
