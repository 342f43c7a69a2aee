// The page's script. The server renders everything and every view can be read without this; it keeps what is shown live, and adds keys.
import { offerCopies } from "./copy.js";
import { openDoor } from "./door.js";
import { listen } from "./keys.js";
import { stayLive, tellAges } from "./live.js";
import { followLogs } from "./logs.js";
import { followForms } from "./forms.js";
import { workOffline } from "./offline.js";
import { tellNews } from "./news.js";
import { openPalette } from "./palette.js";

const door = document.getElementById("door");
if (door) {
  openDoor(door);
} else {
  // A link opened while signed in: its token is not needed, and must not stay in the address.
  if (location.hash.startsWith("#token=")) history.replaceState(null, "", location.pathname);
  tellAges();
  stayLive(document.getElementById("main"));
  tellNews();
  followForms();
  offerCopies();
  followLogs();
  openPalette();
  listen();
  // A link to a field leads into it.
  document.querySelector("input:target")?.focus();
  // On a phone the views stand in a strip that is wider than the screen.
  document.querySelector("nav.views [aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
}
workOffline(Boolean(door));
