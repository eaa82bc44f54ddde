package causes

var _ = register(rule{id: "middlebox-blackhole", rank: rankTransport,
	match: func(v *view) *match { return v.cutOnPath(true) }})
