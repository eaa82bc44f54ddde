//go:build !unix

package server

import "os/exec"

func ownGroup(*exec.Cmd) {}

func killGroup(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func endGently(cmd *exec.Cmd) { killGroup(cmd) }
