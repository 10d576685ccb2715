package mysqlfabric

import "testing"

// standIns are those that examples have started: what holds a node's input ends it once it is garbage.
var standIns []*fabricd

// StandInNode starts a Fabric node for an example; it ends with the tests.
func StandInNode() Option {
	d := start(exampleTB{})
	standIns = append(standIns, d)
	return func(s *settings) {
		for _, option := range d.options() {
			option(s)
		}
	}
}

// exampleTB is what helpers of tests need, for examples, which have none.
type exampleTB struct{ testing.TB }

func (exampleTB) Helper()          {}
func (exampleTB) Cleanup(func())   {}
func (exampleTB) Fatal(all ...any) { panic(all) }
