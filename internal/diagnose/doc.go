// Package diagnose runs the loop: the judge names experiments, the loop makes
// them and hands the facts back, until the judge asks for nothing more or the
// budget is spent. It knows how to resolve, dial and fetch, and turns facts
// into a diag.Diagnosis; it decides nothing itself.
//
//	d, err := diagnose.Run(ctx, "shop.example.com", diagnose.Options{})
package diagnose
