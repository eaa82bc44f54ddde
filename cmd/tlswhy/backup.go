package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/tlswhy/tlswhy/internal/monitor/sqlite"
)

// databaseName is the file in the monitor's data folder.
const databaseName = "tlswhy.db"

func (p *program) backupCommand() *cobra.Command {
	return p.copyCommand("backup FILE", "copies the monitor's database while it runs", p.runBackup)
}

func (p *program) restoreCommand() *cobra.Command {
	return p.copyCommand("restore FILE", "puts a copy of the monitor's database back", p.runRestore)
}

// copyCommand is a command with one file and the monitor's data folder.
func (p *program) copyCommand(use, short string, run func(ctx context.Context, database, file string) error) *cobra.Command {
	data := ""
	cmd := &cobra.Command{Use: use, Short: short, RunE: func(cmd *cobra.Command, args []string) error {
		if len(args) != 1 {
			return badUsage("tlswhy "+use, "%s wants one file, not %d", cmd.Name(), len(args))
		}
		if data == "" {
			dir, err := dataDir(p)
			if err != nil {
				return badUsage("give one with --data DIR", "no folder for the data: %v", err)
			}
			data = dir
		}
		return run(cmd.Context(), filepath.Join(data, databaseName), args[0])
	}}
	cmd.Flags().StringVar(&data, "data", "", "folder of the database")
	return cmd
}

// runBackup copies the database. Opening it migrates nothing: that is for serve
// to do.
func (p *program) runBackup(ctx context.Context, database, file string) error {
	if err := sqlite.Copy(ctx, database, file); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return badUsage("name the monitor's folder with --data DIR", "%v", err)
		}
		return badUsage("", "%v", err)
	}
	fi, err := os.Stat(file)
	if err != nil {
		return badUsage("", "%v", err)
	}
	fmt.Fprintf(p.stdout, "%s: a whole copy of %s (%d bytes); tlswhy restore puts it back\n", file, database, fi.Size())
	if key := filepath.Join(filepath.Dir(database), keyName); exists(key) {
		fmt.Fprintf(p.stdout, "without %s it shows no secret of a channel: keep a copy of that file in another place\n", key)
	}
	return nil
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}

// runRestore puts a copy in the place of the database.
func (p *program) runRestore(ctx context.Context, database, file string) error {
	if err := os.MkdirAll(filepath.Dir(database), 0o700); err != nil {
		return badUsage("give another with --data DIR", "making the folder of the data: %v", err)
	}
	kept, err := sqlite.Restore(ctx, time.Now(), file, database)
	if err != nil {
		return badUsage("", "%v", err)
	}
	fmt.Fprintf(p.stdout, "%s is what %s was; start tlswhy serve\n", database, file)
	if kept != "" {
		fmt.Fprintf(p.stdout, "what was there before is %s\n", kept)
	}
	if key := filepath.Join(filepath.Dir(database), keyName); !exists(key) {
		fmt.Fprintf(p.stdout, "if channels were made by the API, put %s back, too: it opens their secrets\n", key)
	}
	return nil
}
