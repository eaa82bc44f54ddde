package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// Duration is a time.Duration that is written as 90s, 5m, 12h, 20d or 1d12h.
type Duration time.Duration

const day = 24 * time.Hour

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(formatDuration(time.Duration(d))), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(raw []byte) error {
	x, err := parseDuration(string(raw))
	*d = Duration(x)
	return err
}

// Schema implements huma.SchemaProvider.
func (Duration) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: huma.TypeString, Pattern: `^([0-9]{1,5}d)?([0-9.]+(h|m|s|ms))*$`, Description: "A duration: 90s, 5m, 12h, 20d, 1d12h", Examples: []any{"5m"}}
}

func formatDuration(d time.Duration) string {
	days, rest := d/day, d%day
	out := ""
	if days > 0 {
		out = strconv.Itoa(int(days)) + "d"
	}
	if rest > 0 || days == 0 {
		s := rest.String()
		if strings.HasSuffix(s, "m0s") {
			s = strings.TrimSuffix(s, "0s")
		}
		if strings.HasSuffix(s, "h0m") {
			s = strings.TrimSuffix(s, "0m")
		}
		out += s
	}
	return out
}

func parseDuration(text string) (time.Duration, error) {
	if text == "" {
		return 0, nil
	}
	var d time.Duration
	before, rest, found := strings.Cut(text, "d")
	if found {
		n, err := strconv.Atoi(before)
		if err != nil || n < 0 || n > 36500 {
			return 0, fmt.Errorf("%q is no duration such as 5m or 20d", text)
		}
		d = time.Duration(n) * day
	} else {
		rest = text
	}
	if rest == "" {
		return d, nil
	}
	x, err := time.ParseDuration(rest)
	if err != nil || x < 0 || x > 36500*day {
		return 0, fmt.Errorf("%q is no duration such as 5m or 20d", text)
	}
	return d + x, nil
}
