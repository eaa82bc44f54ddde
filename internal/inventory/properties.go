package inventory

// properties makes the experiments of the table.
func (s *scan) properties() {}
