// Who is signed in: by the token of a link, or one that is pasted.

import { h, fill } from "./dom.js";
import { get, post } from "./http.js";

// A link is good once: it must not stay in the address or the history.
export function linkToken() {
	const m = /^#open=([\w-]+)$/.exec(location.hash);

	if (m)
		history.replaceState(null, "", location.pathname +
		    location.search);
	return m?.[1] ?? null;
}

export const me = () => get("/v1/auth/me");
export const exchange = (token) => post("/v1/auth/exchange", { token });
export const signOut = () => post("/v1/auth/logout");

// The form, with a sentence on why it is there; done() once signed in.
export function form(root, why, done) {
	const error = h("p.error", { role: "alert" });
	const input = h("input", { type: "password", id: "token",
	    autocomplete: "off", spellcheck: "false", required: true,
	    placeholder: "av_…" });
	const button = h("button.main", "Sign in");

	fill(root, [h("main.signin",
	    h("h1", "brokerd"),
	    why ? h("p.notice", why) : null,
	    h("p", "On the machine that brokerd runs on, ",
		h("code", "brokerctl open"),
		" prints a link that signs you in."),
	    h("form", { onsubmit: async (e) => {
		e.preventDefault();
		button.disabled = true;
		error.textContent = "";
		try {
			await done(await exchange(input.value.trim()));
		} catch (x) {
			error.textContent = x.status === 401 ?
			    "This token is not good, or not any more." :
			    x.message;
			input.select();
		}
		button.disabled = false;
	    } }, h("label", { for: "token" },
		"Or paste the token of an agent that may read the log"),
		input, button, error))]);
	input.focus();
}
