# Lines "tunnels process KiB": a table with a process a line.
{
	if (!($1 in seen)) {
		seen[$1] = 1
		at[++nat] = $1
	}
	if (!($2 in known)) {
		known[$2] = 1
		names[++nnames] = $2
	}
	kib[$1, $2] = $3
}

END {
	printf "Resident KiB after so many tunnels, opened and closed\n%-10s",
	    ""
	for (i = 1; i <= nat; i++)
		printf "%10d", at[i]
	printf "%10s\n", "grown by"
	for (j = 1; j <= nnames; j++) {
		printf "%-10s", names[j]
		for (i = 1; i <= nat; i++)
			printf "%10d", kib[at[i], names[j]]
		first = kib[at[1], names[j]]
		last = kib[at[nat], names[j]]
		printf "%9.1f%%\n", (last / (first > 0 ? first : 1) - 1) * 100
	}
	printf "\n"
}
