// Package tlswhy finds out why a TLS handshake fails: it names the root cause,
// shows the evidence, gives the fix for the server or client in question, and
// the command that verifies it.
//
//	d, err := tlswhy.Diagnose(ctx, "shop.example.com", nil)
//	if err != nil {
//		return err
//	}
//	if c := d.FirstFailure(); c != nil {
//		fmt.Println(c.ID, c.Summary)
//	}
//
// The result is described in package diag.
package tlswhy
