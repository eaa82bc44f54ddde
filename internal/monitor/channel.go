package monitor

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"time"
)

// KeptChannel is a channel that people made, not the file. What it needs to
// know is sealed: a copy of the database tells nobody.
type KeptChannel struct {
	Name    string
	Type    string
	Changed time.Time
	Sealed  []byte
}

// Revision tells versions of it apart.
func (c *KeptChannel) Revision() string {
	sum := sha256.Sum256(c.Sealed)
	return hex.EncodeToString(sum[:8])
}

// ChannelEditor keeps the channels that people make. A revision that is not ""
// must be that of what is there, else ErrChanged.
type ChannelEditor interface {
	KeptChannels(ctx context.Context) ([]KeptChannel, error)
	// AddChannel returns ErrExists when there is one of that name.
	AddChannel(ctx context.Context, c KeptChannel) error
	ChangeChannel(ctx context.Context, revision string, c KeptChannel) error
	// RemoveChannel also gives up what still waits for the channel.
	RemoveChannel(ctx context.Context, name, revision string) error
}
