package config

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// Watch loads the file again when it or a file of a secret changes, or when
// reload says so, and hands what is good to apply. A file that is not good is
// told and the last good one stays. It looks instead of listening: that sees
// edits, atomic replacements, and the symbolic links that Kubernetes swaps, on
// every file system. It returns when ctx ends.
func Watch(ctx context.Context, path string, o Options, good *Config, reload <-chan os.Signal, every time.Duration, log *slog.Logger, apply func(*Config)) {
	files := append([]string{path}, good.Files...)
	seen := prints(files)
	t := time.NewTicker(every)
	defer t.Stop()
	for {
		asked := false
		select {
		case <-ctx.Done():
			return
		case <-reload:
			asked = true
		case <-t.C:
		}
		now := prints(files)
		if now == seen && !asked {
			continue
		}
		c, err := Load(path, o)
		seen = now
		if err != nil {
			log.Error("the configuration is not good; the last good one stays", "err", err)
			continue
		}
		files = append([]string{path}, c.Files...)
		seen = prints(files)
		log.Info("the configuration was loaded again", "endpoints", len(c.Endpoints), "channels", len(c.Channels))
		apply(c)
	}
}

// prints tell versions of files apart without reading them.
func prints(files []string) string {
	out := ""
	for _, f := range files {
		real, err := filepath.EvalSymlinks(f)
		if err != nil {
			out += "gone;"
			continue
		}
		if fi, err := os.Stat(real); err == nil {
			out += fmt.Sprintf("%s %d %d;", real, fi.Size(), fi.ModTime().UnixNano())
		}
	}
	return out
}
