// Requests to the API.  An error has the status, the code and a sentence.

export class ApiError extends Error {
	constructor(status, body) {
		super(body.error ?? (status === 0 ?
		    "brokerd cannot be reached." :
		    `brokerd answered with ${status}.`));
		this.status = status;
		this.code = body.code ?? "";
		this.body = body;
	}
}

const WAIT = 20000;

async function ask(path, { signal, ...options }) {
	const late = AbortSignal.timeout(WAIT);
	let answer;

	try {
		answer = await fetch(path, { credentials: "same-origin",
		    cache: "no-store", ...options,
		    signal: signal ? AbortSignal.any([signal, late]) : late });
	} catch (e) {
		if (e.name === "AbortError")
			throw e;
		throw new ApiError(0, {});
	}
	const body = await answer.json().catch((e) => {
		if (e.name === "AbortError")
			throw e;
		if (answer.ok)
			throw new ApiError(0, {});
		return {};
	});
	if (!answer.ok)
		throw new ApiError(answer.status, body);
	return body;
}

export function get(path, params, signal) {
	return ask(address(path, params), { signal });
}

export function post(path, body) {
	return ask(path, { method: "POST", body: JSON.stringify(body ?? {}),
	    headers: { "Content-Type": "application/json" } });
}

export function address(path, params) {
	const q = new URLSearchParams();

	for (const [k, v] of Object.entries(params ?? {})) {
		if (v !== "" && v !== null && v !== undefined)
			q.set(k, v);
	}
	return String(q) ? `${path}?${q}` : path;
}

// Where the log of a vault is; null is the instance log.
export function logPath(vault) {
	return vault === null ? "/v1/admin/logs" :
	    `/v1/vaults/${encodeURIComponent(vault)}/logs`;
}
