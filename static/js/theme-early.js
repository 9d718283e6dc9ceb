// Loaded before the styles, blocking on purpose: a theme chosen earlier must be in place before the first paint.
(function () {
  "use strict";
  var root = document.documentElement;
  root.setAttribute("data-scripts", "");
  try {
    var theme = localStorage.getItem("kettle-theme");
    if (theme === "light" || theme === "dark") root.setAttribute("data-theme", theme);
  } catch (error) {
    // No storage, no memory: the page follows the system.
  }
})();
