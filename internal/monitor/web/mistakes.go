package web

import (
	"errors"

	"github.com/tlswhy/tlswhy/internal/monitor/access"
)

// mistakeOf takes an error of what somebody typed apart; false for others.
func mistakeOf(err error) (field, msg string, ok bool) {
	var invalid *access.InvalidError
	if !errors.As(err, &invalid) {
		return "", "", false
	}
	return invalid.Field, invalid.Msg, true
}
