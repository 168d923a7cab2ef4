package thinqtest_test

import (
	"fmt"

	"github.com/thinq2mqtt/thinq2mqtt/thinq/thinqtest"
)

// A server runs on the loopback interface until it is closed. A client of LG's
// needs its URL, its Token and, to trust it, its Roots.
func Example() {
	s, err := thinqtest.NewServer(thinqtest.Options{Country: "DE", Samples: thinqtest.Samples()[:1]})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	id := s.Devices()[0].ID
	s.Patch(id, []byte(`{"temperature":{"currentTemperature":27}}`)) // somebody opens a window
	s.SetOnline(id, false)                                           // its network fails
	s.Fault(thinqtest.Fault{Match: thinqtest.Match{Path: "/devices"}, Code: "1314", Times: 3})
	s.SetEvents(thinqtest.EventsSilent)
	fmt.Println(len(s.Devices()), "appliance,", len(s.Calls(0)), "calls")
	// Output: 1 appliance, 0 calls
}
