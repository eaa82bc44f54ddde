package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// root builds the command tree. "tlswhy TARGET" is "tlswhy diagnose TARGET".
func (p *program) root() *cobra.Command {
	f := &diagnoseFlags{}
	showVersion := false
	root := &cobra.Command{
		Use:           "tlswhy TARGET...",
		Short:         "says why a TLS handshake fails and what fixes it",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) error {
			if showVersion {
				return p.printVersion("text")
			}
			if len(args) == 0 && f.targets == "" && f.client != "list" {
				fmt.Fprint(p.stderr, helpText("tlswhy"))
				return exitError(exitUsage)
			}
			if len(args) > 0 {
				if err := checkWord(args[0]); err != nil {
					return err
				}
			}
			return p.runDiagnose(cmd.Context(), f, args)
		},
	}
	f.register(root.Flags())
	root.Flags().BoolVar(&showVersion, "version", false, "print the version")
	root.AddCommand(p.diagnoseCommand(), p.explainCommand(), p.runCommand(), p.listenCommand(), p.captureCommand(), p.configCommand(), p.certCommand(), p.compareCommand(), p.scanCommand(), p.clientsCommand(), p.causesCommand(), p.labCommand(), p.serveCommand(), p.checkCommand(), p.backupCommand(), p.restoreCommand(), p.versionCommand(), p.completionCommand(), p.manCommand())
	root.SetHelpCommand(p.helpCommand())
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) { fmt.Fprint(p.stdout, helpText(cmd.CommandPath())) })
	root.SetFlagErrorFunc(flagError)
	completeAll(root)
	return root
}

// valueHints say what the options of a type take.
var valueHints = map[string]string{"int": "a whole number from 1 on", "duration": "a number with its unit, such as 30s or 5m, and more than none"}

// flagError says what is wrong with an option, and what may have been meant.
func flagError(cmd *cobra.Command, err error) error {
	var invalid *pflag.InvalidValueError
	if errors.As(err, &invalid) {
		f := invalid.GetFlag()
		return badUsage(valueHints[f.Value.Type()], "--%s %q makes no sense", f.Name, invalid.GetValue())
	}
	var unknown *pflag.NotExistError
	if !errors.As(err, &unknown) {
		return badUsage("see "+cmd.CommandPath()+" --help", "%s", err.Error())
	}
	name := unknown.GetSpecifiedName()
	if unknown.GetSpecifiedShortnames() != "" {
		return badUsage("see "+cmd.CommandPath()+" --help", "unknown option -%s", name)
	}
	var names []string
	cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, f.Name) })
	if near := nearest(strings.ToLower(name), names); near != "" {
		return badUsage("did you mean --"+near+"?", "unknown option --%s", name)
	}
	return badUsage("see "+cmd.CommandPath()+" --help", "unknown option --%s", name)
}
