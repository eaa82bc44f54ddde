//go:build unix

package server

import (
	"os/exec"
	"syscall"
)

// ownGroup lets a program with children (Apache) be ended together with them.
func ownGroup(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }

func killGroup(cmd *exec.Cmd) { _ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
