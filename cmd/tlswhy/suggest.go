package main

import (
	"slices"
	"strings"
)

// commands are the subcommands that exist.
var commands = []string{"diagnose", "explain", "run", "listen", "capture", "config", "cert", "causes", "lab", "serve", "backup", "restore", "version", "completion", "man", "help"}

// laterCommands are names that this version keeps free for what is to come;
// they are no hosts.
var laterCommands = []string{"scan", "clients", "compare", "worker", "agent"}

// laterFlags are options that this version does not have yet.
var laterFlags = []string{"proxy", "via"}

// checkWord refuses a first word that is (nearly) a subcommand: it is a typo or
// a command of another version and no host. Whoever has a host of such a name
// writes "tlswhy diagnose NAME" or NAME:443.
func checkWord(word string) error {
	if word == "" || strings.ContainsAny(word, ".:/[]") || word == "localhost" {
		return nil
	}
	lower := strings.ToLower(word)
	way := "a host of that name: tlswhy diagnose " + word
	if slices.Contains(laterCommands, lower) {
		return badUsage(way, "this version does not have %q yet", lower)
	}
	if slices.Contains(commands, lower) { // in capitals
		return badUsage("did you mean tlswhy "+lower+"?", "unknown command %q", word)
	}
	near := nearest(lower, append(slices.Clone(commands), laterCommands...))
	switch {
	case slices.Contains(laterCommands, near):
		return badUsage("did you mean "+near+"? This version does not have it yet. For "+way, "unknown command %q", word)
	case near != "":
		return badUsage("did you mean tlswhy "+near+"? For "+way, "unknown command %q", word)
	}
	return nil
}

// nearest returns the candidate that a slip of the finger turns into word, ""
// when there is none.
func nearest(word string, candidates []string) string {
	best, least := "", 3
	for _, c := range candidates {
		most := 2
		if len(c) <= 4 {
			most = 1
		}
		if n := distance(word, c); n <= most && n < least {
			best, least = c, n
		}
	}
	return best
}

// distance counts insertions, deletions, substitutions and transpositions of
// neighbours (optimal string alignment). Words beyond 64 bytes are far from
// everything.
func distance(a, b string) int {
	if len(a) > 64 || len(b) > 64 {
		return max(len(a), len(b))
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
