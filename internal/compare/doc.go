// Package compare joins diagnoses of one target that were made from several
// places, experiment by experiment, and says where the fault lies: on one
// network, in its DNS, at the server, at one of its machines, with a client's
// own settings, or in the time between the runs. It knows no I/O and no clock;
// what it is given may have been saved long ago, by other versions, masked.
//
//	d, err := compare.Join([]compare.Vantage{{Label: "home", Diagnosis: a}, {Label: "office", Diagnosis: b}})
//	fmt.Println(d.Compared.Fault, d.Compared.At)
package compare
