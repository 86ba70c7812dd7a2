/* Numbers of the dashboard are written as the browser's language writes them; its text is English. */
"use strict";
wattlog.locale = navigator.language || "en";
