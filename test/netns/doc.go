// Package netns tests the verdicts on networks that interfere, with a kernel's
// own means: a client, a box and a server in three network namespaces, and
// firewall rules, narrow routes and proxies from Debian between them. It needs
// Linux and root; elsewhere it is skipped, and the lab's scenarios of the path
// (internal/lab/scenarios_path.go) stand in.
package netns
