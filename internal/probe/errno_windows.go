package probe

import "syscall"

// The errors of a connection, by what they say about the peer or the path
// (Windows Sockets Error Codes). The constants of package syscall are invented
// for this system and no call returns them.
var (
	refusedErrnos     = []syscall.Errno{10061}
	unreachableErrnos = []syscall.Errno{10065, 10051, 10050, 10064, 10049}
	resetErrnos       = []syscall.Errno{10054, 10053, 10058, syscall.ERROR_BROKEN_PIPE}
	timeoutErrnos     = []syscall.Errno{10060}
)
