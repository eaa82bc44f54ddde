package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/tlswhy/tlswhy/internal/spell"
)

// commands are the subcommands that exist.
var commands = []string{"diagnose", "explain", "run", "listen", "capture", "config", "cert", "compare", "scan", "clients", "causes", "check", "lab", "serve", "backup", "restore", "version", "completion", "man", "help"}

// laterCommands are names that this version keeps free for what is to come;
// they are no hosts.
var laterCommands = []string{"worker", "agent"}

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

// fileCommands are the subcommands for files, by how their names end.
var fileCommands = map[string]string{".pcap": "capture", ".pcapng": "capture", ".cap": "capture", ".log": "explain", ".conf": "config", ".cfg": "config",
	".pem": "cert", ".crt": "cert", ".cer": "cert", ".der": "cert", ".p12": "cert", ".pfx": "cert", ".p7b": "cert", ".jks": "cert"}

// checkFile refuses a file in place of a target. None of those endings is a
// top-level domain.
func checkFile(word string) error {
	command := fileCommands[strings.ToLower(filepath.Ext(word))]
	if info, err := os.Stat(word); command == "" || err != nil || info.IsDir() {
		return nil
	}
	return badUsage("tlswhy "+command+" "+shellQuote(word), "%q is a file and no host", word)
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
		if n := spell.Distance(word, c, most); n <= most && n < least {
			best, least = c, n
		}
	}
	return best
}
