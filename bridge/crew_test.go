package bridge

import "testing"

// Whoever works beside the loop has somebody to tell of a panic.
func TestS04CrewTellsOfPanics(t *testing.T) {
	t.Parallel()
	var told any
	b := New(Options{Broker: &fakeBroker{}, Fallen: func() { told = recover() }})
	b.work.Go(func() { panic("fallen") })
	b.work.Wait()
	if told != "fallen" {
		t.Errorf("told of %v", told)
	}
}
