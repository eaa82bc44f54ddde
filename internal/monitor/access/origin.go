package access

import "context"

// Origin is where a request comes from, as far as that can be believed.
type Origin struct {
	// Address is the client's; that of a proxy which is trusted is none.
	Address string
	// Here says that it was sent on this machine, without a proxy in between and
	// to a name of this machine, so that no page of somebody else's can have sent
	// it by a name of its own that leads here.
	Here bool
	// Secure says that the client's connection is encrypted.
	Secure bool
}

type originKey struct{}

// WithOrigin lends the origin to what is done with ctx.
func WithOrigin(ctx context.Context, o Origin) context.Context {
	return context.WithValue(ctx, originKey{}, o)
}

// OriginOf is where the request comes from; the zero value where nobody said.
func OriginOf(ctx context.Context) Origin {
	o, _ := ctx.Value(originKey{}).(Origin)
	return o
}
