//go:build !unix

package relay

import "os/exec"

func alone(*exec.Cmd) {}

func stop(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
