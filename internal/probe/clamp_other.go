//go:build !linux && !darwin

package probe

import "errors"

// CanClamp says that Shape.MaxSegment works on this system.
const CanClamp = false

func clamp(uintptr, int) error { return errors.ErrUnsupported }
