package main

import (
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/starttls"
	"github.com/tlswhy/tlswhy/internal/truststore"
	"github.com/tlswhy/tlswhy/internal/truststore/programs"
)

var shells = []string{"bash", "zsh", "fish", "powershell"}

func (p *program) completionCommand() *cobra.Command {
	return &cobra.Command{
		Use:       "completion SHELL",
		Short:     "prints a completion script",
		ValidArgs: shells,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 || !slices.Contains(shells, args[0]) {
				return badUsage("bash, zsh, fish or powershell", "completion wants the name of one shell")
			}
			root := cmd.Root()
			switch args[0] {
			case "bash":
				return root.GenBashCompletionV2(p.stdout, true)
			case "zsh":
				return root.GenZshCompletion(p.stdout)
			case "fish":
				return root.GenFishCompletion(p.stdout, true)
			}
			return root.GenPowerShellCompletionWithDesc(p.stdout)
		},
	}
}

// hosts are the commands whose arguments are no files.
var hosts = []string{"tlswhy", "diagnose", "scan", "clients", "listen", "version", "serve", "list"}

// completeAll says what may follow the options of every command, and that hosts
// are no files.
func completeAll(cmd *cobra.Command) {
	for name, f := range flagWords() {
		if flag := cmd.Flags().Lookup(name); flag != nil {
			_ = cmd.RegisterFlagCompletionFunc(name, f) // fails for an unknown flag only
		}
	}
	if flag := cmd.Flags().Lookup("output"); flag != nil { // its help is the list
		_ = cmd.RegisterFlagCompletionFunc("output", words(strings.Fields(strings.NewReplacer(",", "", " or ", " ").Replace(flag.Usage))...))
	}
	if cmd.ValidArgsFunction == nil && slices.Contains(hosts, cmd.Name()) {
		cmd.ValidArgsFunction = words()
	}
	for _, c := range cmd.Commands() {
		completeAll(c)
	}
}

// words completes by a list.
func words(list ...string) cobra.CompletionFunc {
	return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return list, cobra.ShellCompDirectiveNoFileComp
	}
}

// flagWords are the words that options take.
func flagWords() map[string]cobra.CompletionFunc {
	versions := []string{"ssl3", "1.0", "1.1", "1.2", "1.3"}
	return map[string]cobra.CompletionFunc{
		"color":   words("auto", "always", "never"),
		"tls-min": words(versions...), "tls-max": words(versions...), "starttls": words(starttls.Names()...),
		"trust":      words(truststore.Names(programs.Lists{})...),
		"revocation": words("off", "soft", "hard"),
		"sni":        words("none"), "alpn": words("none", "h2", "http/1.1"),
		"server": words(causes.SoftwareNames("server")...),
		"client": func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			out := []string{"list"}
			for _, c := range client.Profiles() {
				out = append(out, c.Name)
			}
			return out, cobra.ShellCompDirectiveNoFileComp
		},
	}
}
