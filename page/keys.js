// What keys do, and a dialog that says so.

import { h } from "./dom.js";

const HELP = [
	["/", "search"], ["j, ↓", "next row (older)"],
	["k, ↑", "row before (newer)"], ["g", "the newest row, live"],
	["G", "the oldest row in memory"], ["Enter", "details of the row"],
	["Esc", "close what is open, leave the search"],
	["Space", "pause, go on"], ["e", "errors only"],
	["←, →", "in the chart: a step, with Shift more; Enter: zoom"],
	["t", "times: local, UTC, how long ago"], ["?", "this help"]
];

export const help = h("dialog.help", { "aria-label": "Keys" },
    h("h2", "Keys"),
    h("dl", HELP.map(([k, what]) => [h("dt",
	k.split(", ").map((one) => h("kbd", one))),
	h("dd", what)])),
    h("p", "Click on a row for its details, in which a click on a " +
	"value filters by it, as does one with Alt or Ctrl on a cell."),
    h("form", { method: "dialog" }, h("button", "Close")));

export function listen(actions) {
	document.addEventListener("keydown", (e) => {
		const typing = /^(INPUT|TEXTAREA|SELECT)$/.test(
		    e.target.tagName);

		if (e.ctrlKey || e.metaKey || e.altKey || help.open)
			return;
		if (typing && e.key !== "Escape")
			return;
		if ((e.key === " " || e.key === "Enter") &&
		    /^(BUTTON|A|SUMMARY)$/.test(e.target.tagName))
			return;
		const key = { ArrowDown: "j", ArrowUp: "k" }[e.key] ?? e.key;
		if (actions[key] && actions[key](e) !== false)
			e.preventDefault();
	});
}
