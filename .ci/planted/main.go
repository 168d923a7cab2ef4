// Command planted calls a function that holes/GO-2000-0001.json says is
// vulnerable. Nothing is wrong with it: it is how we know that a hole is found.
package main

import "golang.org/x/sync/errgroup"

func main() {
	var group errgroup.Group
	group.Go(func() error { return nil })
	_ = group.Wait()
}
