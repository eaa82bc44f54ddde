package monitor

import (
	"context"
	"time"

	"github.com/tlswhy/tlswhy/diag"
)

// Kept is what somebody had explained on the pages: a target, a text or a file,
// and the diagnoses that came of it.
type Kept struct {
	ID      string       `json:"id"`
	At      time.Time    `json:"at"`
	By      string       `json:"by"`
	Kind    string       `json:"kind"` // target, text, capture, configuration, certificate
	Title   string       `json:"title"`
	Verdict diag.Verdict `json:"verdict"` // the worst
	Cause   string       `json:"cause,omitempty"`
	Summary string       `json:"summary,omitempty"`
	Notes   []string     `json:"notes,omitempty"` // about the reading
	// Share is the key of the link by which strangers may read it, "" for none.
	Share string            `json:"share,omitempty"`
	Found []*diag.Diagnosis `json:"-"` // left out in lists
}

// The bounds of what is kept: so many, for so long.
const (
	MaxKept = 500
	KeepFor = 90 * 24 * time.Hour
)

// Archive keeps what was explained. The oldest leave when there is no room, and
// all when they are as old as KeepFor (Store.Prune).
type Archive interface {
	// Keep adds one. ErrTooLarge says that it cannot be kept.
	Keep(ctx context.Context, k Kept) error
	// Kept and Shared return ErrNotFound where there is none.
	Kept(ctx context.Context, id string) (Kept, error)
	Shared(ctx context.Context, share string) (Kept, error)
	// BrowseKept lists them, the newest first.
	BrowseKept(ctx context.Context, l List) (Page[Kept], error)
	// ShareKept gives it the key of a link for strangers, or takes it ("").
	ShareKept(ctx context.Context, id, share string) error
	RemoveKept(ctx context.Context, id string) error
}
