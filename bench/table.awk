# Lines of bench/run, one a round: scenario, proxy, ticks, connections that
# reached the origin, and the load generator's line.  Prints medians; a ratio
# is the median of the ratios within each round.

function median(list, n,	i, j, t, v)
{
	n = split(list, v, " ")
	for (i = 2; i <= n; i++) {
		t = v[i] + 0
		for (j = i - 1; j > 0 && v[j] + 0 > t; j--)
			v[j + 1] = v[j]
		v[j + 1] = t
	}
	return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
}

function ratio(key, base,	n, i, a, b, list)
{
	n = split(cpu[key], a, " ")
	split(cpu[base], b, " ")
	for (i = 1; i <= n; i++)
		list = list " " (b[i] > 0 ? a[i] / b[i] : 0)
	return median(list)
}

{
	key = $1 " " $2
	if (!(key in rps)) {
		keys[++nkeys] = key
	}
	n = $5 > 0 ? $5 : 1
	cpu[key] = cpu[key] " " $3 / hz * 1000 / n
	rps[key] = rps[key] " " $7
	p50[key] = p50[key] " " $8
	p99[key] = p99[key] " " $9
	conns[key] = conns[key] " " $4 * 1000 / n
	errors[key] += $10
	non200[key] += $11
}

function part(scenario, title, target,	i, key, name, r)
{
	printf "%s, %d clients\n", title, clients
	printf "%-10s%9s%9s%9s%12s%11s%14s%8s%8s\n", "", "req/s", "p50 ms",
	    "p99 ms", "CPU s/1000", "x haproxy", "conns up/1000", "errors",
	    "not 200"
	for (i = 1; i <= nkeys; i++) {
		key = keys[i]
		if (index(key, scenario " ") != 1)
			continue
		name = substr(key, length(scenario) + 2)
		r = ratio(key, scenario " haproxy")
		printf "%-10s%9d%9.3f%9.3f%12.4f%11s%14.1f%8d%8d\n", name,
		    median(rps[key]), median(p50[key]), median(p99[key]),
		    median(cpu[key]),
		    name == "direct" ? "-" : sprintf("%.2f", r),
		    median(conns[key]), errors[key], non200[key]
		if (name != "brokerd")
			continue
		verdict = verdict sprintf("CPU, %s: %.2f of haproxy's, " \
		    "target %.1f: %s\n", title, r, target,
		    r <= target ? "met" : r <= 2 ? "missed" : "FAILED")
		if (scenario == "keep")
			verdict = verdict sprintf("connections to the " \
			    "upstream per 1000 requests: %.1f, target 20: " \
			    "%s\n", median(conns[key]),
			    median(conns[key]) <= 20 ? "met" : "missed")
	}
	printf "\n"
}

END {
	part("keep", "keep-alive", 1.3)
	part("new", "a connection a request", 1.2)
	printf "%s", verdict
}
