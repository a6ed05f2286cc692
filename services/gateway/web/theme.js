// Before anything is drawn: the theme that was chosen last; without one, the system's.
"use strict";
try {
  const chosen = localStorage.getItem("baleen-theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
} catch {
  // Storage may be off; the system's theme it is.
}
