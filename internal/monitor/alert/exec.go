package alert

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/tlswhy/tlswhy/internal/monitor"
)

// hook runs a program for each message: the body of a webhook on its standard
// input, the short facts in its environment. No shell is in between. Every end
// but 0 is tried again: a hook that is broken is mended, and then nothing must
// be lost.
type hook struct{ command []string }

func newHook(o Options) (*hook, error) {
	if len(o.Command) == 0 || o.Command[0] == "" {
		return nil, errors.New("command is missing: the program and its arguments, as a list")
	}
	if _, err := exec.LookPath(o.Command[0]); err != nil {
		return nil, fmt.Errorf("command: %w", err)
	}
	return &hook{command: o.Command}, nil
}

// maxHookSaid bounds what is kept of what a hook prints.
const maxHookSaid = 2 << 10

// Notify implements monitor.Channel.
func (h *hook) Notify(ctx context.Context, m monitor.Message) (bool, error) {
	body, err := payload(&m)
	if err != nil {
		return false, err
	}
	cmd := exec.CommandContext(ctx, h.command[0], h.command[1:]...)
	cmd.Stdin = bytes.NewReader(body)
	said := &bounded{most: maxHookSaid}
	cmd.Stdout, cmd.Stderr = said, said
	cmd.WaitDelay = time.Second // for children that hold its output open
	cmd.Env = hookEnvironment(&m)
	err = cmd.Run()
	if errors.Is(err, exec.ErrWaitDelay) {
		err = nil // it ended well and left children behind
	}
	if err == nil {
		return false, nil
	}
	text := strings.ToValidUTF8(strings.Join(strings.Fields(string(said.kept)), " "), "?")
	err = fmt.Errorf("the hook %s: %w: %s", h.command[0], cmp.Or(ctx.Err(), err), cmp.Or(text, "it printed nothing"))
	// Killed in the middle, it may have told somebody.
	return true, &monitor.DeliveryError{Err: err, Ambiguous: ctx.Err() != nil && cmd.Process != nil}
}

// hookEnvironment holds no variable of the monitor's own but what programs need
// to run.
func hookEnvironment(m *monitor.Message) []string {
	out := []string{"TLSWHY_KEY=" + m.Key, "TLSWHY_KIND=" + string(m.Kind), "TLSWHY_SUBJECT=" + Subject(m)}
	for _, name := range []string{"PATH", "HOME", "LANG", "TZ", "TMPDIR", "SystemRoot"} {
		if v, ok := os.LookupEnv(name); ok {
			out = append(out, name+"="+v)
		}
	}
	if len(m.Items) > 0 {
		i := &m.Items[0].Incident
		out = append(out, "TLSWHY_INCIDENT="+i.ID, "TLSWHY_TARGET="+i.Target, "TLSWHY_CAUSE="+i.Finding.Cause, "TLSWHY_SEVERITY="+string(i.Severity), "TLSWHY_OWNER="+i.Owner, "TLSWHY_SUMMARY="+i.Finding.Summary)
	}
	for n := range out {
		out[n] = cut(strings.ReplaceAll(out[n], "\x00", ""), 8<<10)
	}
	return out
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	kept []byte
	most int
}

func (b *bounded) Write(p []byte) (int, error) {
	b.kept = append(b.kept, p[:min(b.most-len(b.kept), len(p))]...)
	return len(p), nil
}
