package main

import (
	"embed"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
)

// The help is laid out by hand, by topic, within 80 columns; a test holds it to
// the options that exist. Man pages are made of the same texts.
//
//go:embed help/*.txt
var helpFiles embed.FS

// helpText is the help of a command path such as "tlswhy lab run".
func helpText(path string) string {
	name := strings.ReplaceAll(path, " ", "-")
	for name != "" {
		if b, err := helpFiles.ReadFile("help/" + name + ".txt"); err == nil {
			return string(b)
		}
		i := strings.LastIndexByte(name, '-') // a subcommand is explained with its parent
		if i < 0 {
			break
		}
		name = name[:i]
	}
	return ""
}

func (p *program) helpCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "help [COMMAND]",
		Short:     "explains a command",
		ValidArgs: commands,
		RunE: func(cmd *cobra.Command, args []string) error {
			root := cmd.Root()
			target, rest, err := root.Find(args)
			if err != nil || len(rest) > 0 {
				word := strings.Join(args, " ")
				if err := checkWord(word); err != nil {
					return err
				}
				return badUsage("see tlswhy --help", "no command is called %q", word)
			}
			fmt.Fprint(p.stdout, helpText(target.CommandPath()))
			return nil
		},
	}
}
