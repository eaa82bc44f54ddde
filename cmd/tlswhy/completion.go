package main

import (
	"slices"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/causes"
	"github.com/tlswhy/tlswhy/internal/client"
	"github.com/tlswhy/tlswhy/internal/report"
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

// completeFlags says what may follow the options of diagnose. A flag that does
// not exist is a mistake that the tests catch.
func (p *program) completeFlags(cmd *cobra.Command) {
	words := func(list ...string) cobra.CompletionFunc {
		return func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return list, cobra.ShellCompDirectiveNoFileComp
		}
	}
	versions := []string{"ssl3", "1.0", "1.1", "1.2", "1.3"}
	var formats []string
	for _, f := range report.Formats {
		formats = append(formats, string(f))
	}
	for name, f := range map[string]cobra.CompletionFunc{
		"output": words(formats...), "color": words("auto", "always", "never"),
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
	} {
		_ = cmd.RegisterFlagCompletionFunc(name, f) // fails for an unknown flag only; TestCompletion asks for each
	}
	cmd.ValidArgsFunction = func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}
