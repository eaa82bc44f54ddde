package chain

func parsePEM(data []byte) (certs []*Certificate, rest []string) { return nil, nil }
