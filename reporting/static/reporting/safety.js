// Adds to pages that work without it: a faster way out, a neutral page after five idle minutes, and
// progress while files are sent.
"use strict";
(() => {
  const leave = document.getElementById("leave");
  const blank = () => { document.title = "Notes"; document.body.replaceChildren(); };

  // One step out: the screen is empty at once, the session ends, and this page is replaced in the
  // history.
  const goAway = (event) => {
    event?.preventDefault();
    const way = leave.href;
    blank();
    location.replace(way);
  };
  leave?.addEventListener("click", goAway);
  let shifts = [];
  addEventListener("keydown", (event) => {
    if (event.key !== "Shift") { shifts = []; return; }
    shifts = [...shifts, Date.now()].filter((time) => Date.now() - time < 5000);
    if (shifts.length === 3) goAway();
  });
  // Coming back by the browser's button never shows an old page.
  addEventListener("pageshow", (event) => { if (event.persisted) { blank(); location.reload(); } });

  let idle;
  const pause = () => {
    if (document.querySelector(".paused")) return;
    const cover = document.createElement("div");
    cover.className = "paused";
    const on = document.createElement("button");
    on.className = "button";
    on.textContent = "Continue";
    on.addEventListener("click", () => { cover.remove(); wait(); });
    cover.append(on);
    document.body.append(cover);
  };
  const wait = () => { clearTimeout(idle); idle = setTimeout(pause, 5 * 60 * 1000); };
  const stillHere = () => { if (!document.querySelector(".paused")) wait(); };
  for (const sign of ["pointerdown", "keydown", "scroll"]) {
    addEventListener(sign, stillHere, { passive: true });
  }
  wait();

  const form = document.getElementById("send-files");
  form?.addEventListener("submit", () => {
    const bar = document.createElement("progress");
    bar.setAttribute("aria-label", "Sending");
    form.append(bar);
    form.querySelector("button").textContent = "Sending…";
    clearTimeout(idle);
  });
})();
