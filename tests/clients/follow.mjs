// Follows a stream as a web page does: npm eventsource, which comes back by itself with Last-Event-ID.
// Prints one JSON line for every event of the types asked for, and for every time it had to come back.
// usage: node follow.mjs URL TYPE...
import { EventSource } from "eventsource";

const [url, ...types] = process.argv.slice(2);
const source = new EventSource(url);
const say = (line) => console.log(JSON.stringify(line));

for (const type of types) {
  source.addEventListener(type, (event) => {
    const { seq } = JSON.parse(event.data);
    say({ event: event.type, seq, id: event.lastEventId, number: Number.parseInt(event.lastEventId, 10) });
  });
}
source.addEventListener("open", () => say({ opened: true }));
source.addEventListener("message", (event) => say({ unexpected: event.data }));
source.addEventListener("error", (event) => {
  if (source.readyState === EventSource.CLOSED) {
    say({ gave_up: event.message ?? "no reason" });
    process.exit(1);
  }
});
