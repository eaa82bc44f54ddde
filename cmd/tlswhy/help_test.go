package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/truststore"
	"github.com/tlswhy/tlswhy/internal/truststore/programs"
)

func everyCommand(c *cobra.Command, visit func(*cobra.Command)) {
	visit(c)
	for _, sub := range c.Commands() {
		everyCommand(sub, visit)
	}
}

// TestHelpNamesEveryOption holds the hand-made help to the options that exist,
// and the other way round.
func TestHelpNamesEveryOption(t *testing.T) {
	t.Parallel()
	words := regexp.MustCompile(`(?m)(?:^ +|, |also |/)--([a-z][a-z0-9-]+)`)
	root := newProgram().root()
	everyCommand(root, func(c *cobra.Command) {
		if c == root || c.Hidden || c.Name() == "help" {
			return
		}
		text := helpText(c.CommandPath())
		if text == "" {
			t.Errorf("%s has no help", c.CommandPath())
			return
		}
		c.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if f.Name != "help" && f.Name != "version" && !strings.Contains(text, "--"+f.Name) {
				t.Errorf("help of %s does not name --%s", c.CommandPath(), f.Name)
			}
		})
		if c.HasSubCommands() || c.Parent() != root {
			return // their parent's help is for all of them
		}
		for _, m := range words.FindAllStringSubmatch(text, -1) {
			if c.Flags().Lookup(m[1]) == nil && m[1] != "version" {
				t.Errorf("help of %s names --%s, which does not exist", c.CommandPath(), m[1])
			}
		}
	})
}

func TestHelpFitsTheScreen(t *testing.T) {
	t.Parallel()
	entries, err := helpFiles.ReadDir("help")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		b, err := helpFiles.ReadFile("help/" + e.Name())
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(e.Name(), ".txt")
		if !strings.HasPrefix(string(b), name+": ") {
			t.Errorf("%s does not begin with its name", e.Name())
		}
		for i, l := range strings.Split(string(b), "\n") {
			if n := utf8.RuneCountInString(l); n >= 80 || strings.HasSuffix(l, " ") || strings.Contains(l, "\t") {
				t.Errorf("%s:%d: %d columns, or white space where none should be", e.Name(), i+1, n)
			}
		}
	}
}

// TestCommandLists keeps the words that are no hosts in step with the tree.
func TestCommandLists(t *testing.T) {
	t.Parallel()
	root := newProgram().root()
	root.InitDefaultHelpCmd()
	for _, c := range root.Commands() {
		if !slices.Contains(commands, c.Name()) {
			t.Errorf("%s is not in commands", c.Name())
		}
		if slices.Contains(laterCommands, c.Name()) {
			t.Errorf("%s exists and is in laterCommands", c.Name())
		}
	}
}

// TestHelpNamesEveryWord keeps the lists of words in the help complete.
func TestHelpNamesEveryWord(t *testing.T) {
	t.Parallel()
	text := strings.Join(strings.Fields(helpText("tlswhy diagnose")), " ")
	for what, words := range map[string][]string{
		"--starttls": starttls.Names(), "--trust": truststore.Names(programs.Lists{}), "--server": causes.SoftwareNames("server"),
	} {
		for _, w := range words {
			if !strings.Contains(text, w) {
				t.Errorf("help of %s does not name %q", what, w)
			}
		}
	}
}
