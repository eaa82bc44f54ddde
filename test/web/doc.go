// Package web examines the pages as people use them: Debian's Chromium, the
// program itself as a process, and a real nginx that breaks and is repaired. A
// test fails when a page throws an exception, breaks its own content security
// policy or asks for anything of another host, whatever else it was about.
//
//	TLSWHY_SCREENSHOTS=folder go test ./test/web -run TestScreenshots
//
// leaves pictures of every page in light, dark and narrow.
package web
